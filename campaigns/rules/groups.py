"""Stack groups: which incentives go together, and which of a group are taken."""

import enum
from dataclasses import dataclass


class Eligibility(enum.StrEnum):
    """How a group goes together with the others (``docs/stacking.md``, Groups)."""

    COMMON = "common"
    EXCLUSIVE = "exclusive"
    ALWAYS = "always"


class Pick(enum.StrEnum):
    """Which of a group's incentives are taken."""

    ALL = "all"
    FIRST = "first"
    BEST_FOR_CUSTOMER = "best_for_customer"
    LEAST_COST = "least_cost"


class PickScope(enum.StrEnum):
    """Whether the pick is made once for the basket, or for each line by itself."""

    BASKET = "basket"
    LINE = "line"


class Base(enum.StrEnum):
    """What a percentage is taken of: what is left, or the list price."""

    RUNNING = "running"
    ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Group:
    """A stack group. Lower ``rank`` is applied first; ``limit`` is the most of the group at once (``None``: no limit).

    ``base`` overrides the policy's; with ``consume_without_effect`` an incentive that takes nothing off still counts as used.
    """

    key: str
    name: str = ""
    eligibility: Eligibility = Eligibility.COMMON
    rank: int = 100
    limit: int | None = None
    pick: Pick = Pick.ALL
    scope: PickScope = PickScope.BASKET
    base: Base | None = None
    consume_without_effect: bool = False


DEFAULT_GROUP = Group("default")

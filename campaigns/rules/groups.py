"""Stack groups: which incentives go together, and how many of a group."""

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


@dataclass(frozen=True, slots=True)
class Group:
    """A stack group. Lower ``rank`` is applied first; ``limit`` is the most of the group at once (``None``: no limit)."""

    key: str
    name: str = ""
    eligibility: Eligibility = Eligibility.COMMON
    rank: int = 100
    limit: int | None = None
    pick: Pick = Pick.ALL


DEFAULT_GROUP = Group("default")

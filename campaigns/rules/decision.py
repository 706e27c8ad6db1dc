"""The outcome of stacking: what is applied, what is not and why, and what is left to pay."""

from dataclasses import dataclass
from typing import NamedTuple

from .applying import Added
from .awards import Awarded
from .candidates import Candidate, LimitState, Reason


class Share(NamedTuple):
    """What a line (or shipping method) gets of a discount; ``units`` are (count, amount) where only some are meant."""

    id: str
    amount: int
    units: tuple[tuple[int, int], ...] = ()


class Applied(NamedTuple):
    incentive: str
    name: str
    group: str
    amount: int
    wanted: int
    lines: tuple[Share, ...]
    shipping: tuple[Share, ...]
    base: str
    running_before: int
    running_after: int
    code: str = ""
    grant: str = ""
    stored_value: int = 0
    added: tuple[Added, ...] = ()
    awards: tuple[Awarded, ...] = ()
    # How many units were lowered or given, and how many would have been; counted only where a limit counts them.
    units: int = 0
    units_wanted: int = 0


class Refused(NamedTuple):
    """An incentive that was not applied: ``fact needed actual missing`` say how near it was, ``winner`` what it lost to."""

    incentive: str
    name: str
    reason: Reason
    code: str = ""
    fact: str = ""
    needed: object = None
    actual: object = None
    missing: int | None = None
    winner: str = ""
    # It may well apply to a customer who is known: nobody has said yet who it is.
    needs_customer: bool = False


def refused(candidate: Candidate, reason: Reason, *, winner: str = "") -> Refused:
    return Refused(incentive=candidate.key, name=candidate.name, reason=reason, code=candidate.code, winner=winner)


def short_of(candidate: Candidate, limit: LimitState) -> Refused:
    """The refusal of what a limit has not enough left for. How much is left is the operator's business, and not said."""
    return Refused(candidate.key, candidate.name, limit.reason, candidate.code, fact=limit.fact)


@dataclass(frozen=True, slots=True)
class LineResult:
    """``initial = discount + stored_value + payable``."""

    line: str
    initial: int
    discount: int
    stored_value: int = 0

    @property
    def payable(self) -> int:
        return self.initial - self.discount - self.stored_value


@dataclass(frozen=True, slots=True)
class Totals:
    items: int
    shipping: int
    discount: int
    stored_value: int = 0

    @property
    def initial(self) -> int:
        return self.items + self.shipping

    @property
    def payable(self) -> int:
        return self.initial - self.discount - self.stored_value


@dataclass(frozen=True, slots=True)
class Decision:
    """Every candidate is in exactly one of the three lists. ``inapplicable`` failed alone, ``skipped`` failed beside others."""

    currency: str
    applied: tuple[Applied, ...]
    inapplicable: tuple[Refused, ...]
    skipped: tuple[Refused, ...]
    totals: Totals
    lines: tuple[LineResult, ...]
    shipping: tuple[LineResult, ...]
    order: tuple[str, ...]
    # Whether the combination is proved to be the best of its policy; None where none was looked for.
    optimal: bool | None = None

"""Which tier a customer stands in on a day: a rule over what was earned or spent, without state (``docs/ledger.md``, Tiers)."""

import datetime
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .expiry import last_usable_day

DAY = datetime.timedelta(days=1)
NONE = -1  # below the first tier


class TiersBy(enum.StrEnum):
    """What is counted."""

    POINTS = "points"
    SPEND = "spend"


class StepDown(enum.StrEnum):
    """How far somebody falls when grace is over."""

    ONE = "one"
    STRAIGHT = "straight"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was counted counts for ``months``; what was reached is kept for ``grace_days`` after it is no longer reached."""

    months: int
    grace_days: int = 0
    step_down: StepDown = StepDown.STRAIGHT


@dataclass(frozen=True, slots=True)
class Counted:
    """So many points, or minor units spent, on a day. Never negative: what came back is taken off the day it was bought."""

    on: datetime.date
    amount: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Days from ``start`` to before ``end`` on which the same tier is reached."""

    start: datetime.date
    end: datetime.date
    level: int


def tier_at(history: Iterable[Counted], thresholds: Sequence[int], *, on: datetime.date, terms: Terms) -> int:
    """The position in ``thresholds`` (rising) of the tier on the day ``on``; ``NONE`` below the first."""
    stretches = _stretches(history, thresholds, on, terms.months)
    return _one_at_a_time(stretches, terms) if terms.step_down is StepDown.ONE else _straight(stretches, on, terms)


def _stretches(history: Iterable[Counted], thresholds: Sequence[int], on: datetime.date, months: int) -> list[_Stretch]:
    changes: dict[datetime.date, int] = {}
    for item in history:
        leaves = last_usable_day(item.on, valid_months=months) + DAY
        changes[item.on] = changes.get(item.on, 0) + item.amount
        changes[leaves] = changes.get(leaves, 0) - item.amount
    days = sorted(day for day in changes if day <= on)
    found, total = [], 0
    ends = [*days[1:], on + DAY] if days else []
    for start, end in zip(days, ends, strict=True):
        total += changes[start]
        found.append(_Stretch(start, end, sum(threshold <= total for threshold in thresholds) - 1))
    return found


def _straight(stretches: Sequence[_Stretch], on: datetime.date, terms: Terms) -> int:
    """The highest that was reached today or is still protected."""
    protected_since = on - terms.grace_days * DAY
    return max((item.level for item in stretches if item.end > protected_since), default=NONE)


def _one_at_a_time(stretches: Sequence[_Stretch], terms: Terms) -> int:
    held, falls_on = NONE, None
    for item in stretches:
        if item.level >= held:
            held, falls_on = item.level, None
        elif falls_on is None:
            falls_on = item.start + terms.grace_days * DAY
        while falls_on is not None and falls_on < item.end:
            held -= 1
            # Each tier on the way down is kept for as long again, for a day at least.
            falls_on = falls_on + max(1, terms.grace_days) * DAY if held > item.level else None
    return held

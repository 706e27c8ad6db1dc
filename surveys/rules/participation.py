"""Who takes part: who is invited, what opening a link does, when rewards are given (``docs/surveys.md``, Participation)."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .scores import Participation

__all__ = ["Funnel", "Participation", "funnel", "invited", "rewarded_at", "stored_by"]


@dataclass(frozen=True, slots=True)
class Funnel:
    """Percentages: begun and finished of those who saw the survey, given up of those who began."""

    start: float | None
    completion: float | None
    drop_off: float | None


def funnel(displays: int, started: int, finished: int) -> Funnel:
    return Funnel(
        100 * started / displays if displays else None,
        100 * finished / displays if displays else None,
        100 * (started - finished) / started if started else None,
    )


def invited(people: int, inactive_before: int) -> int:
    """Who is on leave before the round is not invited. Who leaves during it stays in the denominator."""
    return people - inactive_before


def stored_by(requests: Iterable[str]) -> int:
    """How many answers a link's requests store: opening it writes nothing, as mail scanners do; the first sent form does."""
    return min(1, sum(request.startswith("POST") for request in requests))


def rewarded_at(answered_at: Sequence[datetime.datetime], closes_at: datetime.datetime) -> list[datetime.datetime]:
    """When each of an anonymous survey's respondents is rewarded: all at once, at the close, so that no time tells who is who."""
    return [closes_at for _answer in answered_at]

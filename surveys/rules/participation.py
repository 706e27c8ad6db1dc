"""How far people come with a survey (``docs/surveys.md``, Participation)."""

from dataclasses import dataclass

from .scores import SHOWN_FROM


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


def counted_so_far(people: int, *, invited: int, k: int) -> int | None:
    """How many of the invited did something while a wave is open, in whole steps of ``k``: one more would say of whoever just put
    down their phone that they took part. ``None`` where it is not shown: too few were invited.
    """
    return people // k * k if invited >= max(SHOWN_FROM, k) else None

"""How far people come with a survey (``docs/surveys.md``, Participation)."""

from dataclasses import dataclass


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

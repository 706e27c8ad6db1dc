"""When a message that could not be delivered is tried again: the schedule of Standard Webhooks."""

import datetime

_SECONDS, _MINUTES, _HOURS = 1, 60, 3600
# Before the first attempt, the second, …; counted from the attempt before.
DELAYS = tuple(
    datetime.timedelta(seconds=number)
    for number in (
        0,
        5 * _SECONDS,
        5 * _MINUTES,
        30 * _MINUTES,
        2 * _HOURS,
        5 * _HOURS,
        10 * _HOURS,
        14 * _HOURS,
        20 * _HOURS,
        24 * _HOURS,
    )
)
JITTER = 0.1  # of a delay at most, so that what failed together does not come back together


def next_attempt(attempts: int, *, now: datetime.datetime, chance: float) -> datetime.datetime | None:
    """When to try again after ``attempts`` that failed, ``None`` to give up. ``chance`` is a number from 0 to 1."""
    if attempts >= len(DELAYS):
        return None
    return now + DELAYS[attempts] * (1 + JITTER * chance)

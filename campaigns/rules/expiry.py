"""When points stop being usable: a calendar rule over days, the same for every account."""

import calendar
import datetime
import enum


class RoundUp(enum.StrEnum):
    """To the end of which period the validity is stretched, so that many points end on one day that people remember."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


_MONTHS = {RoundUp.MONTH: 1, RoundUp.QUARTER: 3, RoundUp.HALF_YEAR: 6, RoundUp.YEAR: 12}


def last_usable_day(earned_on: datetime.date, *, valid_months: int, round_up_to_end_of: RoundUp | None = None) -> datetime.date:
    """The day on which points earned on ``earned_on`` can be used for the last time.

    So many calendar months later, on the same day of the month, or on the month's last day where it has no such day (31 January
    and one month: 28 February, or 29); then, where asked for, to the end of the month, quarter, half-year or year of that day.
    """
    months = earned_on.year * 12 + earned_on.month - 1 + valid_months
    day = _in_month(months, earned_on.day)
    if round_up_to_end_of is None:
        return day
    length = _MONTHS[round_up_to_end_of]
    return _in_month(day.year * 12 + (day.month - 1) // length * length + length - 1, 31)


def _in_month(months: int, day: int) -> datetime.date:
    """The ``day`` of the month that is ``months`` after year 0, or its last."""
    year, month = divmod(months, 12)
    return datetime.date(year, month + 1, min(day, calendar.monthrange(year, month + 1)[1]))

"""When waves open, remind and close, and when two people meet: by the wall clock of a place, counted from an anchor.

A date is always worked out from the anchor, never from the date before, so that nothing drifts. Clock times are local; the offset
follows the place's clock changes. (``docs/surveys.md``, Schedules; RFC 5545 names the parts.)
"""

import datetime
import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.relativedelta import weekday as weekday_of

DAY = datetime.timedelta(days=1)
MOMENT = datetime.timedelta(microseconds=1)
IN_TIME = datetime.timedelta(hours=1)  # so late a wave may open and still be in time
MORNING = datetime.time(9)
FURTHEST = 12 * 200  # steps looked at: two hundred years of months
REMINDED_AFTER = (3, 5)  # days from the opening
SATURDAY = 5


class Every(enum.StrEnum):
    """How often, in words of forms."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    THIRTEEN_WEEKS = "thirteen_weeks"


class ShortMonth(enum.StrEnum):
    """What becomes of the 31st in a month that has none."""

    CLIP = "clip"  # the last day of the month
    SKIP = "skip"  # no occurrence, as calendars do


class Weekend(enum.StrEnum):
    KEEP = "keep"
    NEXT_WORKING_DAY = "next_working_day"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every ``weeks`` weeks or ``months`` months from ``anchor`` (a local date; the first occurrence lies on it or is counted
    from it). With ``ordinal`` the n-th ``weekday`` of the month (0 is Monday), from its end when negative.
    """

    anchor: datetime.date
    weeks: int = 0
    months: int = 0
    short_month: ShortMonth = ShortMonth.CLIP
    weekend: Weekend = Weekend.KEEP
    weekday: int | None = None
    ordinal: int | None = None

    def __post_init__(self) -> None:
        if (self.weeks > 0) is (self.months > 0):
            raise ValueError("either weeks or months")


def recurrence(every: Every, anchor: datetime.date, *, weekend: Weekend = Weekend.NEXT_WORKING_DAY) -> Recurrence:
    weeks = {Every.WEEKLY: 1, Every.FORTNIGHTLY: 2, Every.THIRTEEN_WEEKS: 13}.get(every, 0)
    months = {Every.MONTHLY: 1, Every.QUARTERLY: 3}.get(every, 0)
    return Recurrence(anchor, weeks=weeks, months=months, weekend=weekend)


def dates(rule: Recurrence) -> Iterator[datetime.date]:
    """The local dates, in order; a weekend moves to the Monday after where the rule says so, the anchor does not move."""
    for step in range(FURTHEST):
        try:
            day = _at(rule, step)
        except (OverflowError, ValueError):
            return  # the calendar ends in the year 9999
        if day is not None and day >= rule.anchor:
            yield _working(day) if rule.weekend is Weekend.NEXT_WORKING_DAY else day


def _at(rule: Recurrence, step: int) -> datetime.date | None:
    if rule.weeks:
        return rule.anchor + rule.weeks * step * 7 * DAY
    if rule.weekday is not None and rule.ordinal is not None:
        first = rule.anchor.replace(day=1) + relativedelta(months=rule.months * step)
        towards = relativedelta(day=1 if rule.ordinal > 0 else 31, weekday=weekday_of(rule.weekday, rule.ordinal))
        day = first + towards
        return day if day.month == first.month else None
    day = rule.anchor + relativedelta(months=rule.months * step)  # the last day of a shorter month
    return None if rule.short_month is ShortMonth.SKIP and day.day != rule.anchor.day else day


def _working(day: datetime.date) -> datetime.date:
    return day + max(0, 7 - day.weekday()) * DAY if day.weekday() >= SATURDAY else day


def first_dates(rule: Recurrence, count: int) -> list[datetime.date]:
    return list(islice(dates(rule), count))


def next_dates(rule: Recurrence, after: datetime.date, count: int) -> list[datetime.date]:
    """The next ``count`` dates later than ``after``."""
    return list(islice((day for day in dates(rule) if day > after), count))


def at(day: datetime.date, time: datetime.time, zone: str) -> datetime.datetime:
    """The instant (UTC) of a local date and time. A time that a clock change leaves out is as much later as the clock was moved;
    one that comes twice is the first of the two.
    """
    local = datetime.datetime.combine(day, time, tzinfo=ZoneInfo(zone))
    return local.astimezone(datetime.UTC)


def due(
    rule: Recurrence, time: datetime.time, zone: str, *, after: datetime.datetime, until: datetime.datetime
) -> list[datetime.date]:
    """The dates whose instant lies after ``after``, up to ``until``: what a beat that was down has missed, each once."""
    found = []
    for day in dates(rule):
        instant = at(day, time, zone)
        if instant > until:
            break
        if instant > after:
            found.append(day)
    return found


def reminders(opens: datetime.date, answered_on: datetime.date | None = None) -> list[datetime.date]:
    """When somebody is reminded: three and five days after the opening, as long as no answer has come before."""
    days = [opens + days * DAY for days in REMINDED_AFTER]
    return [day for day in days if answered_on is None or answered_on >= day]


def link_expires(last_day: datetime.date, zone: str = "UTC") -> datetime.datetime:
    """A link is good through its last day: it ends at the midnight after it, there."""
    return at(last_day + DAY, datetime.time(), zone)


def closes(opens: datetime.datetime, open_days: int, zone: str) -> datetime.datetime:
    """When a wave closes: its links are good through its last day, the day of the opening being the first. So a week lasts to the
    midnight before the next one opens, also when the clocks change in it.
    """
    first_day = opens.astimezone(ZoneInfo(zone)).date()
    return link_expires(first_day + (open_days - 1) * DAY, zone)


def last_day(closes_at: datetime.datetime, zone: str) -> datetime.date:
    """The last day on which there is still time to answer."""
    return (closes_at - MOMENT).astimezone(ZoneInfo(zone)).date()


def first_mail(now: datetime.datetime, send_time: datetime.time) -> datetime.datetime:
    """When the first message goes out (local, as ``now``): Monday to Friday at ``send_time``, today only if that is not over."""
    day = now.date()
    if day.weekday() < SATURDAY and now.time() >= send_time:
        day += DAY
    return datetime.datetime.combine(_working(day), send_time, tzinfo=now.tzinfo)


def mails_from(
    opened: datetime.datetime, planned: datetime.datetime, send_time: datetime.time | None, zone: str
) -> datetime.datetime:
    """From when on invitations go out. As planned where the wave opened in time; one that opened late waits for the next send
    time of a working day. Without a send time at once, at a weekend on Monday morning.
    """
    local = opened.astimezone(ZoneInfo(zone))
    if send_time is None:
        return opened if local.weekday() < SATURDAY else first_mail(local, MORNING).astimezone(datetime.UTC)
    return planned if opened - planned <= IN_TIME else first_mail(local, send_time).astimezone(datetime.UTC)


def is_mail_day(now: datetime.datetime, zone: str) -> bool:
    """Monday to Friday, there."""
    return now.astimezone(ZoneInfo(zone)).weekday() < SATURDAY


def meetings(
    first: datetime.datetime, *, every_weeks: int = 0, every_months: int = 0, zone: str, cancelled: Iterable[datetime.date] = ()
) -> Iterator[datetime.datetime]:
    """Starts of a series, in the zone: the wall clock stays; a cancelled one is left out and not replaced."""
    out = set(cancelled)
    rule = Recurrence(first.date(), weeks=every_weeks, months=every_months)
    for day in dates(rule):
        if day not in out:
            yield datetime.datetime.combine(day, first.time(), tzinfo=ZoneInfo(zone))


def overlaps(
    opens: datetime.datetime, closes: datetime.datetime, others: Sequence[tuple[datetime.datetime, datetime.datetime]]
) -> bool:
    """Whether a wave would be open while another of its survey is."""
    return any(opens < other_closes and other_opens < closes for other_opens, other_closes in others)


def surveys_before_a_repeat(bank: int, per_survey: int) -> int:
    """After how many surveys somebody has seen every question of a bank once."""
    return -(-bank // per_survey) if per_survey else 0

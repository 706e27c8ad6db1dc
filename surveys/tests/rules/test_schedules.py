"""Dates over ten years, in zones with clock changes, against an independent calculation."""

import calendar
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.rules import schedules
from surveys.rules.schedules import Every, Recurrence, Weekend

ZONES = [
    "UTC",
    "Europe/Rome",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Africa/Casablanca",
]
ANCHORS = st.dates(dt.date(2020, 1, 1), dt.date(2032, 12, 31))


def by_counting(anchor: dt.date, months: int, years: int) -> list[dt.date]:
    """The same day of every ``months``-th month, the last where there is none: by counting months, without any library."""
    found = []
    for n in range(years * 12 // months):
        index = anchor.year * 12 + anchor.month - 1 + n * months
        year, month = divmod(index, 12)
        found.append(dt.date(year, month + 1, min(anchor.day, calendar.monthrange(year, month + 1)[1])))
    return found


@given(anchor=ANCHORS, months=st.sampled_from([1, 2, 3, 6]))
def test_months_are_counted_from_the_anchor(anchor: dt.date, months: int) -> None:
    expected = by_counting(anchor, months, 10)
    assert schedules.first_dates(Recurrence(anchor, months=months), len(expected)) == expected


@given(anchor=ANCHORS, weeks=st.sampled_from([1, 2, 13]))
def test_weeks_are_counted_in_days(anchor: dt.date, weeks: int) -> None:
    found = schedules.first_dates(Recurrence(anchor, weeks=weeks), 520 // weeks)
    assert [(day - anchor).days for day in found] == [7 * weeks * n for n in range(520 // weeks)]


@given(anchor=ANCHORS, every=st.sampled_from(Every))
def test_a_weekend_moves_to_monday_and_the_anchor_does_not_move(anchor: dt.date, every: Every) -> None:
    plain = schedules.first_dates(schedules.recurrence(every, anchor, weekend=Weekend.KEEP), 60)
    moved = schedules.first_dates(schedules.recurrence(every, anchor), 60)
    for day, at in zip(plain, moved, strict=True):
        assert at.weekday() < 5
        assert (at - day).days == {5: 2, 6: 1}.get(day.weekday(), 0)


@given(
    anchor=ANCHORS,
    every=st.sampled_from(Every),
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    minute=st.sampled_from([0, 30]),
)
def test_the_wall_clock_stays_across_clock_changes(anchor: dt.date, every: Every, zone: str, hour: int, minute: int) -> None:
    from zoneinfo import ZoneInfo

    time = dt.time(hour, minute)
    for day in schedules.first_dates(schedules.recurrence(every, anchor), 120):
        local = schedules.at(day, time, zone).astimezone(ZoneInfo(zone))
        # Where the clock leaves the time out, it is later by as much, at most an hour.
        late = dt.datetime.combine(local.date(), local.time()) - dt.datetime.combine(day, time)
        assert dt.timedelta(0) <= late <= dt.timedelta(hours=1)


@given(
    anchor=ANCHORS,
    every=st.sampled_from(Every),
    zone=st.sampled_from(ZONES),
    cuts=st.lists(st.integers(0, 3_650 * 24), min_size=1, max_size=30),
)
def test_however_long_the_beat_was_down_each_date_is_due_once(anchor: dt.date, every: Every, zone: str, cuts: list[int]) -> None:
    rule, time = schedules.recurrence(every, anchor), dt.time(9)
    start = schedules.at(anchor, dt.time(), zone) - dt.timedelta(days=1)
    found, after = [], start
    for hours in sorted(cuts):
        until = start + dt.timedelta(hours=hours)
        found += schedules.due(rule, time, zone, after=after, until=until)
        after = max(after, until)
    assert found == schedules.due(rule, time, zone, after=start, until=after)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        ("2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2023-12-31", ["2023-12-31", "2024-12-31", "2025-12-31", "2026-12-31", "2027-12-31"]),
    ],
)
def test_leap_days(anchor: str, expected: list[str]) -> None:
    rule = Recurrence(dt.date.fromisoformat(anchor), months=12)
    assert [day.isoformat() for day in schedules.first_dates(rule, 5)] == expected


def test_the_next_dates_come_after_today() -> None:
    rule = schedules.recurrence(Every.MONTHLY, dt.date(2026, 1, 31))
    assert [day.isoformat() for day in schedules.next_dates(rule, dt.date(2026, 3, 1), 3)] == [
        "2026-03-02",
        "2026-03-31",
        "2026-04-30",
    ]


def test_a_rule_is_of_weeks_or_of_months() -> None:
    with pytest.raises(ValueError, match="either"):
        Recurrence(dt.date(2026, 1, 1), weeks=1, months=1)


def test_a_week_lasts_to_the_midnight_before_the_next_also_when_clocks_change() -> None:
    """The week of 29 March has an hour less in Rome: a wave of seven days of 24 hours would still be open when the next opens."""
    for zone, monday in (
        ("Europe/Rome", dt.date(2026, 3, 23)),
        ("Europe/Rome", dt.date(2026, 10, 19)),
        ("UTC", dt.date(2026, 1, 5)),
    ):
        opens = schedules.at(monday, dt.time(0, 30), zone)
        following = schedules.at(monday + dt.timedelta(days=7), dt.time(0, 30), zone)
        closes = schedules.closes(opens, 7, zone)
        assert closes == schedules.at(monday + dt.timedelta(days=7), dt.time(), zone)
        assert not schedules.overlaps(opens, closes, [(following, schedules.closes(following, 7, zone))])
        assert schedules.last_day(closes, zone) == monday + dt.timedelta(days=6)


@pytest.mark.parametrize("every", list(schedules.Every))
@pytest.mark.parametrize("day", [1, 28, 29, 30, 31])
def test_waves_of_the_longest_window_never_overlap(every: schedules.Every, day: int) -> None:
    from surveys.operations._design import LONGEST_OPEN

    for zone in ("Europe/Rome", "Asia/Kuala_Lumpur", "America/New_York"):
        rule = schedules.recurrence(every, dt.date(2026, 1, day))
        opens = [schedules.at(date, dt.time(23, 45), zone) for date in schedules.first_dates(rule, 60)]
        closes = [schedules.closes(instant, LONGEST_OPEN[every], zone) for instant in opens]
        assert all(end <= following for end, following in zip(closes[:-1], opens[1:], strict=True))


@pytest.mark.parametrize(
    ("opened", "planned", "send_time", "expected"),
    [
        ("2026-03-04T09:00", "2026-03-04T09:00", "09:00", "2026-03-04T09:00"),  # in time
        ("2026-03-04T09:40", "2026-03-04T09:00", "09:00", "2026-03-04T09:00"),  # a beat that was a little late
        ("2026-03-04T13:00", "2026-03-04T09:00", "09:00", "2026-03-05T09:00"),  # too late for today
        ("2026-03-06T13:00", "2026-03-06T09:00", "09:00", "2026-03-09T09:00"),  # a Friday: on Monday
        ("2026-03-05T08:00", "2026-03-04T09:00", "09:00", "2026-03-05T09:00"),  # the day after, before the hour
        ("2026-03-04T13:00", "2026-03-04T13:00", "", "2026-03-04T13:00"),  # without an hour: at once
        ("2026-03-07T13:00", "2026-03-07T13:00", "", "2026-03-09T09:00"),  # but not on a Saturday
    ],
)
def test_invitations_go_out_on_working_days_at_the_send_time(opened: str, planned: str, send_time: str, expected: str) -> None:
    rome = ZoneInfo("Europe/Rome")
    at = [dt.datetime.fromisoformat(text).replace(tzinfo=rome) for text in (opened, planned, expected)]
    found = schedules.mails_from(at[0], at[1], dt.time.fromisoformat(send_time) if send_time else None, "Europe/Rome")
    assert found == at[2]

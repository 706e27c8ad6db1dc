"""The last day on which points can be used."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.expiry import RoundUp, last_usable_day

DAYS = st.dates(datetime.date(1970, 1, 1), datetime.date(2900, 1, 1))
day = datetime.date.fromisoformat


@pytest.mark.parametrize(
    ("earned", "months", "round_up", "last"),
    [
        ("2026-01-25", 1, None, "2026-02-25"),
        ("2026-01-31", 1, None, "2026-02-28"),
        ("2028-01-31", 1, None, "2028-02-29"),  # a leap year
        ("2028-02-29", 12, None, "2029-02-28"),
        ("2026-12-31", 2, None, "2027-02-28"),  # over the turn of the year
        ("2026-01-25", 1, RoundUp.MONTH, "2026-02-28"),
        ("2026-01-25", 1, RoundUp.QUARTER, "2026-03-31"),
        ("2026-01-25", 1, RoundUp.HALF_YEAR, "2026-06-30"),
        ("2026-01-25", 1, RoundUp.YEAR, "2026-12-31"),
        ("2026-01-25", 12, RoundUp.YEAR, "2027-12-31"),
        ("2026-09-30", 3, RoundUp.QUARTER, "2026-12-31"),
        ("2026-03-01", 3, RoundUp.HALF_YEAR, "2026-06-30"),
        ("2026-04-01", 3, RoundUp.HALF_YEAR, "2026-12-31"),
    ],
)
def test_the_last_day(earned: str, months: int, round_up: RoundUp | None, last: str) -> None:
    assert last_usable_day(day(earned), valid_months=months, round_up_to_end_of=round_up) == day(last)


@given(DAYS, DAYS, st.integers(1, 120), st.one_of(st.none(), st.sampled_from(RoundUp)))
def test_points_earned_later_never_end_earlier(one: datetime.date, other: datetime.date, months: int, round_up: RoundUp) -> None:
    early, late = sorted([one, other])
    ends = [last_usable_day(earned, valid_months=months, round_up_to_end_of=round_up) for earned in (early, late)]
    assert ends == sorted(ends)
    assert ends[0] > early


@given(DAYS, st.integers(1, 120), st.sampled_from(RoundUp))
def test_rounding_up_ends_with_a_month_and_never_takes_a_day_away(earned: datetime.date, months: int, round_up: RoundUp) -> None:
    plain = last_usable_day(earned, valid_months=months)
    rounded = last_usable_day(earned, valid_months=months, round_up_to_end_of=round_up)
    assert rounded >= plain
    assert (rounded + datetime.timedelta(days=1)).day == 1

"""Whose count a use goes to, and in how many slots it is counted."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.limits import Counted, Per, capacity, is_slot, slot, slots_for, subject_of

DAY = dt.date(2027, 1, 2)  # in the 53rd week of 2026


@pytest.mark.parametrize(
    ("per", "subject"),
    [
        (Per.TOTAL, ""),
        (Per.CUSTOMER, "ann"),
        (Per.CUSTOMER_DAY, "ann@2027-01-02"),
        (Per.CUSTOMER_WEEK, "ann@2026-W53"),
        (Per.CUSTOMER_MONTH, "ann@2027-01"),
        (Per.STORE, "store:s1"),
    ],
)
def test_whose_count_it_is(per: Per, subject: str) -> None:
    assert subject_of(per, customer="ann", store="s1", today=DAY) == subject
    assert subject_of(per, customer="", store="", today=DAY) == ("" if per is Per.TOTAL else None)


def test_weeks_before_the_tenth_have_two_digits() -> None:
    assert subject_of(Per.CUSTOMER_WEEK, customer="a", store="", today=dt.date(2026, 1, 5)) == "a@2026-W02"


@pytest.mark.parametrize(
    ("per", "maximum", "counted", "slots"),
    [
        (Per.TOTAL, 1_599, Counted.USES, 1),
        (Per.TOTAL, 1_600, Counted.USES, 16),
        (Per.CUSTOMER, 10**6, Counted.USES, 1),
        (Per.TOTAL, 1_600, Counted.DISCOUNT, 16),
        (Per.TOTAL, 1_600, Counted.UNITS, 16),
        (Per.TOTAL, 15_999_999, Counted.ORDER_VALUE, 1),
        (Per.TOTAL, 16_000_000, Counted.POINTS, 16),
    ],
)
def test_what_everybody_wants_is_counted_in_slots(per: Per, maximum: int, counted: Counted, slots: int) -> None:
    assert slots_for(per, maximum, counted) == slots
    if counted is Counted.USES:
        assert slots_for(per, maximum) == slots


def test_slots_have_subjects_of_their_own() -> None:
    assert slot(3) == "#3"
    assert (is_slot("#3"), is_slot("ann"), is_slot("")) == (True, False, False)


@given(maximum=st.integers(0, 10**9), slots=st.integers(1, 64))
def test_the_parts_add_up_to_the_maximum_and_differ_by_one_at_most(maximum: int, slots: int) -> None:
    parts = [capacity(maximum, slots, number) for number in range(slots)]
    assert sum(parts) == maximum
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)

"""Tiers rise with what is counted, fall as the programme says, and never below what grace protects."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.tiers import NONE, Counted, StepDown, Terms, tier_at

FIRST = datetime.date(2026, 1, 1)
DAY = datetime.timedelta(days=1)
THRESHOLDS = [100, 200, 400]

histories = st.lists(st.builds(Counted, st.integers(0, 200).map(lambda n: FIRST + n * DAY), st.integers(0, 300)), max_size=12)
terms = st.builds(Terms, st.integers(1, 3), st.integers(0, 40), st.sampled_from(StepDown))
days = st.integers(0, 400).map(lambda n: FIRST + n * DAY)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


BOUGHT = [Counted(day("2026-01-10"), 400)]


@pytest.mark.parametrize(
    ("on", "straight", "one"),
    [
        ("2026-01-09", NONE, NONE),
        ("2026-01-10", 2, 2),
        ("2026-02-10", 2, 2),  # the last day on which it counts
        ("2026-02-11", 2, 2),  # the first of ten days of grace
        ("2026-02-20", 2, 2),
        ("2026-02-21", NONE, 1),
        ("2026-03-02", NONE, 1),
        ("2026-03-03", NONE, 0),
        ("2026-03-13", NONE, NONE),
    ],
)
def test_the_example_of_the_document(on: str, straight: int, one: int) -> None:
    assert tier_at(BOUGHT, THRESHOLDS, on=day(on), terms=Terms(1, 10, StepDown.STRAIGHT)) == straight
    assert tier_at(BOUGHT, THRESHOLDS, on=day(on), terms=Terms(1, 10, StepDown.ONE)) == one


@given(histories, histories, days, terms)
def test_more_never_means_less(history: list[Counted], more: list[Counted], on: datetime.date, how: Terms) -> None:
    assert tier_at([*history, *more], THRESHOLDS, on=on, terms=how) >= tier_at(history, THRESHOLDS, on=on, terms=how)


@given(histories, days, terms, st.data())
def test_what_was_reached_is_kept_for_the_days_of_grace(
    history: list[Counted], on: datetime.date, how: Terms, data: st.DataObject
) -> None:
    """Whatever was counted enough for on a day, is held on each of the days that grace protects after it."""
    reached = tier_at(history, THRESHOLDS, on=on, terms=Terms(how.months))
    later = on + data.draw(st.integers(0, how.grace_days)) * DAY
    assert tier_at([item for item in history if item.on <= on], THRESHOLDS, on=later, terms=how) >= reached


@given(histories, days, terms)
def test_straight_falls_to_what_is_reached_once_grace_is_over(history: list[Counted], on: datetime.date, how: Terms) -> None:
    """Nothing but what was reached on one of the last days holds anybody up."""
    last = [tier_at(history, THRESHOLDS, on=on - n * DAY, terms=Terms(how.months)) for n in range(how.grace_days + 1)]
    assert tier_at(history, THRESHOLDS, on=on, terms=Terms(how.months, how.grace_days)) == max(last)


@given(histories, st.integers(0, 250), st.integers(1, 3), st.integers(0, 20))
def test_one_at_a_time_falls_by_one_and_never_below_straight(history: list[Counted], start: int, months: int, grace: int) -> None:
    slow, fast = Terms(months, grace, StepDown.ONE), Terms(months, grace, StepDown.STRAIGHT)
    fell_on = None
    before = tier_at(history, THRESHOLDS, on=FIRST + start * DAY, terms=slow)
    for n in range(start + 1, start + 40):
        on = FIRST + n * DAY
        now = tier_at(history, THRESHOLDS, on=on, terms=slow)
        assert now >= before - 1
        assert now >= tier_at(history, THRESHOLDS, on=on, terms=fast)
        if now < before:
            assert fell_on is None or (on - fell_on).days >= grace
            fell_on = on
        before = now


@given(st.permutations([Counted(FIRST + n * DAY, 70 * n) for n in range(6)]), days, terms)
def test_order_says_nothing(history: list[Counted], on: datetime.date, how: Terms) -> None:
    assert tier_at(history, THRESHOLDS, on=on, terms=how) == tier_at(sorted(history, key=str), THRESHOLDS, on=on, terms=how)


def test_what_was_counted_on_one_day_adds_up() -> None:
    terms = Terms(months=12)
    day = datetime.date(2026, 3, 1)
    assert tier_at([Counted(day, 60), Counted(day, 40)], [100], on=day, terms=terms) == 0
    assert tier_at([Counted(day, 60), Counted(day, 39)], [100], on=day, terms=terms) == NONE
    later = datetime.date(2026, 5, 1)
    assert tier_at([Counted(day, 60), Counted(later, 40)], [100], on=later, terms=terms) == 0


def test_what_leaves_on_the_day_something_comes_is_taken_off() -> None:
    terms = Terms(months=1)
    first, second = datetime.date(2026, 3, 1), datetime.date(2026, 4, 2)
    assert tier_at([Counted(first, 100), Counted(first, 50), Counted(second, 60)], [100], on=second, terms=terms) == NONE


def test_nothing_counted_is_below_a_tier_of_one() -> None:
    assert tier_at([Counted(datetime.date(2026, 3, 1), 0)], [1], on=datetime.date(2026, 3, 1), terms=Terms(months=1)) == NONE

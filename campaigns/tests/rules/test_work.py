"""What a decision costs is counted honestly, and bounded."""

import datetime
import sys
from typing import Any

import pytest

from benchmarks import hostile
from campaigns.rules import stacking
from campaigns.rules.decision import Decision
from campaigns.rules.language import read_simulation
from campaigns.rules.work import MOST_STEPS, TooComplex, Work

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)


def decided(document: Any, work: Work) -> Decision | None:
    """The decision on a simulation; ``None`` when it is too complex."""
    try:
        asked = read_simulation(document, now=NOW, work=work)
        return stacking.decide(
            basket=asked.basket,
            candidates=asked.candidates,
            groups=asked.groups,
            policy=asked.policy,
            surroundings=asked.surroundings,
            work=work,
        )
    except TooComplex:
        return None


def calls_of(document: Any, work: Work) -> int:
    """How many functions were called, of Python and of C: what really happened, whatever the steps say."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        decided(document, work)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("number", range(25))
def test_a_hostile_question_is_answered_or_refused_within_its_steps(number: int) -> None:
    """And the steps are not fewer than what was done: no more than a few calls for each."""
    document, work = hostile.simulation(number), Work()
    calls = calls_of(document, work)
    assert calls < 20_000 + 6 * work.spent
    assert calls < 6 * MOST_STEPS
    # The step that was too many is the only one beyond.
    assert work.spent <= MOST_STEPS or decided(document, Work()) is None


def test_hostile_questions_are_both_answered_and_refused() -> None:
    outcomes = {decided(hostile.simulation(number), Work()) is None for number in range(12)}
    assert outcomes == {True, False}


def test_the_same_question_costs_the_same_steps() -> None:
    for number in range(5):
        first, second = Work(), Work()
        assert decided(hostile.simulation(number), first) == decided(hostile.simulation(number), second)
        assert first.spent == second.spent


def lines(count: int, quantity: int = 1) -> list[dict[str, Any]]:
    return [{"id": f"l{n}", "sku": f"s{n}", "quantity": quantity, "unit_price": 1_000 + n} for n in range(count)]


PERCENT = {"type": "percent_off", "percent": "1", "target": {"scope": "lines"}}
BUY_GET = {"type": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1, "percent": "50"}}


@pytest.mark.parametrize(
    ("basket", "incentives"),
    [
        (lines(1_000), [PERCENT] * 30),
        (lines(200, 100), [BUY_GET] * 8),
        (lines(50, 100), [BUY_GET] * 10),
        (lines(5), [PERCENT] * 1_000),
    ],
)
def test_what_a_large_shop_asks_stays_far_from_the_budget(basket: Any, incentives: list[Any]) -> None:
    work = Work()
    document = {
        "currency": "USD",
        "basket": {"lines": basket},
        "incentives": [{"key": f"i{n}", "effect": effect} for n, effect in enumerate(incentives)],
    }
    assert decided(document, work) is not None
    assert work.spent < 4 * MOST_STEPS // 5


def test_a_thousand_incentives_are_searched_without_nesting_calls() -> None:
    """Once an error of the server: the search called itself once for each incentive."""
    document = {
        "currency": "USD",
        "basket": {"lines": lines(1)},
        "incentives": [{"key": f"i{n}", "effect": PERCENT} for n in range(1_000)],
        "policy": {"choose": "best_for_customer"},
    }
    decision = decided(document, Work())
    assert decision is not None
    assert decision.optimal is False
    assert len(decision.applied) == 30

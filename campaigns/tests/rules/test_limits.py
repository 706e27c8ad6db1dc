"""Limits inside a decision: what is short is refused, or clipped to what is left; several incentives may share one."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.basket import Basket, Filter, Line
from campaigns.rules.candidates import Candidate, LimitState, OnShort, Reason, Standing
from campaigns.rules.effects import (
    Allocation,
    AmountOff,
    BundlePrice,
    Buy,
    BuyGet,
    Compound,
    Effect,
    FixedPrice,
    FreeItem,
    Get,
    PercentOff,
    Scope,
    Target,
    Upgrade,
)

from .test_stacking import decided, reasons

LINES = Target(Scope.LINES)
SHOES, SOCKS = Filter(categories=frozenset({"shoes"})), Filter(categories=frozenset({"socks"}))
GOODS = Basket(
    "USD", (Line("1", "shoe", 3, 5_000, ("shoes",)), Line("2", "sock", 4, 500, ("socks",)), Line("3", "shirt", 2, 1_000))
)


def limit(measure: str, left: int, on_short: OnShort = OnShort.CLIP, number: int = 1) -> LimitState:
    return LimitState(number, measure, "total", left, 0, on_short)


def guarded(effect: Effect, *limits: LimitState, key: str = "a", **more: Any) -> Candidate:
    return Candidate(key, effect, standing=Standing(limits=limits), **more)


def only(decision: Any) -> Any:
    [applied] = decision.applied
    return applied


@pytest.mark.parametrize(
    ("effect", "left", "units", "wanted", "amount"),
    [
        # 10 % of three shoes of 50.00, then of one sock of 5.00, in the order of the basket: 15.00 + 0.50
        (PercentOff(Decimal(10), LINES), 4, 4, 9, 1_550),
        # 3.00 off each unit: four of them
        (AmountOff(300, Allocation.EACH_UNIT, LINES), 4, 4, 9, 1_200),
        # 4.00 for each unit: two shoes save 46.00 each
        (FixedPrice(400, LINES), 2, 2, 9, 9_200),
        # three units for 60.00: three shoes save 90.00; of the other six the dearest three save nothing
        (BundlePrice(6_000, 3), 5, 3, 3, 9_000),
        # buy a shoe, get two socks free: three shoes would give four socks, two are left to give
        (BuyGet(Buy(SHOES, 1), Get(SOCKS, 2, Decimal(100))), 2, 2, 4, 1_000),
        (BuyGet(Buy(SHOES, 1), Get(SOCKS, 2, Decimal(100))), 3, 3, 4, 1_500),
        # two of three shoes are replaced by one of 45.00
        (Upgrade(SHOES, "boot", 4_500), 2, 2, 3, 1_000),
        (FreeItem("bag", 5, 200), 2, 2, 5, 0),
        (Compound((PercentOff(Decimal(10), Target(Scope.LINES, SHOES)),)), 5, 3, 3, 1_500),
    ],
)
def test_units_are_clipped_to_what_is_left(effect: Effect, left: int, units: int, wanted: int, amount: int) -> None:
    applied = only(decided(GOODS, guarded(effect, limit("units", left))))
    assert (applied.units, applied.units_wanted, applied.amount) == (units, wanted, amount)


def test_a_budget_is_clipped_to_the_cent_and_says_what_was_wanted() -> None:
    applied = only(decided(GOODS, guarded(PercentOff(Decimal(10)), limit("discount", 1_234))))
    assert (applied.amount, applied.wanted) == (1_234, 1_900)
    assert sum(share.amount for share in applied.lines) == 1_234


@pytest.mark.parametrize(
    ("effect", "short", "reason"),
    [
        (PercentOff(Decimal(10), LINES), limit("units", 8, OnShort.REFUSE), Reason.LIMIT_REACHED),
        (PercentOff(Decimal(10), LINES), limit("discount", 1_899, OnShort.REFUSE), Reason.BUDGET_EXHAUSTED),
        (PercentOff(Decimal(10), LINES), limit("uses", 0), Reason.LIMIT_REACHED),
        # Half a bundle cannot be had, and of a compound only whole lines can be told apart.
        (BundlePrice(6_000, 3), limit("units", 2), Reason.LIMIT_REACHED),
        (Compound((PercentOff(Decimal(10), LINES), FreeItem("bag", 1, 100))), limit("units", 3), Reason.LIMIT_REACHED),
    ],
)
def test_what_cannot_be_made_less_is_refused(effect: Effect, short: LimitState, reason: Reason) -> None:
    assert reasons(decided(GOODS, guarded(effect, short))) == {"a": reason}


def test_enough_is_not_clipped() -> None:
    applied = only(decided(GOODS, guarded(PercentOff(Decimal(10), LINES), limit("units", 9), limit("discount", 1_900, number=2))))
    assert (applied.units, applied.amount, applied.wanted) == (9, 1_900, 1_900)


def test_two_limits_clip_one_after_the_other() -> None:
    applied = only(decided(GOODS, guarded(PercentOff(Decimal(10), LINES), limit("units", 3), limit("discount", 900, number=2))))
    assert (applied.units, applied.amount) == (3, 900)
    assert (applied.units_wanted, applied.wanted) == (9, 1_900)


def test_incentives_of_one_campaign_share_its_budget_within_a_decision() -> None:
    budget = limit("discount", 2_000, OnShort.REFUSE)
    first, second = guarded(PercentOff(Decimal(10)), budget), guarded(PercentOff(Decimal(5)), budget, key="b")
    decision = decided(GOODS, first, second)
    assert [item.incentive for item in decision.applied] == ["a"]
    assert reasons(decision) == {"b": Reason.BUDGET_EXHAUSTED}
    clipped = limit("discount", 2_000)
    decision = decided(GOODS, guarded(PercentOff(Decimal(10)), clipped), guarded(PercentOff(Decimal(5)), clipped, key="b"))
    assert [(item.incentive, item.amount) for item in decision.applied] == [("a", 1_900), ("b", 100)]


EFFECTS = st.sampled_from(
    [
        PercentOff(Decimal(10)),
        PercentOff(Decimal(33), LINES),
        AmountOff(700, Allocation.BY_QUANTITY),
        AmountOff(300, Allocation.EACH_UNIT, LINES),
        FixedPrice(400, LINES),
        BundlePrice(2_000, 3),
        BuyGet(Buy(SHOES, 1), Get(SOCKS, 2, Decimal(100))),
        Upgrade(SHOES, "boot", 4_500),
        FreeItem("bag", 5, 200),
        Compound((PercentOff(Decimal(10), Target(Scope.LINES, SHOES)), AmountOff(100))),
    ]
)


@given(
    st.lists(st.tuples(EFFECTS, st.booleans(), st.booleans()), min_size=1, max_size=5), st.integers(0, 12), st.integers(0, 5_000)
)
def test_nothing_is_ever_given_beyond_what_is_left(drawn: list[Any], units: int, money: int) -> None:
    kinds = {True: OnShort.CLIP, False: OnShort.REFUSE}
    candidates = [
        guarded(effect, limit("units", units, kinds[clip]), limit("discount", money, kinds[also], 2), key=f"i{n}")
        for n, (effect, clip, also) in enumerate(drawn)
    ]
    decision = decided(GOODS, *candidates)
    assert sum(item.units for item in decision.applied) <= units
    assert sum(item.amount for item in decision.applied) <= money
    assert all(item.units <= item.units_wanted and item.amount <= item.wanted for item in decision.applied)

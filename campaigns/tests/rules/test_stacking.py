"""The stacking rule: worked examples, groups, reasons, and the promises that hold for every basket."""

import dataclasses
import datetime
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.basket import Basket, Filter, Line, Shipping
from campaigns.rules.candidates import OPEN, Candidate, LimitState, OnShort, Reason, Standing, UnknownCode
from campaigns.rules.decision import Decision
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
    StoredValue,
    Target,
    Tier,
    TierBy,
    Tiers,
    UnitPick,
    Units,
    Upgrade,
)
from campaigns.rules.facts import Surroundings
from campaigns.rules.groups import Base, Eligibility, Group, Pick, PickScope
from campaigns.rules.language import conditions_of
from campaigns.rules.matching import Matcher
from campaigns.rules.policy import Choose, Failure, Order, Policy
from campaigns.rules.stacking import decide
from campaigns.rules.walking import Question, Walk
from campaigns.rules.work import Work

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
TILL = Surroundings(now=NOW, channel_key="till-7", channel_kind="store", customer={"group": "VIP"})
GROUPS = {
    "default": Group("default"),
    "alone": Group("alone", eligibility=Eligibility.EXCLUSIVE, rank=10, limit=1),
    "always": Group("always", eligibility=Eligibility.ALWAYS, rank=200),
    "two": Group("two", limit=2),
    "first": Group("first", pick=Pick.FIRST),
    "best": Group("best", pick=Pick.BEST_FOR_CUSTOMER),
    "least": Group("least", pick=Pick.LEAST_COST, rank=50),
    "each-line": Group("each-line", pick=Pick.BEST_FOR_CUSTOMER, scope=PickScope.LINE, rank=60),
    "list-price": Group("list-price", base=Base.ORIGINAL),
}


def basket(*prices: int, quantity: int = 1, **fields: Any) -> Basket:
    return Basket("USD", tuple(Line(str(n), f"sku-{n}", quantity, price, **fields) for n, price in enumerate(prices, 1)))


def percent(key: str, value: str, **fields: Any) -> Candidate:
    return Candidate(key, PercentOff(Decimal(value)), **fields)


def amount(key: str, value: int, **fields: Any) -> Candidate:
    return Candidate(key, AmountOff(value), **fields)


def spend(value: int, fact: str = "basket.running_total", op: str = ">") -> Any:
    return conditions_of({"all": [{"fact": fact, "op": op, "value": value}]})


def decided(what: Basket, *candidates: Candidate, surroundings: Surroundings = TILL, **policy: Any) -> Decision:
    unknown = policy.pop("unknown_codes", ())
    return decide(
        basket=what,
        candidates=candidates,
        surroundings=surroundings,
        groups=GROUPS,
        policy=Policy(**policy),
        unknown_codes=unknown,
    )


def amounts(decision: Decision) -> dict[str, int]:
    return {item.incentive: item.amount for item in decision.applied}


def reasons(decision: Decision) -> dict[str, Reason]:
    return {item.incentive: item.reason for item in (*decision.inapplicable, *decision.skipped)}


def test_ten_percent_then_twenty_percent_if_more_than_a_hundred_is_left() -> None:
    """105.00: 10 % first leaves 94.50, so the second is refused; the other way round both apply and 75.60 is left."""
    ten, twenty = percent("ten", "10", position=0), percent("twenty", "20", conditions=spend(10_000), position=1)
    decision = decided(basket(10_500), ten, twenty, order=Order.LISTED)
    assert decision.totals.payable == 9_450
    (miss,) = decision.inapplicable
    assert (miss.reason, miss.fact, miss.needed, miss.actual, miss.missing) == (
        Reason.CONDITION_NOT_MET, "basket.running_total", 10_000, 9_450, 551,
    )  # fmt: skip
    turned = decided(
        basket(10_500), percent("ten", "10", position=1), percent("twenty", "20", conditions=spend(10_000)), order=Order.LISTED
    )
    assert turned.totals.payable == 7_560


def test_an_amount_is_spread_by_largest_remainder() -> None:
    """10.00 over 20, 45 and 60 gives 1.60, 3.60 and 4.80."""
    decision = decided(basket(2_000, 4_500, 6_000), amount("ten", 1_000))
    assert [line.discount for line in decision.lines] == [160, 360, 480]


def test_cents_that_cannot_be_divided_go_to_the_earliest_lines() -> None:
    decision = decided(basket(100, 100, 100), amount("one", 100))
    assert [line.discount for line in decision.lines] == [34, 33, 33]


def test_percentages_on_lines_are_rounded_half_up_on_each_line() -> None:
    effect = PercentOff(Decimal(50), Target(Scope.LINES))
    assert [line.discount for line in decided(basket(1, 3, 5), Candidate("half", effect)).lines] == [1, 2, 3]


def test_the_share_a_floor_blocks_moves_to_lines_with_room() -> None:
    what = Basket("USD", (Line("1", "a", 1, 1_000, minimum_unit_price=950), Line("2", "b", 1, 1_000)))
    decision = decided(what, amount("two", 200))
    assert [line.discount for line in decision.lines] == [50, 150]


def test_a_line_that_is_not_discountable_keeps_its_price() -> None:
    what = Basket("USD", (Line("1", "book", 1, 1_000, discountable=False), Line("2", "pen", 1, 1_000)))
    assert [line.discount for line in decided(what, percent("half", "50")).lines] == [0, 500]


@pytest.mark.parametrize(
    ("allocation", "expected"),
    [
        (Allocation.BY_AMOUNT, [40, 60]),
        (Allocation.BY_QUANTITY, [67, 33]),
        (Allocation.EACH_LINE, [100, 100]),
        (Allocation.EACH_UNIT, [200, 100]),
    ],
)
def test_an_amount_is_allocated_in_four_ways(allocation: Allocation, expected: list[int]) -> None:
    what = Basket("USD", (Line("1", "a", 2, 1_000), Line("2", "b", 1, 3_000)))
    decision = decided(what, Candidate("a", AmountOff(100, allocation)))
    assert [line.discount for line in decision.lines] == expected


def test_a_target_means_the_lines_that_match_every_list() -> None:
    shoes = Line("1", "boot", 1, 1_000, categories=("shoes",), brand="Kora")
    other = Line("2", "boot", 1, 1_000, categories=("shoes",), brand="Other")
    target = Target(Scope.LINES, Filter(categories=frozenset({"shoes"}), brands=frozenset({"Kora"})))
    decision = decided(Basket("USD", (shoes, other)), Candidate("half", PercentOff(Decimal(50), target)))
    assert [line.discount for line in decision.lines] == [500, 0]


def test_shipping_has_effects_of_its_own() -> None:
    what = Basket("USD", (Line("1", "a", 1, 1_000),), (Shipping("express", 500), Shipping("pickup", 0)))
    decision = decided(what, Candidate("free", PercentOff(Decimal(100), Target(Scope.SHIPPING))))
    assert (decision.totals.initial, decision.totals.discount, decision.totals.payable) == (1_500, 500, 1_000)
    assert [method.discount for method in decision.shipping] == [500, 0]


def test_a_cap_holds_and_lowers_lines_in_proportion() -> None:
    effect = PercentOff(Decimal(50), Target(Scope.LINES), max_amount=300)
    assert [line.discount for line in decided(basket(1_000, 2_000), Candidate("half", effect)).lines] == [100, 200]


def test_an_exclusive_incentive_wins_whatever_the_order() -> None:
    for priority in (-5, 5):
        decision = decided(
            basket(10_000), percent("common", "50", priority=9), percent("alone", "10", group="alone", priority=priority)
        )
        assert amounts(decision) == {"alone": 1_000}
        assert reasons(decision) == {"common": Reason.LOST_TO_EXCLUSIVE}
        assert decision.skipped[0].winner == "alone"


def test_an_exclusive_incentive_that_does_not_apply_takes_nothing_away() -> None:
    decision = decided(basket(10_000), percent("common", "50"), percent("alone", "10", group="alone", conditions=spend(99_999)))
    assert amounts(decision) == {"common": 5_000}
    assert reasons(decision) == {"alone": Reason.CONDITION_NOT_MET}


def test_always_goes_together_with_everything() -> None:
    decision = decided(basket(10_000), percent("alone", "10", group="alone"), percent("always", "10", group="always"))
    assert amounts(decision) == {"alone": 1_000, "always": 900}


def test_of_two_exclusive_ones_the_first_in_order_wins_alone() -> None:
    decision = decided(basket(10_000), percent("a", "10", group="alone"), percent("b", "20", group="alone", priority=1))
    assert amounts(decision) == {"b": 2_000}
    assert reasons(decision) == {"a": Reason.GROUP_LIMIT}


def test_a_group_has_a_limit_and_a_pick() -> None:
    decision = decided(basket(10_000), *(percent(key, "10", group="two") for key in "abc"))
    assert list(amounts(decision)) == ["a", "b"]
    assert reasons(decision) == {"c": Reason.GROUP_LIMIT}
    decision = decided(basket(10_000), percent("a", "10", group="first"), percent("b", "20", group="first"))
    assert reasons(decision) == {"b": Reason.NOT_FIRST}


LINES = Target(Scope.LINES)


def test_each_line_goes_to_the_best_offer_there() -> None:
    """10 % is 10.00 and 5.00, 8.00 a line is 8.00 and 8.00: the first line to the one, the second to the other."""
    decision = decided(
        basket(10_000, 5_000),
        Candidate("ten", PercentOff(Decimal(10), LINES), group="each-line"),
        Candidate("eight", AmountOff(800, Allocation.EACH_LINE, LINES), group="each-line"),
        Candidate("least", PercentOff(Decimal(1), LINES), group="each-line"),
    )
    assert amounts(decision) == {"eight": 800, "ten": 1_000}
    assert [line.discount for line in decision.lines] == [1_000, 800]
    assert [(item.incentive, item.reason, item.winner) for item in decision.skipped] == [
        ("least", Reason.LOST_TO_BETTER, "ten"),
    ]


def test_who_wins_a_line_gives_there_what_it_offered_there() -> None:
    """30.00 off the order offers 20.00 and 10.00. It wins the first line alone, and gives 20.00 there."""
    order = Candidate("order", AmountOff(3_000), group="each-line")
    second = Candidate(
        "second", AmountOff(1_500, target=Target(Scope.LINES, Filter(skus=frozenset({"sku-2"})))), group="each-line"
    )
    decision = decided(basket(20_000, 10_000), order, second)
    assert amounts(decision) == {"order": 2_000, "second": 1_500}


def test_a_line_goes_to_the_next_best_when_the_best_has_no_room() -> None:
    """One place on the order: the first line goes to 10 %, so the second goes to it too although 12 % is offered there."""
    ten = Candidate("ten", PercentOff(Decimal(10), LINES), group="each-line")
    twelve = Candidate(
        "twelve", PercentOff(Decimal(12), Target(Scope.LINES, Filter(skus=frozenset({"sku-2"})))), group="each-line"
    )
    decision = decided(basket(10_000, 5_000), ten, twelve, max_incentives=1)
    assert amounts(decision) == {"ten": 1_500}
    assert reasons(decision) == {"twelve": Reason.STACK_LIMIT}


def test_a_cap_is_used_up_line_by_line() -> None:
    """20.00 may be given: 15.00 on the first line, then 5.00 of the 10.00 offered on the second, nothing on the third."""
    half = Candidate("half", PercentOff(Decimal(50), LINES), group="each-line")
    third = Candidate("third", PercentOff(Decimal(60), Target(Scope.LINES, Filter(skus=frozenset({"sku-3"})))), group="each-line")
    decision = decided(basket(3_000, 2_000, 1_000), half, third, max_total_amount=2_000)
    assert [line.discount for line in decision.lines] == [1_500, 500, 0]
    assert (decision.applied[0].wanted, reasons(decision)) == (2_500, {"third": Reason.CAP_REACHED})


def test_the_best_for_the_customer_keeps_to_one_incentive_for_each_line() -> None:
    """20 % and 30 % of each line never meet on a line, whoever looks for the best combination."""
    twenty, thirty = (Candidate(value, PercentOff(Decimal(value), LINES), group="each-line") for value in ("20", "30"))
    decision = decided(basket(10_000, 5_000), twenty, thirty, choose=Choose.BEST_FOR_CUSTOMER)
    assert amounts(decision) == {"30": 4_500}
    assert reasons(decision) == {"20": Reason.LOST_TO_BETTER}
    assert amounts(decided(basket(10_000, 5_000), twenty, thirty, choose=Choose.LEAST_COST)) == {"20": 3_000}


def test_percentages_of_the_original_do_not_compound() -> None:
    decision = decided(basket(10_000), percent("a", "10"), percent("b", "20"), base=Base.ORIGINAL)
    assert decision.totals.payable == 7_000


def test_caps_over_everything_clip_and_say_what_was_wanted() -> None:
    decision = decided(basket(10_000), percent("a", "20"), percent("b", "20"), percent("c", "20"), max_total_percent=Decimal(30))
    assert amounts(decision) == {"a": 2_000, "b": 1_000}
    assert decision.applied[1].wanted == 1_600
    assert reasons(decision) == {"c": Reason.CAP_REACHED}


def test_a_stack_has_room_for_so_many() -> None:
    decision = decided(basket(10_000), percent("a", "1"), percent("b", "1"), max_incentives=1)
    assert reasons(decision) == {"b": Reason.STACK_LIMIT}


def test_all_or_nothing_applies_nothing_when_a_sent_code_fails() -> None:
    decision = decided(basket(10_000), percent("a", "10"), unknown_codes=(UnknownCode("TYPO"),), failure=Failure.ALL)
    assert decision.applied == ()
    assert reasons(decision) == {"": Reason.CODE_UNKNOWN, "a": Reason.REQUEST_FAILED}
    assert decision.totals.payable == 10_000


def test_a_condition_on_the_total_afterwards_is_judged_with_the_discount_taken_off() -> None:
    condition = conditions_of({"all": [{"fact": "basket.total_after", "op": ">=", "value": 9_100}]})
    assert reasons(decided(basket(10_000), percent("a", "10", conditions=condition))) == {"a": Reason.CONDITION_NOT_MET}
    assert amounts(decided(basket(10_200), percent("a", "10", conditions=condition))) == {"a": 1_020}


@pytest.mark.parametrize(
    ("standing", "code", "expected"),
    [
        (Standing(is_live=False), "", Reason.NOT_LIVE),
        (Standing(starts_at=NOW + datetime.timedelta(1)), "", Reason.OUTSIDE_SCHEDULE),
        (Standing(ends_at=NOW), "", Reason.OUTSIDE_SCHEDULE),
        (Standing(ends_at=NOW), "X", Reason.CODE_EXPIRED),
        (Standing(channels=frozenset({"web"})), "", Reason.WRONG_CHANNEL),
        (Standing(currency="EUR"), "", Reason.WRONG_CURRENCY),
        (Standing(audience=conditions_of({"fact": "customer.group", "op": "==", "value": "STAFF"})), "", Reason.NOT_ELIGIBLE),
        (Standing(refusal=Reason.CODE_USED), "X", Reason.CODE_USED),
        (Standing(refusal=Reason.NOT_HOLDER), "X", Reason.NOT_HOLDER),
        (Standing(limits=(LimitState(1, "uses", "total", 5, 5),)), "", Reason.LIMIT_REACHED),
        (Standing(limits=(LimitState(1, "discount", "total", 500, 500),)), "", Reason.BUDGET_EXHAUSTED),
        (Standing(limits=(LimitState(1, "discount", "total", 500, 1),)), "", Reason.BUDGET_EXHAUSTED),
    ],
)
def test_each_candidate_is_screened_alone(standing: Standing, code: str, expected: Reason) -> None:
    assert reasons(decided(basket(10_000), percent("a", "10", standing=standing, code=code))) == {"a": expected}


def test_an_incentive_without_lines_or_without_effect_is_not_applied() -> None:
    target = Target(Scope.LINES, Filter(skus=frozenset({"nowhere"})))
    assert reasons(decided(basket(1_000), Candidate("a", PercentOff(Decimal(10), target)))) == {"a": Reason.NO_MATCHING_LINES}
    assert reasons(decided(basket(0), percent("a", "10"))) == {"a": Reason.NO_EFFECT}


def test_the_hour_is_that_of_the_campaign() -> None:
    """At noon UTC it is seven in the morning in New York."""
    early = conditions_of({"fact": "time.hour", "op": "<", "value": 8})
    there = percent("there", "10", conditions=early, standing=Standing(time_zone="America/New_York"))
    here = percent("here", "10", conditions=early, standing=Standing(time_zone="UTC"))
    assert list(amounts(decided(basket(1_000), there, here))) == ["there"]


# --- Promises that hold for every basket --------------------------------------------------------------------------------

CATEGORIES = ("shoes", "clothes", "food")
prices = st.integers(0, 50_000)


@st.composite
def baskets(draw: st.DrawFn) -> Basket:
    lines = tuple(
        Line(
            str(n),
            f"sku-{draw(st.integers(1, 4))}",
            draw(st.integers(1, 5)),
            draw(prices),
            categories=tuple(draw(st.sets(st.sampled_from(CATEGORIES), max_size=2))),
            minimum_unit_price=draw(st.one_of(st.just(0), prices)),
            discountable=draw(st.integers(0, 9)) > 0,
        )
        for n in range(draw(st.integers(1, 6)))
    )
    shipping = tuple(Shipping(f"method-{n}", draw(prices)) for n in range(draw(st.integers(0, 2))))
    return Basket("USD", lines, shipping)


filters = st.builds(
    Filter,
    categories=st.frozensets(st.sampled_from(CATEGORIES), max_size=2),
    price_from=st.one_of(st.none(), st.integers(0, 20_000)),
)
units = st.builds(
    Units,
    pick=st.sampled_from(list(UnitPick)),
    max_per_line=st.one_of(st.none(), st.integers(1, 3)),
    max_per_order=st.one_of(st.none(), st.integers(1, 6)),
    skip=st.integers(0, 2),
    every=st.integers(1, 3),
    group_size=st.one_of(st.none(), st.integers(1, 4)),
    max_groups=st.one_of(st.none(), st.integers(1, 3)),
)
goods = st.sampled_from([Scope.ORDER, Scope.LINES])
targets = st.one_of(
    st.builds(Target, scope=st.just(Scope.SHIPPING)),
    st.builds(
        Target,
        scope=goods,
        include=filters,
        exclude=st.one_of(st.none(), st.builds(Filter, skus=st.frozensets(st.just("sku-1"), min_size=1))),
        units=st.one_of(st.none(), units),
        undiscounted_only=st.booleans(),
    ),
)
caps = st.one_of(st.none(), st.integers(1, 20_000))
percents = st.decimals(0, 100, places=2)
lowering: st.SearchStrategy[Effect] = st.one_of(
    st.builds(PercentOff, percents, targets, caps, caps),
    st.builds(AmountOff, st.integers(0, 60_000), st.sampled_from(list(Allocation)), targets, caps, caps),
    st.builds(FixedPrice, st.integers(0, 60_000), targets, caps),
    st.builds(BundlePrice, st.integers(0, 60_000), st.integers(1, 4), st.booleans(), st.builds(Target, goods, filters), caps),
    st.builds(
        BuyGet,
        st.one_of(
            st.builds(Buy, filters, quantity=st.integers(1, 3)),
            st.builds(Buy, filters, amount=st.integers(1, 60_000)),
        ),
        st.one_of(
            st.builds(Get, filters, st.integers(1, 3), percents, pick=st.sampled_from(list(UnitPick))),
            st.builds(Get, filters, st.integers(1, 3), amount=st.integers(0, 30_000), pick=st.sampled_from(list(UnitPick))),
        ),
        st.booleans(),
        caps,
    ),
    st.builds(Upgrade, filters, st.just("better"), st.integers(0, 50_000), st.just(""), st.one_of(st.none(), st.integers(1, 3))),
)
tiers = st.builds(
    lambda by, starts, effects: Tiers(by, tuple(Tier(start, effect) for start, effect in zip(starts, effects, strict=False))),
    st.sampled_from(list(TierBy)),
    st.lists(st.integers(0, 30_000), min_size=1, max_size=3, unique=True),
    st.lists(lowering, min_size=3, max_size=3),
)
effects: st.SearchStrategy[Effect] = st.one_of(
    lowering,
    lowering,
    tiers,
    st.builds(lambda parts: Compound(tuple(parts)), st.lists(lowering, min_size=1, max_size=3)),
    st.builds(StoredValue, st.integers(0, 60_000), st.decimals(0, 2, places=2), caps),
    st.builds(FreeItem, st.just("gift"), st.integers(1, 2), st.integers(0, 5_000)),
)
conditions = st.one_of(
    st.just(conditions_of(None)),
    st.builds(
        spend,
        st.integers(0, 80_000),
        st.sampled_from(["basket.initial_total", "basket.running_total", "basket.total_after"]),
        st.sampled_from([">", ">=", "<", "<="]),
    ),
)


# Few numbers, so that incentives share limits.
limits = st.builds(
    LimitState,
    st.integers(1, 2),
    st.sampled_from(["uses", "units", "discount"]),
    st.just("total"),
    st.integers(1, 30_000),
    st.just(0),
    st.sampled_from(list(OnShort)),
)
standings = st.one_of(
    st.just(OPEN), st.just(OPEN), st.builds(Standing, limits=st.lists(limits, min_size=1, max_size=2).map(tuple))
)


@st.composite
def candidate_lists(draw: st.DrawFn) -> list[Candidate]:
    return [
        Candidate(
            f"incentive-{n}",
            draw(effects),
            group=draw(st.sampled_from([*GROUPS, "undefined"])),
            priority=draw(st.integers(-2, 2)),
            conditions=draw(conditions),
            standing=draw(standings),
        )
        for n in range(draw(st.integers(0, 8)))
    ]


policies = st.builds(
    Policy,
    order=st.sampled_from(list(Order)),
    base=st.sampled_from(list(Base)),
    max_total_percent=st.one_of(st.none(), st.decimals(0, 100, places=1)),
    max_total_amount=st.one_of(st.none(), st.integers(0, 50_000)),
    max_incentives=st.integers(1, 6),
)


def ask(what: Basket, candidates: list[Candidate], policy: Policy) -> Decision:
    return decide(basket=what, candidates=candidates, surroundings=TILL, groups=GROUPS, policy=policy)


@given(baskets(), candidate_lists(), policies)
def test_amounts_are_never_negative_and_lines_add_up_to_the_whole(
    what: Basket, candidates: list[Candidate], policy: Policy
) -> None:
    decision = ask(what, candidates, policy)
    for item in decision.applied:
        assert 0 <= item.amount + item.stored_value <= item.wanted
        assert item.amount or item.stored_value or item.added
        assert sum(share.amount for share in (*item.lines, *item.shipping)) == item.amount + item.stored_value
        assert item.running_before - item.running_after == item.amount + item.stored_value
        for share in item.lines:
            assert not share.units or sum(amount for _count, amount in share.units) == share.amount
    assert sum(item.amount for item in decision.applied) == decision.totals.discount
    assert sum(line.discount for line in (*decision.lines, *decision.shipping)) == decision.totals.discount
    assert sum(line.stored_value for line in (*decision.lines, *decision.shipping)) == decision.totals.stored_value
    assert decision.totals.payable == sum(line.payable for line in (*decision.lines, *decision.shipping))
    assert decision.totals.payable == decision.totals.initial - decision.totals.discount - decision.totals.stored_value >= 0


@given(baskets(), candidate_lists(), policies)
def test_no_line_falls_below_its_floor(what: Basket, candidates: list[Candidate], policy: Policy) -> None:
    decision = ask(what, candidates, policy)
    for line, result in zip(what.lines, decision.lines, strict=True):
        assert result.payable + result.stored_value >= line.floor
        assert result.payable >= 0
    assert all(method.payable >= 0 for method in decision.shipping)


@given(baskets(), candidate_lists(), policies)
def test_every_candidate_is_in_exactly_one_list(what: Basket, candidates: list[Candidate], policy: Policy) -> None:
    decision = ask(what, candidates, policy)
    seen = [item.incentive for item in (*decision.applied, *decision.inapplicable, *decision.skipped)]
    assert sorted(seen) == sorted(candidate.key for candidate in candidates)


@given(baskets(), candidate_lists(), policies, st.randoms())
def test_shuffling_the_input_changes_nothing(what: Basket, candidates: list[Candidate], policy: Policy, random: Any) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)
    first, second = ask(what, candidates, policy), ask(what, shuffled, policy)
    assert first.applied == second.applied
    assert first.order == second.order
    assert sorted(first.inapplicable, key=str) == sorted(second.inapplicable, key=str)
    assert sorted(first.skipped, key=str) == sorted(second.skipped, key=str)


@given(baskets(), candidate_lists(), policies)
def test_taking_away_what_was_not_applied_changes_nothing_else(what: Basket, candidates: list[Candidate], policy: Policy) -> None:
    decision = ask(what, candidates, policy)
    applied = {item.incentive for item in decision.applied}
    without = ask(what, [candidate for candidate in candidates if candidate.key in applied], policy)
    assert without.applied == decision.applied
    assert without.totals == decision.totals


# --- The best combination -----------------------------------------------------------------------------------------------


def by_brute_force(what: Basket, candidates: list[Candidate], policy: Policy) -> list[int]:
    """The discounts of all combinations that apply anything: every subset without common beside exclusive, walked in order."""
    question = Question(what, TILL, GROUPS, policy, Matcher(what), Work(10**9))
    is_listed = policy.order is Order.LISTED
    ordered = sorted(candidates, key=lambda c: c.key if is_listed else (question.group_of(c).rank, -c.priority, c.key))
    found = []
    for size in range(1, len(ordered) + 1):
        for subset in itertools.combinations(ordered, size):
            kinds = {question.group_of(c).eligibility for c in subset}
            if not {Eligibility.COMMON, Eligibility.EXCLUSIVE} <= kinds:
                walk = Walk(question).go(subset)
                if walk.taken:
                    found.append(walk.discount)
    return found


@st.composite
def few_candidates(draw: st.DrawFn) -> list[Candidate]:
    # Two in three are small: each further incentive doubles what brute force has to look at.
    most = draw(st.sampled_from([4, 6, 10]))
    return [
        Candidate(
            f"incentive-{n}",
            draw(lowering),
            group=draw(st.sampled_from(list(GROUPS))),
            priority=draw(st.integers(-1, 1)),
            conditions=draw(conditions),
        )
        for n in range(draw(st.integers(1, most)))
    ]


@given(baskets(), few_candidates(), st.one_of(st.just(Policy()), policies))
def test_the_best_combination_is_the_best_of_all(what: Basket, candidates: list[Candidate], policy: Policy) -> None:
    """And the cheapest is the cheapest of all: compared with brute force on up to ten incentives, whatever their groups."""
    discounts = by_brute_force(what, candidates, policy)
    best, least, plain = (ask(what, candidates, dataclasses.replace(policy, choose=choose)) for choose in CHOICES)
    assert best.optimal
    assert least.optimal
    assert plain.optimal is None
    assert best.totals.discount == max(discounts, default=0)
    assert least.totals.discount == min(discounts, default=0)
    assert best.totals.discount >= plain.totals.discount
    assert least.totals.discount <= plain.totals.discount or not plain.applied


@given(baskets(), few_candidates(), policies, st.sampled_from([Choose.BEST_FOR_CUSTOMER, Choose.LEAST_COST]), st.randoms())
def test_the_chosen_combination_depends_on_nothing_that_was_not_applied(
    what: Basket, candidates: list[Candidate], policy: Policy, choose: Choose, random: Any
) -> None:
    policy = dataclasses.replace(policy, choose=choose)
    decision = ask(what, candidates, policy)
    assert ask(what, random.sample(candidates, len(candidates)), policy).applied == decision.applied
    applied = {item.incentive for item in decision.applied}
    without = ask(what, [candidate for candidate in candidates if candidate.key in applied], policy)
    assert without.applied == decision.applied


CHOICES = (Choose.BEST_FOR_CUSTOMER, Choose.LEAST_COST, Choose.IN_ORDER)


def test_what_loses_to_a_better_combination_is_told_so() -> None:
    """5.00 off and 30 %, each only while 100.00 is left: in order the first one takes its place."""
    both = spend(10_000, op=">=")
    small, large = amount("small", 500, priority=1, conditions=both), percent("large", "30", conditions=both)
    assert amounts(decided(basket(10_000), small, large)) == {"small": 500}
    best = decided(basket(10_000), small, large, choose=Choose.BEST_FOR_CUSTOMER)
    assert amounts(best) == {"large": 3_000}
    assert [(item.incentive, item.reason, item.winner) for item in best.skipped] == [("small", Reason.LOST_TO_BETTER, "large")]


def test_past_its_bound_the_search_says_that_nothing_is_proved() -> None:
    many = [percent(f"p{n:02}", "1", conditions=spend(n, op=">=")) for n in range(40)]
    decision = decided(basket(1_000_000), *many, choose=Choose.BEST_FOR_CUSTOMER)
    assert decision.optimal is False
    assert decision.totals.discount > 0

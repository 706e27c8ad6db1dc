"""What is said of each incentive at its turn: shares, near misses, winners, places, awards."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.awards import Award, AwardType
from campaigns.rules.basket import Basket, Filter, Line, Shipping
from campaigns.rules.candidates import Candidate, LimitState, OnShort, Reason, Standing, UnknownCode
from campaigns.rules.decision import Decision, Refused, Share
from campaigns.rules.effects import AmountOff, FreeItem, NoEffect, PercentOff, Scope, StoredValue, Target, Units
from campaigns.rules.groups import Base, Eligibility, Group, Pick, PickScope
from campaigns.rules.language import conditions_of
from campaigns.rules.policy import Choose, Failure, Order, Policy
from campaigns.rules.stacking import decide

from .test_stacking import TILL, amounts, reasons

LINES, SHIPPING = Target(Scope.LINES), Target(Scope.SHIPPING)
GOODS = Basket(
    "USD",
    (Line("1", "boot", 2, 5_000, ("shoes",)), Line("2", "sock", 4, 1_000, ("socks",))),
    (Shipping("express", 900), Shipping("pickup", 0)),
)
GROUPS = {
    "one": Group("one", limit=1),
    "best": Group("best", pick=Pick.BEST_FOR_CUSTOMER),
    "least": Group("least", pick=Pick.LEAST_COST),
    "first": Group("first", pick=Pick.FIRST),
    "first-line": Group("first-line", pick=Pick.FIRST, scope=PickScope.LINE),
    "best-line": Group("best-line", pick=Pick.BEST_FOR_CUSTOMER, scope=PickScope.LINE),
    "all-line": Group("all-line", pick=Pick.ALL, scope=PickScope.LINE),
    "alone": Group("alone", eligibility=Eligibility.EXCLUSIVE, rank=10),
    "always": Group("always", eligibility=Eligibility.ALWAYS),
    "used": Group("used", consume_without_effect=True),
    "list": Group("list", base=Base.ORIGINAL),
}


def asked(*candidates: Candidate, basket: Basket = GOODS, **policy: Any) -> Decision:
    return decide(basket=basket, candidates=candidates, surroundings=TILL, groups=GROUPS, policy=Policy(**policy))


def percent(key: str, value: str, target: Target = LINES, **more: Any) -> Candidate:
    return Candidate(key, PercentOff(Decimal(value), target), **more)


def when(fact: str, op: str, value: object) -> Any:
    return conditions_of({"fact": fact, "op": op, "value": value})


def limited(measure: str, left: int, on_short: OnShort = OnShort.REFUSE, number: int = 1) -> LimitState:
    return LimitState(number, measure, "total", left, 0, on_short)


# --- What is said of what was applied ------------------------------------------------------------------------------------


def test_what_was_applied_is_described_in_full() -> None:
    candidate = percent("ten", "10", name="Ten off", group="list", code="TEN", grant="g-1")
    [applied] = asked(candidate).applied
    assert (applied.incentive, applied.name, applied.group, applied.code, applied.grant) == (
        "ten",
        "Ten off",
        "list",
        "TEN",
        "g-1",
    )
    assert (applied.base, applied.running_before, applied.running_after) == ("original", 14_900, 13_500)
    assert applied.lines == (Share("1", 1_000), Share("2", 400))
    assert (applied.shipping, applied.added, applied.awards) == ((), (), ())


def test_units_that_are_meant_are_named_with_their_shares() -> None:
    [applied] = asked(percent("ten", "10", Target(Scope.LINES, units=Units(max_per_line=1)))).applied
    assert applied.lines == (Share("1", 500, ((1, 500),)), Share("2", 100, ((1, 100),)))


def test_shares_of_shipping_are_named_by_their_method() -> None:
    [applied] = asked(percent("half", "50", SHIPPING)).applied
    assert (applied.lines, applied.shipping) == ((), (Share("express", 450),))


def test_units_are_counted_only_where_a_limit_counts_them() -> None:
    [plain] = asked(percent("ten", "10", standing=Standing(limits=(limited("discount", 9_999),)))).applied
    [counted] = asked(percent("ten", "10", standing=Standing(limits=(limited("units", 6),)))).applied
    assert (plain.units, plain.units_wanted) == (0, 0)
    assert (counted.units, counted.units_wanted) == (6, 6)


# --- Near misses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "op", "value", "actual", "missing"),
    [
        ("basket.quantity", ">=", 8, 6, 2),
        ("basket.quantity", ">", 8, 6, 3),
        ("basket.quantity", "<", 6, 6, None),
        ("basket.quantity", "==", 8, 6, None),
        ("customer.group", "==", "STAFF", "VIP", None),
        ("customer.birthday", ">", 3, None, None),
        ("basket.skus", "has", "hat", ["boot", "sock"], None),
        ("basket.total_after", ">=", 14_000, 13_500, 500),
    ],
)
def test_a_near_miss_says_what_is_missing_where_a_number_is_to_blame(
    fact: str, op: str, value: object, actual: object, missing: int | None
) -> None:
    [miss] = asked(percent("ten", "10", name="Ten", code="TEN", conditions=when(fact, op, value))).inapplicable
    assert (miss.incentive, miss.name, miss.code, miss.reason) == ("ten", "Ten", "TEN", Reason.CONDITION_NOT_MET)
    assert (miss.fact, miss.needed, miss.actual, miss.missing) == (fact, value, actual, missing)


def test_where_no_single_condition_is_to_blame_none_is_named() -> None:
    never = conditions_of({"none": [{"fact": "basket.quantity", "op": ">", "value": 1}]})
    [miss] = asked(percent("ten", "10", name="Ten", code="TEN", conditions=never)).inapplicable
    assert (miss.incentive, miss.name, miss.code, miss.reason, miss.fact) == ("ten", "Ten", "TEN", Reason.CONDITION_NOT_MET, "")


def test_the_discount_of_one_is_not_taken_off_for_the_next() -> None:
    """The first would leave 134.00 and 135.00 is asked for; the second is judged on 149.00 as it is, less its own 1.40."""
    first = percent("a", "11", priority=1, conditions=when("basket.total_after", ">=", 13_500))
    second = percent("b", "1", conditions=when("basket.total_after", ">=", 14_760))
    decision = asked(first, second)
    assert amounts(decision) == {"b": 140}
    running = percent("c", "1", conditions=when("basket.items_total_after", "==", 13_860))
    assert amounts(asked(running)) == {"c": 140}


# --- Places ------------------------------------------------------------------------------------------------------------------


def test_the_first_of_a_full_group_is_named() -> None:
    decision = asked(
        percent("a", "1", group="one"), percent("b", "1", group="one"), percent("c", "1", priority=-1), max_incentives=1
    )
    said = {item.incentive: (item.reason, item.winner) for item in decision.skipped}
    assert said == {"b": (Reason.STACK_LIMIT, "a"), "c": (Reason.STACK_LIMIT, "")}
    [miss] = asked(percent("a", "1", group="one"), percent("b", "1", group="one")).skipped
    assert (miss.reason, miss.winner) == (Reason.GROUP_LIMIT, "a")


def test_common_ones_are_not_counted_as_exclusive() -> None:
    alone = [percent(f"x{n}", "1", group="alone") for n in range(2)]
    decision = asked(*alone, percent("y", "1", group="always"), max_exclusive=1)
    assert reasons(decision) == {"x1": Reason.STACK_LIMIT}
    assert list(amounts(decision)) == ["x0", "y"]


def test_who_loses_within_a_group_is_told_to_whom() -> None:
    decision = asked(percent("a", "10", group="best"), percent("b", "20", group="best"), percent("c", "5", group="best"))
    assert amounts(decision) == {"b": 2_800}
    assert {(item.incentive, item.reason, item.winner) for item in decision.skipped} == {
        ("a", Reason.LOST_TO_BETTER, "b"),
        ("c", Reason.LOST_TO_BETTER, "b"),
    }
    assert amounts(asked(percent("a", "10", group="least"), percent("b", "20", group="least"))) == {"a": 1_400}


def test_of_equal_ones_in_a_group_the_first_in_order_is_taken() -> None:
    for group in ("best", "least"):
        assert list(amounts(asked(percent("b", "10", group=group, priority=1), percent("a", "10", group=group)))) == ["b"]


def test_picking_the_first_for_each_line_looks_at_every_line() -> None:
    boots, socks = (Target(Scope.LINES, Filter(skus=frozenset({sku}))) for sku in ("boot", "sock"))
    decision = asked(*(percent(key, "10", target, group="first-line") for key, target in (("a", boots), ("b", socks))))
    assert amounts(decision) == {"a": 1_000, "b": 400}


def test_a_group_that_takes_all_takes_all_on_every_line() -> None:
    assert amounts(asked(percent("a", "10", group="all-line"), percent("b", "10", group="all-line"))) == {"a": 1_400, "b": 1_260}


# --- Turns ------------------------------------------------------------------------------------------------------------------


def test_a_group_that_chooses_has_its_turn_before_the_others_of_its_rank() -> None:
    """The 10.00 come first although the group's best has the lower priority: 10 % of 140.00, then 10.00 off."""
    off = Candidate("off", AmountOff(1_000), priority=5)
    ranked = asked(off, percent("ten", "10", group="best"), percent("five", "5", group="best"))
    assert list(amounts(ranked).items()) == [("ten", 1_400), ("off", 1_000)]
    listed = asked(off, percent("ten", "10", group="best", position=1), percent("one", "1", position=2), order=Order.LISTED)
    assert list(amounts(listed).items()) == [("ten", 1_400), ("off", 1_000), ("one", 116)]


def test_groups_that_choose_take_turns_by_rank_and_key() -> None:
    groups = {
        "z": Group("z", pick=Pick.BEST_FOR_CUSTOMER, rank=5),
        "b": Group("b", pick=Pick.BEST_FOR_CUSTOMER),
        "a": Group("a", pick=Pick.BEST_FOR_CUSTOMER),
        "early": Group("early", rank=7),
    }
    candidates = [percent(key, "1", group=key, priority=n) for n, key in enumerate(("z", "early", "a", "b"))]
    plain = [percent("q", "1", priority=9), percent("p", "1", priority=8)]
    decision = decide(basket=GOODS, candidates=[*candidates, *plain], surroundings=TILL, groups=groups)
    assert [item.incentive for item in decision.applied] == ["z", "early", "a", "b", "q", "p"]


# --- Limits, caps, nothing --------------------------------------------------------------------------------------------------


def test_what_exactly_fits_is_not_clipped() -> None:
    [applied] = asked(percent("ten", "10", standing=Standing(limits=(limited("discount", 1_400, OnShort.CLIP),)))).applied
    assert (applied.amount, applied.wanted) == (1_400, 1_400)


def test_each_of_several_limits_is_clipped_to() -> None:
    """6.00 are left of the budget, then 7.00 of another, and a third has enough: 6.00 are given whichever comes first."""
    small, large, enough = (limited("discount", left, OnShort.CLIP, n) for n, left in enumerate((600, 700, 9_999)))
    for limits in ((small, large, enough), (enough, large, small), (large, enough, small)):
        [applied] = asked(percent("ten", "10", standing=Standing(limits=limits))).applied
        assert (applied.amount, applied.wanted, applied.units) == (600, 1_400, 0)


def test_a_clipped_budget_stays_within_the_caps() -> None:
    clip = Standing(limits=(limited("discount", 600, OnShort.CLIP),))
    assert amounts(asked(percent("ten", "10", standing=clip), max_total_amount=500)) == {"ten": 500}
    assert amounts(asked(percent("ten", "10", standing=clip), max_total_amount=700)) == {"ten": 600}


def test_what_takes_nothing_off_is_not_told_of_a_cap() -> None:
    decision = asked(Candidate("zero", AmountOff(0)), percent("ten", "10", priority=-1), max_total_amount=0)
    assert reasons(decision) == {"zero": Reason.NO_EFFECT, "ten": Reason.CAP_REACHED}


def test_what_loses_its_value_by_caps_is_refused_only_when_nothing_is_left() -> None:
    assert amounts(asked(percent("ten", "10"), max_total_amount=1)) == {"ten": 1}


def test_a_group_may_count_what_takes_nothing_off() -> None:
    decision = asked(Candidate("zero", AmountOff(0), group="used"), Candidate("none", AmountOff(0), group="default"))
    assert amounts(decision) == {"zero": 0}
    assert reasons(decision) == {"none": Reason.NO_EFFECT}


def test_an_amount_in_other_currencies_alone_is_refused() -> None:
    euros, both = Candidate("e", AmountOff({"EUR": 100}), name="E"), Candidate("b", AmountOff({"EUR": 100, "USD": 120}))
    decision = asked(euros, both)
    assert amounts(decision) == {"b": 120}
    assert [(item.incentive, item.name, item.reason) for item in decision.inapplicable] == [("e", "E", Reason.WRONG_CURRENCY)]


# --- Awards ------------------------------------------------------------------------------------------------------------------

POINTS = Award(AwardType.POINTS, per=100, points=1)


def awards(decision: Decision) -> dict[str, list[int]]:
    return {item.incentive: [award.quantity for award in item.awards] for item in decision.applied}


def test_awards_are_computed_on_what_is_payable_in_the_end_for_the_lines_of_the_effect() -> None:
    """Boots 100.00 less 10 %, less half of what is left: 45.00 of 100.00 are paid for boots, 65.00 for everything."""
    boots = Target(Scope.LINES, Filter(skus=frozenset({"boot"})))
    decision = asked(
        percent("boots", "10", boots, priority=2, awards=(POINTS,)),
        Candidate("all", NoEffect(), priority=1, awards=(POINTS,)),
        percent("half", "50"),
    )
    assert awards(decision) == {"boots": [45], "all": [65], "half": []}


def test_awards_in_another_currency_are_refused() -> None:
    euro_points = Award(AwardType.POINTS, per={"EUR": 100}, points=1)
    assert reasons(asked(percent("ten", "10", awards=(euro_points,)))) == {"ten": Reason.WRONG_CURRENCY}
    dollars = Award(AwardType.CREDIT, amount={"EUR": 100, "USD": 120})
    assert awards(asked(Candidate("credit", NoEffect(), awards=(dollars,)))) == {"credit": [120]}


def test_awards_that_come_to_nothing_are_no_effect() -> None:
    nothing = Candidate("none", NoEffect(), name="None", code="N", awards=(Award(AwardType.POINTS, per=100_000, points=1),))
    [miss] = asked(nothing).skipped
    assert (miss.incentive, miss.name, miss.code, miss.reason) == ("none", "None", "N", Reason.NO_EFFECT)


def test_awards_that_come_to_nothing_take_no_place_from_others() -> None:
    """There is room for one. What awards nothing in the end is as if it had not asked, also where it would apply alone."""
    nothing = (Award(AwardType.POINTS, per=100_000, points=1),)
    for group in ("default", "alone", "first"):
        empty = Candidate("none", NoEffect(), group=group, priority=9, awards=nothing)
        decision = asked(empty, percent("ten", "10", group="first" if group == "first" else "default"), max_incentives=1)
        assert amounts(decision) == {"ten": 1_400}
        assert reasons(decision) == {"none": Reason.NO_EFFECT}


def test_what_pays_or_adds_something_needs_no_award() -> None:
    nothing = (Award(AwardType.POINTS, per=100_000, points=1),)
    pays = Candidate("pays", StoredValue(100), awards=nothing)
    adds = Candidate("adds", FreeItem("bag", 1, 500), awards=nothing)
    assert [item.incentive for item in asked(pays, adds).applied] == ["adds", "pays"]


def test_who_takes_the_place_may_leave_nothing_to_award_for_another() -> None:
    """Room for two. “None” awards nothing, so half off has its place; then too little is paid for the one point of “point”."""
    none = Candidate("none", NoEffect(), priority=9, awards=(Award(AwardType.POINTS, per=100_000, points=1),))
    point = Candidate("point", NoEffect(), priority=8, awards=(Award(AwardType.POINTS, per=10_000, points=1),))
    decision = asked(none, point, percent("half", "50"), max_incentives=2)
    assert amounts(decision) == {"half": 7_000}
    assert reasons(decision) == {"none": Reason.NO_EFFECT, "point": Reason.NO_EFFECT}


# --- The best combination ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "reason"), [("best", Reason.LOST_TO_BETTER), ("first", Reason.NOT_FIRST), ("one", Reason.GROUP_LIMIT)]
)
def test_the_best_combination_says_why_of_a_group_only_one_was_taken(group: str, reason: Reason) -> None:
    decision = asked(percent("a", "20", group=group), percent("b", "10", group=group), choose=Choose.BEST_FOR_CUSTOMER)
    assert amounts(decision) == {"a": 2_800}
    assert [(item.incentive, item.reason, item.winner) for item in decision.skipped] == [("b", reason, "a")]


def test_the_best_combination_judges_who_buys_as_a_plain_walk_does() -> None:
    vip = when("customer.group", "==", "VIP")
    decision = asked(percent("a", "1"), percent("b", "10", conditions=vip), choose=Choose.BEST_FOR_CUSTOMER)
    assert amounts(decision) == {"a": 140, "b": 1_386}


@pytest.mark.parametrize("choose", [Choose.BEST_FOR_CUSTOMER, Choose.LEAST_COST])
def test_of_equal_combinations_the_one_a_plain_walk_reaches_first_is_taken(choose: Choose) -> None:
    for group in ("one", "best", "first-line"):
        decision = asked(percent("b", "10", group=group, priority=1), percent("a", "10", group=group), choose=choose)
        assert amounts(decision) == {"b": 1_400}


def test_the_best_combination_may_be_without_the_exclusive_one() -> None:
    """In order the exclusive 1.40 wins; 14.00 are better for the customer."""
    alone, common = percent("alone", "1", group="alone"), percent("common", "10")
    assert amounts(asked(alone, common)) == {"alone": 140}
    best = asked(alone, common, choose=Choose.BEST_FOR_CUSTOMER)
    assert amounts(best) == {"common": 1_400}
    assert [(item.incentive, item.reason, item.winner) for item in best.skipped] == [("alone", Reason.LOST_TO_BETTER, "common")]


def test_the_best_combination_names_the_exclusive_one_that_keeps_others_out() -> None:
    """Two exclusive ones apply, the second gives more: the first of them is what keeps the common one out."""
    decision = asked(
        percent("x", "10", group="alone", priority=1),
        percent("y", "50", group="alone"),
        percent("common", "20"),
        percent("z", "5", group="always", conditions=when("basket.running_total", ">", 99_999)),
        choose=Choose.BEST_FOR_CUSTOMER,
    )
    assert list(amounts(decision)) == ["x", "y"]
    assert [(item.incentive, item.reason, item.winner) for item in decision.skipped] == [
        ("common", Reason.LOST_TO_EXCLUSIVE, "x")
    ]
    assert reasons(decision)["z"] is Reason.CONDITION_NOT_MET


def test_what_is_left_out_has_lost_to_the_largest_that_was_taken() -> None:
    """1 % and 10 % each need the whole price, so one of them keeps the other out; half of the rest is the largest."""
    whole = when("basket.running_items_total", ">=", 14_000)
    decision = asked(
        percent("small", "1", priority=3, conditions=whole),
        percent("ten", "10", priority=2, conditions=whole),
        percent("half", "50", priority=1),
        choose=Choose.BEST_FOR_CUSTOMER,
    )
    assert amounts(decision) == {"ten": 1_400, "half": 6_300}
    assert [(item.incentive, item.reason, item.winner) for item in decision.skipped] == [("small", Reason.LOST_TO_BETTER, "half")]


def test_the_cheapest_combination_is_no_empty_one() -> None:
    least = asked(percent("a", "10"), percent("b", "5"), choose=Choose.LEAST_COST)
    assert amounts(least) == {"b": 700}
    assert [(item.incentive, item.reason, item.winner) for item in least.skipped] == [("a", Reason.LOST_TO_BETTER, "b")]
    nothing = asked(percent("a", "10", conditions=when("basket.quantity", ">", 99)), choose=Choose.LEAST_COST)
    assert (nothing.applied, nothing.optimal) == ((), True)


def test_of_those_who_lose_each_line_everybody_is_told() -> None:
    decision = asked(*(percent(key, value, group="best-line") for key, value in (("a", "1"), ("b", "9"), ("c", "2"))),
                     choose=Choose.BEST_FOR_CUSTOMER)  # fmt: skip
    assert amounts(decision) == {"b": 1_260}
    assert reasons(decision) == {"a": Reason.LOST_TO_BETTER, "c": Reason.LOST_TO_BETTER}


def test_a_code_that_opens_nothing_is_refused_without_a_name() -> None:
    decision = decide(
        basket=GOODS, candidates=[percent("ten", "10")], surroundings=TILL, unknown_codes=[UnknownCode("TYPO", Reason.CODE_USED)]
    )
    assert decision.inapplicable == (Refused("", "", Reason.CODE_USED, "TYPO"),)
    assert amounts(decision) == {"ten": 1_400}
    assert decision.currency == "USD"


def test_all_or_nothing_is_not_asked_for_unless_a_code_fails() -> None:
    fails = percent("b", "10", conditions=when("basket.quantity", ">", 99))
    both = (percent("a", "10", code="A"), fails)
    assert amounts(asked(*both, failure=Failure.ALL)) == {"a": 1_400}
    with_code = dataclasses.replace(fails, code="B")
    assert amounts(asked(both[0], with_code, failure=Failure.PARTIAL)) == {"a": 1_400}
    refused = asked(both[0], with_code, failure=Failure.ALL)
    assert reasons(refused) == {"a": Reason.REQUEST_FAILED, "b": Reason.CONDITION_NOT_MET}


def test_two_payments_add_up_on_lines_and_shipping() -> None:
    """149.00 in all: 100.00 and 20.00 of stored value are spread by what is left to pay."""
    decision = asked(Candidate("a", StoredValue(10_000)), Candidate("b", StoredValue(2_000)))
    assert [line.stored_value for line in decision.lines] == [8_053, 3_222]
    assert [method.stored_value for method in decision.shipping] == [725, 0]
    assert (decision.totals.stored_value, decision.totals.payable, decision.totals.discount) == (12_000, 2_900, 0)


# --- Limits of the order's value and of points ------------------------------------------------------------------------------


def points(key: str, each: int, *limits: LimitState, **more: Any) -> Candidate:
    """``each`` points for a whole unit of currency."""
    awards = (Award(AwardType.POINTS, per=100, points=each),)
    return Candidate(key, more.pop("effect", NoEffect()), awards=awards, standing=Standing(limits=limits), **more)


def given(decision: Decision) -> dict[str, list[tuple[int, int | None]]]:
    return {item.incentive: [(award.quantity, award.wanted) for award in item.awards] for item in decision.applied}


@pytest.mark.parametrize(("left", "applies"), [(14_000, True), (13_999, False)])
@pytest.mark.parametrize("group", ["default", "best-line"])
def test_the_value_of_an_order_is_that_of_its_goods_before_any_discount(left: int, applies: bool, group: str) -> None:
    """100.00 and 40.00, of which a half is off already; shipping does not count. Never a part of it: an order is what it is."""
    standing = Standing(limits=(limited("order_value", left, OnShort.CLIP),))
    decision = asked(percent("half", "50", priority=9), percent("ten", "10", group=group, standing=standing))
    assert ("ten" in amounts(decision)) is applies
    if not applies:
        assert decision.inapplicable == (Refused("ten", "", Reason.LIMIT_REACHED, fact="limit.order_value"),)


def test_nothing_left_of_the_value_or_the_points_is_said_at_once() -> None:
    for measure in ("order_value", "points"):
        decision = asked(points("p", 1, limited(measure, 0)))
        assert decision.inapplicable == (Refused("p", "", Reason.LIMIT_REACHED, fact=f"limit.{measure}"),)


def test_points_are_refused_or_clipped_on_what_is_payable_in_the_end() -> None:
    """140.00 of goods less 10 % are 126 points."""
    ten = percent("ten", "10")
    assert given(asked(ten, points("p", 1, limited("points", 126)))) == {"ten": [], "p": [(126, None)]}
    refused = asked(ten, points("p", 1, limited("points", 125)))
    assert given(refused) == {"ten": []}
    assert refused.inapplicable == (Refused("p", "", Reason.LIMIT_REACHED, fact="limit.points"),)
    clipped = asked(ten, points("p", 1, limited("points", 125, OnShort.CLIP)))
    assert given(clipped) == {"ten": [], "p": [(125, 126)]}


def test_of_several_awards_the_first_is_given_first() -> None:
    both = (Award(AwardType.POINTS, points=30), Award(AwardType.CREDIT, amount=5), Award(AwardType.POINTS, points=20))
    for left, expected in ((40, [(30, None), (5, None), (10, 20)]), (30, [(30, None), (5, None)]), (7, [(7, 30), (5, None)])):
        standing = Standing(limits=(limited("points", left, OnShort.CLIP),))
        assert given(asked(Candidate("p", NoEffect(), awards=both, standing=standing))) == {"p": expected}


def test_incentives_share_the_points_of_a_limit_in_their_order() -> None:
    """The first takes 140; the second wants 280 of the 60 that are left; the third still fits."""
    shared = limited("points", 200)
    sixty = (Award(AwardType.POINTS, points=60),)
    last = Candidate("c", NoEffect(), awards=sixty, standing=Standing(limits=(shared,)))
    decision = asked(points("a", 1, shared, priority=3), points("b", 2, shared, priority=2), last)
    assert given(decision) == {"a": [(140, None)], "c": [(60, None)]}
    assert reasons(decision) == {"b": Reason.LIMIT_REACHED}


def test_who_has_no_points_left_takes_nothing_off_either() -> None:
    """Without its discount the other earns on the full price."""
    short = points("both", 5, limited("points", 3), effect=PercentOff(Decimal(50), LINES), priority=5)
    decision = asked(short, points("p", 1))
    assert (amounts(decision), given(decision)) == ({"p": 0}, {"p": [(140, None)]})


def test_an_order_that_awards_no_points_uses_none() -> None:
    decision = asked(points("p", 0, limited("points", 1), effect=PercentOff(Decimal(10), LINES)))
    assert amounts(decision) == {"p": 1_400}

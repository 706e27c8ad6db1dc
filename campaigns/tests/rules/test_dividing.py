"""A group that picks for each line: who gets which line, and what it may use of limits and caps there."""

from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.basket import Basket, Filter, Line, Shipping
from campaigns.rules.candidates import Candidate, LimitState, OnShort, Reason, Standing
from campaigns.rules.decision import Decision
from campaigns.rules.effects import (
    Allocation,
    AmountOff,
    BundlePrice,
    Compound,
    FreeItem,
    PercentOff,
    Scope,
    StoredValue,
    Target,
    Units,
    Upgrade,
)
from campaigns.rules.groups import Eligibility, Group, Pick, PickScope
from campaigns.rules.policy import Policy
from campaigns.rules.stacking import decide

from .test_stacking import TILL, amounts, reasons

LINES = Target(Scope.LINES)
GOODS = Basket("USD", (Line("1", "boot", 2, 5_000), Line("2", "sock", 4, 1_000)), (Shipping("express", 900),))


def divided(*candidates: Candidate, pick: Pick = Pick.BEST_FOR_CUSTOMER, basket: Basket = GOODS, **more: Any) -> Decision:
    fields = {name: more.pop(name) for name in ("limit", "eligibility") if name in more}
    early = Group("early", rank=1, eligibility=fields.get("eligibility", Eligibility.COMMON))
    groups = {"g": Group("g", pick=pick, scope=PickScope.LINE, **fields), "early": early}
    return decide(basket=basket, candidates=candidates, surroundings=TILL, groups=groups, policy=Policy(**more))


def percent(key: str, value: str, target: Target = LINES, **more: Any) -> Candidate:
    return Candidate(key, PercentOff(Decimal(value), target), group="g", **more)


def only(sku: str) -> Target:
    return Target(Scope.LINES, Filter(skus=frozenset({sku})))


def limited(measure: str, left: int, number: int = 1, on_short: OnShort = OnShort.REFUSE) -> Standing:
    return Standing(limits=(LimitState(number, measure, "total", left, 0, on_short),))


@pytest.mark.parametrize(
    ("pick", "given"),
    [
        # boots 100.00, socks 40.00: 10 % is 10.00 and 4.00, 6.00 a line is 6.00 and 6.00
        (Pick.FIRST, {"ten": 1_400}),
        (Pick.BEST_FOR_CUSTOMER, {"ten": 1_000, "six": 600}),
        (Pick.LEAST_COST, {"ten": 400, "six": 600}),
    ],
)
def test_the_pick_decides_line_by_line(pick: Pick, given: dict[str, int]) -> None:
    six = Candidate("six", AmountOff(600, Allocation.EACH_LINE, LINES), group="g")
    assert amounts(divided(percent("ten", "10", priority=1), six, pick=pick)) == given


def test_of_equal_offers_the_first_in_order_gets_the_line() -> None:
    decision = divided(percent("b", "10"), percent("a", "10"), percent("z", "10", priority=1))
    assert amounts(decision) == {"z": 1_400}
    assert reasons(decision) == {"a": Reason.LOST_TO_BETTER, "b": Reason.LOST_TO_BETTER}


def test_who_is_not_first_anywhere_is_told_who_came_first() -> None:
    decision = divided(percent("a", "10", only("boot")), percent("b", "10", only("sock")), percent("c", "50"), pick=Pick.FIRST)
    assert amounts(decision) == {"a": 1_000, "b": 400}
    [miss] = decision.skipped
    assert (miss.incentive, miss.reason, miss.winner) == ("c", Reason.NOT_FIRST, "a")


def test_the_winner_of_the_earliest_own_line_is_named() -> None:
    """“Small” offers for socks alone, so the winner of the boots did not beat it."""
    decision = divided(
        percent("boots", "20", only("boot")), percent("socks", "20", only("sock")), percent("small", "1", only("sock"))
    )
    [miss] = decision.skipped
    assert (miss.incentive, miss.winner) == ("small", "socks")


def test_shipping_goes_to_one_of_the_group_as_a_line_does() -> None:
    shipping = Target(Scope.SHIPPING)
    decision = divided(percent("half", "50", shipping), percent("third", "30", shipping), percent("ten", "10"))
    assert amounts(decision) == {"half": 450, "ten": 1_400}
    assert reasons(decision) == {"third": Reason.LOST_TO_BETTER}
    assert [method.discount for method in decision.shipping] == [450]


def test_what_offers_for_no_line_has_no_effect() -> None:
    """A free article takes nothing off a line, so there is nothing it could win."""
    decision = divided(Candidate("gift", FreeItem("bag", 1, 500), group="g"), percent("ten", "10"))
    assert amounts(decision) == {"ten": 1_400}
    [miss] = decision.skipped
    assert (miss.reason, miss.winner) == (Reason.NO_EFFECT, "")


def test_a_budget_is_used_line_by_line_and_what_does_not_fit_goes_to_the_next() -> None:
    """Both draw on 12.00: the boots take 10.00 of it, so the 4.00 on the socks go to the one without a budget."""
    budget = limited("discount", 1_200)
    decision = divided(
        percent("boots", "10", only("boot"), standing=budget),
        percent("socks", "10", only("sock"), standing=budget),
        percent("other", "5", only("sock")),
    )
    assert amounts(decision) == {"boots": 1_000, "other": 200}
    assert reasons(decision) == {"socks": Reason.BUDGET_EXHAUSTED}


def test_a_budget_may_be_used_up_to_the_last_cent() -> None:
    budget = limited("discount", 1_400)
    decision = divided(percent("a", "10", only("boot"), standing=budget), percent("b", "10", only("sock"), standing=budget))
    assert amounts(decision) == {"a": 1_000, "b": 400}
    short = limited("discount", 1_399)
    decision = divided(percent("a", "10", only("boot"), standing=short), percent("b", "10", only("sock"), standing=short))
    assert amounts(decision) == {"a": 1_000}


def test_a_budget_of_one_does_not_hold_another() -> None:
    decision = divided(
        percent("a", "10", only("boot"), standing=limited("discount", 1_000, number=1)),
        percent("b", "10", only("sock"), standing=limited("discount", 400, number=2)),
    )
    assert amounts(decision) == {"a": 1_000, "b": 400}


def test_three_shares_of_one_budget_are_added_up() -> None:
    """4.00 on each of three lines, 10.00 to give: the third has no room."""
    basket = Basket("USD", tuple(Line(str(n), f"sku-{n}", 1, 4_000) for n in range(3)))
    budget = limited("discount", 1_000)
    decision = divided(*(percent(f"p{n}", "10", only(f"sku-{n}"), standing=budget) for n in range(3)), basket=basket)
    assert amounts(decision) == {"p0": 400, "p1": 400}
    assert reasons(decision) == {"p2": Reason.BUDGET_EXHAUSTED}


def test_several_lines_are_one_use() -> None:
    once = limited("uses", 1)
    decision = divided(percent("ten", "10", standing=once), percent("five", "5", standing=once))
    assert amounts(decision) == {"ten": 1_400}
    assert reasons(decision) == {"five": Reason.LOST_TO_BETTER}
    decision = divided(percent("a", "10", only("boot"), standing=once), percent("b", "10", only("sock"), standing=once))
    assert amounts(decision) == {"a": 1_000}
    assert reasons(decision) == {"b": Reason.LIMIT_REACHED}


def test_units_are_counted_on_the_lines_that_are_won() -> None:
    """Two boots and four socks share five units: the socks no longer fit beside the boots."""
    five = limited("units", 5)
    decision = divided(percent("boots", "10", only("boot"), standing=five), percent("socks", "10", only("sock"), standing=five))
    assert [(item.incentive, item.units) for item in decision.applied] == [("boots", 2)]
    assert reasons(decision) == {"socks": Reason.LIMIT_REACHED}
    six = limited("units", 6)
    decision = divided(percent("boots", "10", only("boot"), standing=six), percent("socks", "10", only("sock"), standing=six))
    assert [(item.incentive, item.units) for item in decision.applied] == [("boots", 2), ("socks", 4)]


def test_of_units_that_are_picked_only_those_count() -> None:
    one_each = Target(Scope.LINES, units=Units(max_per_line=1))
    decision = divided(percent("one", "10", one_each, standing=limited("units", 2)), percent("five", "4", only("sock")))
    assert [(item.incentive, item.units, item.amount) for item in decision.applied] == [("five", 0, 160), ("one", 1, 500)]


def test_shipping_uses_no_units() -> None:
    decision = divided(percent("free", "100", Target(Scope.SHIPPING), standing=limited("units", 1)))
    assert amounts(decision) == {"free": 900}


def test_a_group_has_room_for_so_many() -> None:
    decision = divided(percent("a", "10", only("boot")), percent("b", "10", only("sock")), limit=1)
    assert amounts(decision) == {"a": 1_000}
    assert reasons(decision) == {"b": Reason.GROUP_LIMIT}


def test_so_many_exclusive_ones_fit_on_an_order() -> None:
    both = (percent("a", "10", only("boot")), percent("b", "10", only("sock")))
    decision = divided(*both, eligibility=Eligibility.EXCLUSIVE, max_exclusive=1)
    assert reasons(decision) == {"b": Reason.STACK_LIMIT}
    assert len(divided(*both, eligibility=Eligibility.EXCLUSIVE, max_exclusive=2).applied) == 2
    assert len(divided(*both, eligibility=Eligibility.EXCLUSIVE, max_exclusive=2, max_incentives=1).applied) == 1
    assert len(divided(*both, max_exclusive=1).applied) == 2


def test_a_cap_does_not_hold_what_is_paid_with() -> None:
    """5.00 of credit pay the boots whatever may be given, and use nothing of the 3.00 that may."""
    credit = Candidate("credit", StoredValue(500), group="g", priority=1)
    decision = divided(credit, percent("ten", "10", only("sock")), pick=Pick.FIRST, max_total_amount=300)
    assert [(item.incentive, item.amount, item.stored_value) for item in decision.applied] == [("credit", 0, 500)]
    alone = divided(percent("ten", "10", only("sock")), max_total_amount=300)
    assert (alone.applied[0].amount, alone.applied[0].wanted) == (300, 400)


def test_a_payment_of_one_cent_is_a_payment() -> None:
    decision = divided(Candidate("cent", StoredValue(1), group="g"), max_total_amount=0)
    assert decision.totals.stored_value == 1


def test_units_of_a_line_are_lowered_by_what_the_cap_leaves() -> None:
    """Each of two boots would lose 5.00, and 7.00 may be given in all."""
    two = Target(Scope.LINES, Filter(skus=frozenset({"boot"})), units=Units(max_per_line=2))
    decision = divided(percent("ten", "10", two), max_total_amount=700)
    [applied] = decision.applied
    assert [(share.id, share.amount, share.units) for share in applied.lines] == [("1", 700, ((2, 700),))]
    assert (applied.amount, applied.wanted) == (700, 1_000)


def test_an_article_is_replaced_only_on_a_line_that_was_won() -> None:
    """Boots of 50.00 become sandals of 45.00, which saves 10.00; 15 % of them saves 15.00. Socks of 10.00 are cheaper anyway."""
    sandals = Candidate("sandals", Upgrade(Filter(), "sandal", 900), group="g")
    decision = divided(sandals, percent("most", "99", only("boot")))
    given = {item.incentive: [(added.sku, added.quantity, added.replaces) for added in item.added] for item in decision.applied}
    assert given == {"most": [], "sandals": [("sandal", 4, "2")]}


def test_parts_of_a_compound_are_given_on_each_line_together() -> None:
    """10 %, then 1.00 off each line: 11.00 on the boots, 5.00 on the socks, where 20 % offers 8.00."""
    both = Compound((PercentOff(Decimal(10), LINES), AmountOff(100, Allocation.EACH_LINE, LINES), FreeItem("bag", 1, 500)))
    decision = divided(Candidate("both", both, group="g"), percent("twenty", "20", only("sock")))
    assert amounts(decision) == {"both": 1_100, "twenty": 800}
    assert [added.sku for item in decision.applied for added in item.added] == ["bag"]
    assert decision.totals.payable == 14_900 - 1_900


def test_a_bundle_gives_its_share_on_the_line_it_wins() -> None:
    """Any 3 for 60.00: two boots and a sock, 110.00, save 50.00, of which the sock has 4.55 and the boots 45.45."""
    bundle = Candidate("bundle", BundlePrice(6_000, 3, repeat=False, target=LINES), group="g")
    decision = divided(bundle, percent("half", "50", only("sock")))
    assert amounts(decision) == {"bundle": 4_545, "half": 2_000}


def test_what_was_taken_before_leaves_less_room() -> None:
    early = Candidate("early", AmountOff(1_000), group="early")
    both = (percent("a", "10", only("boot")), percent("b", "10", only("sock")))
    assert amounts(divided(early, *both, max_total_amount=1_500)) == {"early": 1_000, "a": 500}
    places = divided(early, *both, max_incentives=2)
    assert (list(amounts(places)), reasons(places)) == (["early", "a"], {"b": Reason.STACK_LIMIT})
    exclusive = divided(early, *both, eligibility=Eligibility.EXCLUSIVE, max_exclusive=2)
    assert (list(amounts(exclusive)), reasons(exclusive)) == (["early", "a"], {"b": Reason.STACK_LIMIT})

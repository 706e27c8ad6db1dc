"""What each effect takes off, to the cent, with numbers worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.applying import Outcome, Scene, commit, work_out
from campaigns.rules.basket import EVERYTHING, Basket, Filter, Line, Shipping
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
    NoEffect,
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
from campaigns.rules.matching import Matcher
from campaigns.rules.running import Running

LINES, SHIPPING = Target(Scope.LINES), Target(Scope.SHIPPING)
CHEAPEST, DEAREST, FIRST = UnitPick.CHEAPEST, UnitPick.DEAREST, UnitPick.FIRST
# One unit each of 1.00 to 6.00, not in that order.
SIX = Basket("USD", tuple(Line(str(n), f"sku-{n}", 1, 100 * n) for n in (3, 1, 5, 2, 6, 4)))
# Three boots of 50.00 and five socks of 5.00; express 9.00, post 4.00.
SHOP = Basket(
    "USD",
    (Line("b", "boot", 3, 5_000, ("shoes",)), Line("s", "sock", 5, 500, ("clothes",))),
    (Shipping("express", 900), Shipping("post", 400)),
)
BOOTS, SOCKS = Filter(skus=frozenset({"boot"})), Filter(skus=frozenset({"sock"}))


def done(effect: Effect, basket: Basket = SHOP, *before: Effect, **scene: Any) -> Outcome:
    """What ``effect`` does after the others; that it adds up is asserted on the way."""
    matcher, running = Matcher(basket), Running(basket)
    for earlier in before:
        running = commit(work_out(earlier, Scene(running, matcher)), running)
    outcome = work_out(effect, Scene(running, matcher, **scene))
    assert sum(outcome.parts) + sum(part for _method, part in outcome.shipping) == outcome.amount + outcome.stored_value
    for line, picks in (outcome.picks or {}).items():
        assert sum(amount for _run, _count, amount in picks) == outcome.parts[list(outcome.lines).index(line)]
    return outcome


def parts(effect: Effect, basket: Basket = SHOP, *before: Effect, **scene: Any) -> dict[str, int]:
    outcome = done(effect, basket, *before, **scene)
    return {basket.lines[line].id: part for line, part in zip(outcome.lines, outcome.parts, strict=True)}


def percent(value: str, target: Target = LINES, **more: Any) -> PercentOff:
    return PercentOff(Decimal(value), target, **more)


def units(**fields: Any) -> Target:
    return Target(Scope.LINES, units=Units(**fields))


# --- Percentages, amounts, prices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (percent("10"), {"b": 1_500, "s": 250}),
        (percent("10", Target()), {"b": 1_500, "s": 250}),
        (percent("100"), {"b": 15_000, "s": 2_500}),
        (percent("0"), {}),
        (percent("10", max_amount=700), {"b": 600, "s": 100}),
        (percent("10", max_amount=1_750), {"b": 1_500, "s": 250}),
        (percent("10", max_per_line=400), {"b": 400, "s": 250}),
        (percent("10", Target(), max_per_line=400), {"b": 400, "s": 400}),
        (percent("10", max_amount={"USD": 700, "EUR": 1}), {"b": 600, "s": 100}),
        (percent("10", max_amount={"EUR": 1}), {"b": 1_500, "s": 250}),
        (percent("10", max_per_line={"EUR": 1}), {"b": 1_500, "s": 250}),
        (AmountOff(700), {"b": 600, "s": 100}),
        (AmountOff({"USD": 700}), {"b": 600, "s": 100}),
        (AmountOff(99_999), {"b": 15_000, "s": 2_500}),
        (AmountOff(800, Allocation.BY_QUANTITY), {"b": 300, "s": 500}),
        (AmountOff(800, Allocation.EACH_LINE, LINES), {"b": 800, "s": 800}),
        (AmountOff(3_000, Allocation.EACH_LINE, LINES), {"b": 3_000, "s": 2_500}),
        (AmountOff(200, Allocation.EACH_UNIT, LINES), {"b": 600, "s": 1_000}),
        (AmountOff(600, Allocation.EACH_UNIT, LINES), {"b": 1_800, "s": 2_500}),
        (AmountOff(800, Allocation.EACH_LINE, LINES, max_amount=1_000, max_per_line=700), {"b": 500, "s": 500}),
        (FixedPrice(400, LINES), {"b": 13_800, "s": 500}),
        (FixedPrice(500, LINES), {"b": 13_500}),
        (FixedPrice(501, LINES), {"b": 13_497}),
        (FixedPrice(400, LINES, max_amount=1_430), {"b": 1_380, "s": 50}),
        (FixedPrice({"USD": 400, "EUR": 1}, LINES), {"b": 13_800, "s": 500}),
        (FixedPrice(10_500), {"b": 6_000, "s": 1_000}),
        (FixedPrice(17_500), {}),
        (FixedPrice(99_999), {}),
        (FixedPrice(0, LINES), {"b": 15_000, "s": 2_500}),
        (FixedPrice(0), {"b": 15_000, "s": 2_500}),
        (FixedPrice({"USD": 10_500, "EUR": 1}), {"b": 6_000, "s": 1_000}),
        (percent("10", max_per_line={"USD": 400, "EUR": 1}), {"b": 400, "s": 250}),
        (percent("10", units(max_per_line=1), max_amount={"USD": 110, "EUR": 1}), {"b": 100, "s": 10}),
        (NoEffect(), {}),
    ],
    ids=repr,
)
def test_lines_are_lowered(effect: Effect, expected: dict[str, int]) -> None:
    assert parts(effect) == expected


def test_a_percentage_is_rounded_half_up_once() -> None:
    """2.5 % of 0.20 is half a cent on each of three lines; of the order it is 1.5 cents."""
    dimes = Basket("USD", tuple(Line(str(n), "a", 1, 20) for n in range(3)))
    assert parts(percent("2.5"), dimes) == {"0": 1, "1": 1, "2": 1}
    assert parts(percent("2.4999"), dimes) == {}
    assert parts(percent("49.9999"), Basket("USD", (Line("a", "a", 1, 1),))) == {}
    assert parts(percent("2.5", Target()), dimes) == {"0": 1, "1": 1}
    assert parts(percent("2.3333", Target()), dimes) == {"0": 1}


def test_a_floor_holds_whatever_is_asked() -> None:
    held = Basket("USD", (Line("a", "a", 2, 1_000, minimum_unit_price=900), Line("b", "b", 1, 1_000)))
    assert parts(percent("50"), held) == {"a": 200, "b": 500}
    assert parts(percent("50", Target()), held) == {"a": 200, "b": 1_000}
    assert parts(FixedPrice(100, LINES), held) == {"a": 200, "b": 900}
    assert parts(percent("50", units(max_per_line=1)), held) == {"a": 100, "b": 500}
    assert parts(percent("50"), held, StoredValue(3_000)) == {}


def test_the_original_price_is_the_base_where_asked_for_and_what_is_left_the_bound() -> None:
    ten = percent("10")
    assert parts(ten, SHOP, percent("50"), original=True) == {"b": 1_500, "s": 250}
    assert parts(ten, SHOP, percent("50")) == {"b": 750, "s": 125}
    assert parts(percent("80"), SHOP, percent("50"), original=True) == {"b": 7_500, "s": 1_250}
    assert parts(percent("10", units(pick=FIRST, max_per_order=1)), SHOP, percent("50"), original=True) == {"b": 500}
    assert parts(percent("10", units(pick=FIRST, max_per_order=1)), SHOP, percent("50")) == {"b": 250}
    assert done(percent("50", SHIPPING), SHOP, percent("10", SHIPPING), original=True).shipping == [(0, 450), (1, 200)]


def test_what_caps_leave_is_shared_and_what_was_wanted_is_said() -> None:
    outcome = done(percent("10"), most=700)
    assert (outcome.parts, outcome.amount, outcome.wanted) == ([600, 100], 700, 1_750)
    own = done(percent("10", max_amount=1_400), most=700)
    assert (own.amount, own.wanted) == (700, 1_400)
    assert done(percent("10", max_amount=700), most=1_400).amount == 700
    exact = done(percent("10"), most=1_750)
    assert (exact.amount, exact.wanted) == (1_750, 1_750)
    one = done(percent("10", units(pick=FIRST, max_per_order=2)), most=300)
    assert (one.parts, one.amount, one.wanted) == ([300], 300, 1_000)
    own = done(percent("10", units(pick=FIRST, max_per_order=2), max_amount=400), most=300)
    assert (own.amount, own.wanted) == (300, 400)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (percent("50", SHIPPING), [(0, 450), (1, 200)]),
        (percent("50", SHIPPING, max_per_line=300), [(0, 300), (1, 200)]),
        (percent("50", SHIPPING, max_amount=130), [(0, 90), (1, 40)]),
        (AmountOff(500, target=SHIPPING, allocation=Allocation.EACH_LINE), [(0, 500), (1, 400)]),
        (AmountOff(500, target=SHIPPING, allocation=Allocation.EACH_UNIT), [(0, 500), (1, 400)]),
        (AmountOff(130, target=SHIPPING), [(0, 90), (1, 40)]),
        (AmountOff(130, Allocation.BY_QUANTITY, SHIPPING), [(0, 65), (1, 65)]),
        (FixedPrice(500, SHIPPING), [(0, 400)]),
        (FixedPrice({"USD": 300, "EUR": 9}, SHIPPING), [(0, 600), (1, 100)]),
        (FixedPrice(0, Target(Scope.SHIPPING, Filter(methods=frozenset({"post"})))), [(1, 400)]),
    ],
    ids=repr,
)
def test_shipping_is_lowered_method_by_method(effect: Effect, expected: list[tuple[int, int]]) -> None:
    assert done(effect).shipping == expected


def test_shipping_says_what_was_wanted() -> None:
    outcome = done(percent("50", SHIPPING, max_amount=500), most=130)
    assert (outcome.amount, outcome.wanted) == (130, 500)
    assert not done(percent("50", SHIPPING), Basket("USD", SHOP.lines)).matched


def test_an_amount_for_each_complete_set() -> None:
    """A boot and two socks are a set: three boots and five socks make two, whatever remains."""
    pair = ((BOOTS, 1), (SOCKS, 2))
    assert parts(AmountOff(700, per_set=pair)) == {"b": 1_200, "s": 200}
    assert parts(AmountOff(700, per_set=((BOOTS, 4),))) == {}
    assert parts(AmountOff(700, Allocation.EACH_LINE, LINES, per_set=((BOOTS, 2),))) == {"b": 700, "s": 700}


# --- Single units -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "ids"),
    [
        (units(max_per_order=2), "12"),
        (units(pick=DEAREST, max_per_order=2), "65"),
        (units(pick=FIRST, max_per_order=2), "31"),
        (units(skip=2), "3456"),
        (units(skip=6), ""),
        (units(every=2), "246"),
        (units(every=4), "4"),
        (units(skip=1, every=2), "35"),
        (units(pick=FIRST, skip=1, every=2), "56"),
        (units(group_size=3, per_group=1), "12"),
        (units(group_size=4, per_group=1), "1"),
        (units(group_size=7), ""),
        (units(group_size=2, per_group=1, max_groups=2), "12"),
        (units(group_size=2, max_groups=1), "12"),
        (units(group_size=2, per_group=1, max_per_order=1), "1"),
        (units(group_size=2, per_group=1, max_per_order=9), "123"),
        (units(group_size=4, per_group=2, max_per_order=9), "12"),
    ],
    ids=repr,
)
def test_units_are_picked(target: Target, ids: str) -> None:
    """Of 1.00 to 6.00, listed as 3 1 5 2 6 4, all of it off."""
    assert set(parts(percent("100", target), SIX)) == set(ids)


def test_runs_of_equal_units_are_counted_one_by_one() -> None:
    """Three boots and five socks, first to last: after two, every second is the 4th (a sock), the 6th and the 8th."""
    outcome = done(percent("100", units(pick=FIRST, skip=2, every=2)))
    assert (outcome.lines, outcome.parts, outcome.picks) == ([1], [1_500], {1: [(0, 3, 1_500)]})
    boots = done(percent("100", units(pick=FIRST, every=3)))
    assert boots.picks == {0: [(0, 1, 5_000)], 1: [(0, 1, 500)]}
    assert done(percent("100", units(pick=FIRST, skip=2, max_per_order=2))).picks == {0: [(0, 1, 5_000)], 1: [(0, 1, 500)]}


def test_so_many_units_of_each_line_and_of_the_order() -> None:
    assert parts(percent("10", units(max_per_line=2))) == {"b": 1_000, "s": 100}
    assert parts(percent("10", units(max_per_line=2, max_per_order=3))) == {"b": 500, "s": 100}
    assert parts(percent("10", units(pick=DEAREST, max_per_line=2, max_per_order=3))) == {"b": 1_000, "s": 50}
    assert parts(percent("10"), most_units=4) == {"b": 1_500, "s": 50}
    assert parts(percent("10", units(max_per_order=2)), most_units=4) == {"s": 100}
    assert parts(percent("10", units(max_per_order=4)), most_units=2) == {"s": 100}


def test_an_amount_is_divided_over_the_units_that_are_meant() -> None:
    """7.00 off the two dearest boots and a sock: over 100.00 and 5.00, 6.67 and 0.33."""
    target = Target(units=Units(pick=DEAREST, max_per_line=2, max_per_order=3))
    assert parts(AmountOff(700, target=target)) == {"b": 667, "s": 33}
    assert parts(AmountOff(600, Allocation.BY_QUANTITY, target)) == {"b": 400, "s": 200}
    assert parts(AmountOff(100, Allocation.EACH_UNIT, target)) == {"b": 200, "s": 100}
    assert parts(FixedPrice(9_450, target)) == {"b": 1_000, "s": 50}
    assert parts(percent("10", target)) == {"b": 1_000, "s": 50}


def test_lowered_units_are_left_alone_where_asked_for() -> None:
    fresh = Target(Scope.LINES, undiscounted_only=True)
    one_boot = percent("10", units(pick=DEAREST, max_per_order=1))
    assert parts(percent("10", fresh), SHOP, one_boot) == {"b": 1_000, "s": 250}
    assert parts(percent("10", fresh), SHOP, percent("1", Target(Scope.LINES, BOOTS))) == {"s": 250}
    assert not done(percent("10", fresh), SHOP, percent("1")).matched
    for undiscounted_only, saved in ((True, 4_000), (False, 3_500)):
        target = Target(include=BOOTS, units=Units(), undiscounted_only=undiscounted_only)
        assert parts(BundlePrice(6_000, 2, repeat=False, target=target), SHOP, one_boot) == {"b": saved}


def test_units_of_different_prices_share_what_their_line_loses() -> None:
    """One boot at 40.00, two at 50.00: 10 % is 14.00, 4.00 off the first and 10.00 off the others."""
    one = AmountOff(1_000, target=Target(units=Units(pick=DEAREST, max_per_order=1)))
    outcome = done(percent("10", Target(Scope.LINES, BOOTS, units=Units(pick=FIRST))), SHOP, one)
    assert outcome.picks == {0: [(0, 1, 400), (1, 2, 1_000)]}
    price = done(FixedPrice(4_500, Target(Scope.LINES, BOOTS)), SHOP, one)
    assert price.picks == {0: [(1, 2, 1_000)]}


# --- Bundles and gifts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        # 50 + 50 + 50 for 60.00 saves 90.00; three socks are 15.00, cheaper than the bundle
        (BundlePrice(6_000, 3), {"b": 9_000}),
        # two boots 100.00 and then boot and sock 55.00, for 20.00 each
        (BundlePrice(2_000, 2), {"b": 8_000 + 3_182, "s": 318}),
        (BundlePrice(2_000, 2, repeat=False), {"b": 8_000}),
        (BundlePrice(2_000, 2, target=Target(units=Units(pick=CHEAPEST))), {}),
        # two socks 10.00 save 2.00, twice; sock and boot 55.00 save 47.00, 4.27 on the sock; two boots save 92.00
        (BundlePrice(800, 2, target=Target(units=Units(pick=CHEAPEST))), {"b": 4_273 + 9_200, "s": 200 + 200 + 427}),
        (BundlePrice(100, 8), {"b": 14_914, "s": 2_486}),
        (BundlePrice(100, 9), {}),
        (BundlePrice(15_000, 3), {}),
        (BundlePrice(14_999, 3), {"b": 1}),
        (BundlePrice({"USD": 6_000, "EUR": 1}, 3), {"b": 9_000}),
        (BundlePrice(6_000, 3, max_amount=50), {"b": 50}),
        (BundlePrice(0, 5, target=Target(include=SOCKS)), {"s": 2_500}),
        # two socks save nothing, so no bundle is made
        (BundlePrice(1_000, 2, target=Target(units=Units(pick=CHEAPEST))), {}),
    ],
    ids=repr,
)
def test_any_so_many_units_for_a_price(effect: Effect, expected: dict[str, int]) -> None:
    assert parts(effect) == expected


def test_a_bundle_needs_its_units() -> None:
    assert done(BundlePrice(100, 9)).matched
    assert not done(BundlePrice(100, 2, target=Target(include=Filter(skus=frozenset({"hat"}))))).matched
    assert parts(BundlePrice(6_000, 3), most_units=2) == {}
    assert parts(BundlePrice(2_000, 2), most_units=3) == {"b": 8_000}


BUY_BOOT = Buy(BOOTS, 1)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (BuyGet(BUY_BOOT, Get(SOCKS, 1, Decimal(100))), {"s": 1_500}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 1, Decimal(100)), repeat=False), {"s": 500}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 2, Decimal(100))), {"s": 2_500}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 1, Decimal(50))), {"s": 750}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 1, amount=120)), {"s": 360}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 1, amount={"USD": 120, "EUR": 1})), {"s": 360}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 1, amount=900)), {"s": 1_500}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 1, Decimal(100)), max_amount=700), {"s": 700}),
        (BuyGet(Buy(BOOTS, 2), Get(BOOTS, 1, Decimal(100))), {"b": 5_000}),
        (BuyGet(Buy(BOOTS, 3), Get(BOOTS, 1, Decimal(100))), {}),
        (BuyGet(Buy(BOOTS, 1), Get(BOOTS, 2, Decimal(10))), {"b": 1_000}),
        # 80.00 of boots are two boots; the third is too little
        (BuyGet(Buy(BOOTS, amount=8_000), Get(SOCKS, 1, Decimal(100))), {"s": 500}),
        (BuyGet(Buy(BOOTS, amount={"USD": 5_000, "EUR": 1}), Get(SOCKS, 1, Decimal(100))), {"s": 1_500}),
        (BuyGet(Buy(BOOTS, amount={"USD": 8_000, "EUR": 1}), Get(SOCKS, 1, Decimal(100))), {"s": 500}),
        (BuyGet(Buy(BOOTS), Get(SOCKS, 1, Decimal(100))), {"s": 1_500}),
        (BuyGet(BUY_BOOT, Get(SOCKS, 1)), {}),
        # three are promised, but the third is needed to buy two: two are given
        (BuyGet(Buy(SOCKS, 2), Get(SOCKS, 3, Decimal(100)), repeat=False), {"s": 1_500}),
        (BuyGet(Buy(SOCKS, 3), Get(SOCKS, 3, Decimal(100))), {"s": 1_000}),
        (BuyGet(Buy(SOCKS, 3), Get(SOCKS, 4, Decimal(100))), {"s": 1_000}),
        (BuyGet(Buy(BOOTS, amount=5_001), Get(SOCKS, 1, Decimal(100))), {"s": 500}),
        (BuyGet(Buy(BOOTS, amount=15_001), Get(SOCKS, 1, Decimal(100))), {}),
        # triggers from the other end: two boots for a sock, then the third with a sock for another
        (BuyGet(Buy(EVERYTHING, 2), Get(EVERYTHING, 1, Decimal(100))), {"s": 1_000}),
        (BuyGet(Buy(EVERYTHING, 2), Get(EVERYTHING, 1, Decimal(100), pick=DEAREST)), {"b": 10_000}),
        # the first boot for the two dearest, then a sock for two socks
        (BuyGet(Buy(EVERYTHING, 2), Get(EVERYTHING, 1, Decimal(100), pick=FIRST)), {"b": 5_000, "s": 500}),
    ],
    ids=repr,
)
def test_something_is_given_for_what_is_bought(effect: Effect, expected: dict[str, int]) -> None:
    assert parts(effect) == expected


def test_what_cannot_be_a_gift_is_used_up_first() -> None:
    """Buy any article, get a sock: the boots trigger three socks, then a sock the fourth, and one sock is left."""
    assert parts(BuyGet(Buy(EVERYTHING, 1), Get(SOCKS, 1, Decimal(100)))) == {"s": 2_000}


def test_gifts_are_given_only_so_many() -> None:
    give_two = BuyGet(BUY_BOOT, Get(SOCKS, 2, Decimal(100)))
    assert parts(give_two, most_units=3) == {"s": 1_500}
    assert parts(give_two, most_units=0) == {}
    assert parts(give_two, most_units=9) == {"s": 2_500}


def test_a_percentage_of_gifts_is_rounded_once_for_each_line() -> None:
    """5 % of 0.33: 1.65 cents on one, 4.95 on three together."""
    pens = Basket("USD", (Line("b", "boot", 3, 5_000), Line("p", "pen", 3, 33)))
    assert parts(BuyGet(BUY_BOOT, Get(Filter(skus=frozenset({"pen"})), 1, Decimal(5))), pens) == {"p": 5}
    assert parts(BuyGet(BUY_BOOT, Get(Filter(skus=frozenset({"pen"})), 1, Decimal(5)), repeat=False), pens) == {"p": 2}
    two = Basket("USD", (SHOP.lines[0], Line("p", "pen", 1, 33), Line("q", "pen", 1, 33)))
    assert parts(BuyGet(BUY_BOOT, Get(Filter(skus=frozenset({"pen"})), 1, Decimal(5))), two) == {"p": 2, "q": 2}


def test_gifts_and_bundles_know_units_that_cost_less_already() -> None:
    """A boot at 40.00 and two at 50.00: the cheapest is the gift, the dearest are the bundle."""
    one = AmountOff(1_000, target=Target(units=Units(pick=DEAREST, max_per_order=1)))
    gift = done(BuyGet(Buy(BOOTS, 2), Get(BOOTS, 1, Decimal(100))), SHOP, one)
    assert gift.picks == {0: [(0, 1, 4_000)]}
    bundle = done(BundlePrice(6_000, 2, repeat=False), SHOP, one)
    assert bundle.picks == {0: [(1, 2, 4_000)]}
    last = done(BuyGet(Buy(BOOTS, 1), Get(BOOTS, 1, Decimal(100), pick=DEAREST)), SHOP, one)
    assert last.picks == {0: [(1, 1, 5_000)]}


def test_so_many_units_of_a_line_whatever_they_cost() -> None:
    """Of a boot at 40.00 and two at 50.00 two are meant, and of the socks two: 4.00 + 5.00 and 1.00."""
    one = AmountOff(1_000, target=Target(units=Units(pick=DEAREST, max_per_order=1)))
    for pick, boots in ((FIRST, [(0, 1, 400), (1, 1, 500)]), (DEAREST, [(1, 2, 1_000)])):
        outcome = done(percent("10", units(pick=pick, max_per_line=2)), SHOP, one)
        assert outcome.picks == {0: boots, 1: [(0, 2, 100)]}
    single = done(percent("10", units(pick=FIRST, max_per_line=1)), SHOP, one)
    assert single.picks == {0: [(0, 1, 400)], 1: [(0, 1, 50)]}


def test_a_unit_paid_below_its_floor_has_no_room() -> None:
    held = Basket("USD", (Line("a", "a", 2, 1_000, minimum_unit_price=900),))
    paid = StoredValue(1_000)
    assert parts(percent("50", units(max_per_line=1)), held, paid) == {}
    assert parts(FixedPrice(100, LINES), held, paid) == {}


def test_there_must_be_something_to_buy_and_something_to_get() -> None:
    hats = Filter(skus=frozenset({"hat"}))
    assert not done(BuyGet(Buy(hats, 1), Get(SOCKS, 1, Decimal(100)))).matched
    assert not done(BuyGet(BUY_BOOT, Get(hats, 1, Decimal(100)))).matched
    held = Basket("USD", (SHOP.lines[0], Line("s", "sock", 5, 500, discountable=False)))
    assert not done(BuyGet(BUY_BOOT, Get(SOCKS, 1, Decimal(100))), held).matched
    assert done(BuyGet(Buy(BOOTS, 9), Get(SOCKS, 1, Decimal(100)))).matched


def test_what_costs_nothing_triggers_no_amount() -> None:
    free = Basket("USD", (Line("z", "zero", 2, 0), SHOP.lines[1]))
    assert parts(BuyGet(Buy(EVERYTHING, amount=500), Get(SOCKS, 1, Decimal(100))), free) == {"s": 1_000}


# --- Articles added, payment, tiers, compounds --------------------------------------------------------------------------


def test_a_free_article_is_added_and_nothing_is_taken_off() -> None:
    outcome = done(FreeItem("bag", 2, {"USD": 700}, "A bag"))
    [added] = outcome.added
    assert (added.sku, added.name, added.quantity, added.unit_price, added.replaces) == ("bag", "A bag", 2, 700, "")
    assert (outcome.amount, outcome.matched) == (0, True)
    assert [item.quantity for item in done(FreeItem("bag", 2, 700), most_units=1).added] == [1]
    assert done(FreeItem("bag", 2, 700), most_units=0).added == []


def test_an_article_is_replaced_by_another_at_the_cheaper_price() -> None:
    outcome = done(Upgrade(EVERYTHING, "better", {"USD": 4_000}, "Better", max_units=4))
    assert (outcome.lines, outcome.parts) == ([0], [3_000])
    assert [(item.sku, item.name, item.quantity, item.unit_price, item.replaces) for item in outcome.added] == [
        ("better", "Better", 3, 4_000, "b"), ("better", "Better", 1, 4_000, "s"),
    ]  # fmt: skip
    assert [item.quantity for item in done(Upgrade(BOOTS, "better", 4_000), most_units=2).added] == [2]
    assert not done(Upgrade(Filter(skus=frozenset({"hat"})), "better", 1)).matched
    assert parts(Upgrade(EVERYTHING, "free", 0, max_units=2), SIX) == {"6": 600, "5": 500}
    assert done(FreeItem("free", 1, 0)).added[0].unit_price == 0
    one = AmountOff(1_000, target=Target(units=Units(pick=DEAREST, max_per_order=1)))
    assert [item.quantity for item in done(Upgrade(BOOTS, "better", 3_000), SHOP, one).added] == [3]


@pytest.mark.parametrize(
    ("effect", "paid", "wanted"),
    [
        (StoredValue(1_880), 1_880, 1_880),
        (StoredValue(1_000, Decimal("1.5")), 1_500, 1_500),
        (StoredValue(5, Decimal("0.5")), 3, 3),
        (StoredValue(99_999), 18_800, 99_999),
        (StoredValue(5_000, maximum=1_000), 1_000, 1_000),
        (StoredValue(500, maximum=1_000), 500, 500),
        (StoredValue(5_000, maximum={"USD": 1_000, "EUR": 1}), 1_000, 1_000),
    ],
    ids=repr,
)
def test_stored_value_pays_goods_and_shipping(effect: Effect, paid: int, wanted: int) -> None:
    outcome = done(effect)
    assert (outcome.stored_value, outcome.wanted, outcome.amount) == (paid, wanted, 0)


def test_a_payment_is_spread_by_what_is_left_to_pay() -> None:
    """188.00 in all, a tenth of it paid: 15.00, 2.50, 0.90 and 0.40."""
    outcome = done(StoredValue(1_880))
    assert (outcome.lines, outcome.parts, outcome.shipping) == ([0, 1], [1_500, 250], [(0, 90), (1, 40)])
    free = done(StoredValue(1_630), SHOP, percent("100", Target(Scope.LINES, SOCKS)))
    assert (free.lines, free.parts, free.shipping) == ([0], [1_500], [(0, 90), (1, 40)])


@pytest.mark.parametrize(
    ("by", "starts", "target", "off"),
    [
        (TierBy.SPEND, (0, 17_500, 17_501), Target(), 2),
        (TierBy.SPEND, (17_501,), Target(), None),
        (TierBy.SPEND, (0, 2_500, 2_501), Target(include=SOCKS), 2),
        (TierBy.QUANTITY, (0, 8, 9), Target(), 2),
        (TierBy.QUANTITY, (5, 3, 6), Target(include=SOCKS), 1),
        (TierBy.QUANTITY, (0,), Target(include=Filter(skus=frozenset({"hat"}))), 1),
    ],
)
def test_the_highest_tier_reached_counts(by: TierBy, starts: tuple[int, ...], target: Target, off: int | None) -> None:
    tiers = Tiers(by, tuple(Tier(start, AmountOff(100 * n)) for n, start in enumerate(starts, 1)), target)
    assert done(tiers, SHOP, percent("50")).amount == (0 if off is None else 100 * off)


def test_parts_of_a_compound_work_on_what_the_one_before_left() -> None:
    """Half of each line leaves 75.00 and 12.50; 8.75 off that is 7.50 and 1.25; then half of shipping."""
    effect = Compound((percent("50"), AmountOff(875), percent("50", SHIPPING), FreeItem("bag", 1, 5), FreeItem("cap", 1, 5)))
    outcome = done(effect)
    assert (outcome.lines, outcome.parts, outcome.shipping) == ([0, 1], [8_250, 1_375], [(0, 450), (1, 200)])
    assert (outcome.amount, outcome.wanted, [item.sku for item in outcome.added]) == (10_275, 10_275, ["bag", "cap"])
    assert outcome.after is not None
    assert (outcome.after.items, outcome.after.shipping) == ([6_750, 1_125], [450, 200])


def test_a_compound_shares_what_caps_leave_and_matches_if_a_part_does() -> None:
    effect = Compound((percent("10"), percent("10")))
    outcome = done(effect, most=2_000)
    assert (outcome.amount, outcome.wanted) == (2_000, 1_750 + 1_575)
    nowhere = percent("10", Target(Scope.LINES, Filter(skus=frozenset({"hat"}))))
    assert done(Compound((nowhere, percent("10")))).matched
    assert done(Compound((percent("10"), nowhere))).matched
    assert not done(Compound((nowhere, nowhere))).matched
    twice = Compound((percent("50", SHIPPING), percent("50", SHIPPING)))
    assert done(twice).shipping == [(0, 675), (1, 300)]
    pays = done(Compound((StoredValue(100), StoredValue(50))))
    assert (pays.stored_value, pays.amount) == (150, 0)


def test_a_compound_changes_nothing_until_it_is_taken() -> None:
    running = Running(SHOP)
    outcome = work_out(Compound((percent("50"),)), Scene(running, Matcher(SHOP)))
    assert running.items == [15_000, 2_500]
    assert commit(outcome, running).items == [7_500, 1_250]

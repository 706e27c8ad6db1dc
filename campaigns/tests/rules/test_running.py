"""What is left to pay, down to single units: no cent appears or vanishes, whoever looks at lines or at units."""

import datetime
from decimal import Decimal

import pytest

from campaigns.rules.basket import Basket, Line, Shipping
from campaigns.rules.candidates import Candidate
from campaigns.rules.effects import AmountOff, FixedPrice, PercentOff, Scope, Target, UnitPick, Units
from campaigns.rules.facts import Surroundings
from campaigns.rules.running import Run, Running, spread_within
from campaigns.rules.stacking import decide
from campaigns.rules.work import Work


def running(quantity: int = 3, price: int = 1_000, floor: int = 0) -> Running:
    return Running(Basket("USD", (Line("1", "a", quantity, price, minimum_unit_price=floor), Line("2", "b", 1, 500))))


def units(of: Running, line: int = 0) -> list[tuple[int, int, bool]]:
    return [(run.count, run.price, run.touched) for run in of.runs(line)]


def test_units_that_nobody_lowered_cost_what_the_list_says() -> None:
    of = running()
    assert not of.has_units
    assert units(of) == [(3, 1_000, False)]
    assert not of.has_units  # looking splits nothing out
    assert units(of, 1) == [(1, 500, False)]


def test_what_was_taken_off_a_line_is_divided_over_its_units_odd_cents_first() -> None:
    """2.00 off three units: 0.67, 0.67 and 0.66."""
    of = running()
    of.take_lines([0], [200], {})
    assert units(of) == [(2, 933, True), (1, 934, True)]
    assert (of.items, of.items_total) == ([2_800, 500], 3_300)


def test_one_cent_off_touches_a_line() -> None:
    of = running()
    of.take_lines([0], [1], {})
    assert units(of) == [(1, 999, True), (2, 1_000, True)]


def test_what_is_taken_off_all_lines_is_taken_off_each() -> None:
    of = running()
    of.take_lines([0, 1], [300, 50], {})
    assert (of.items, of.items_total) == ([2_700, 450], 3_150)


def test_some_units_are_lowered_and_the_others_keep_their_price() -> None:
    """0.05 off two of three units: 0.03 and 0.02."""
    of = running()
    of.take_lines([0], [5], {0: [(0, 2, 5)]})
    assert units(of) == [(1, 997, True), (1, 998, True), (1, 1_000, False)]
    assert (of.items, of.items_total) == ([2_995, 500], 3_495)


def test_units_that_were_lowered_are_lowered_again_where_they_stand() -> None:
    """1.00 off one unit; then 3.00 off the third run, the unit that nobody lowered yet, stays apart from the second."""
    of = running()
    of.take_lines([0], [100], {0: [(0, 1, 100)]})
    assert units(of) == [(1, 900, True), (2, 1_000, False)]
    of.take_lines([0], [300], {0: [(1, 1, 300)]})
    assert units(of) == [(1, 900, True), (1, 700, True), (1, 1_000, False)]


def test_what_is_taken_off_a_whole_line_later_follows_what_its_units_cost_then() -> None:
    """9.00 and two times 10.00: 2.90 off the line are 0.90 off the first and 1.00 off each of the others."""
    of = running()
    of.take_lines([0], [100], {0: [(0, 1, 100)]})
    of.take_lines([0], [290], {})
    assert units(of) == [(1, 810, True), (2, 900, True)]
    assert of.items[0] == 2_610


def test_a_unit_at_its_floor_gives_no_more() -> None:
    """Floor 9.00: the unit at 9.00 has no room, so 1.00 comes off the two others, 0.50 each."""
    of = running(floor=900)
    of.take_lines([0], [100], {0: [(0, 1, 100)]})
    of.take_lines([0], [100], {})
    assert units(of) == [(1, 900, True), (2, 950, True)]


def test_room_is_what_a_floor_leaves_and_never_less_than_nothing() -> None:
    """Stored value pays below a floor of 27.00: then nothing may be taken off any more."""
    of = running(floor=900)
    assert of.rooms([0, 1]) == [300, 500]
    of.take_lines([0], [299], {})
    assert of.rooms([0]) == [1]
    of.take_lines([0], [1], {})
    assert of.rooms([0]) == [0]
    of.take_lines([0], [500], {})
    assert of.rooms([0]) == [0]
    assert (of.unit_floor(0), of.has_floors, running().has_floors) == (900, True, False)


def test_a_copy_goes_its_own_way() -> None:
    of = Running(Basket("USD", (Line("1", "a", 3, 1_000),), (Shipping("post", 400),)))
    of.take_lines([0], [100], {0: [(0, 1, 100)]})
    other = of.copy()
    other.take_lines([0], [300], {0: [(1, 1, 300)]})
    other.take_shipping(0, 150)
    assert units(of) == [(1, 900, True), (2, 1_000, False)]
    assert units(other) == [(1, 900, True), (1, 700, True), (1, 1_000, False)]
    assert (of.total, of.shipping_total, other.total, other.shipping_total) == (3_300, 400, 2_850, 250)
    untouched = Running(of.basket).copy()
    assert not untouched.has_units
    assert units(untouched) == [(3, 1_000, False)]


def test_a_run_is_split_into_what_was_lowered_and_the_rest() -> None:
    of = running(quantity=5)
    of.units[0] = [Run(5, 1_000, True)]
    of.has_units = True
    of.take_lines([0], [10], {0: [(0, 3, 10)]})
    assert units(of) == [(1, 996, True), (2, 997, True), (2, 1_000, True)]


@pytest.mark.parametrize(
    ("amount", "weights", "rooms", "parts"),
    [
        (1_000, [2_000, 4_500, 6_000], [2_000, 4_500, 6_000], [160, 360, 480]),
        # the first has room for 50 of its 100; the rest moves
        (200, [1_000, 1_000], [50, 1_000], [50, 150]),
        # more than there is room for
        (500, [100, 100], [30, 40], [30, 40]),
        # what weighs nothing has its share of what the others cannot take
        (10, [0, 5], [4, 6], [4, 6]),
        (6, [0, 5], [4, 6], [1, 5]),
        (0, [5, 5], [5, 5], [0, 0]),
        (-3, [5, 5], [5, 5], [0, 0]),
        (1, [0, 7], [0, 7], [0, 1]),
        (1, [7, 7], [0, 7], [0, 1]),
        (3, [1, 1, 1], [0, 1, 9], [0, 1, 2]),
    ],
)
def test_an_amount_is_spread_within_the_rooms(amount: int, weights: list[int], rooms: list[int], parts: list[int]) -> None:
    assert spread_within(amount, weights, rooms, Work()) == parts


def test_weights_that_are_their_own_rooms_need_no_second_look() -> None:
    weights = [0, 3, 3, 1]
    assert spread_within(5, weights, weights, Work()) == [0, 2, 2, 1]
    assert spread_within(99, weights, weights, Work()) == weights


def test_looking_at_units_changes_nothing_for_the_others() -> None:
    """0.01 and 0.02 off three at 0.10 leave 0.09 each: also when somebody has looked at the units before, and did nothing."""
    lines, dearest = Target(Scope.LINES), Target(Scope.LINES, units=Units(pick=UnitPick.DEAREST, max_per_order=1))
    looks = Candidate("looks", FixedPrice(1_000, lines), priority=4)
    others = [
        Candidate("one", AmountOff(1), priority=3),
        Candidate("two", AmountOff(2), priority=2),
        Candidate("dearest free", PercentOff(Decimal(100), dearest), priority=1),
    ]
    basket = Basket("USD", (Line("1", "a", 3, 10),))
    now = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
    for candidates in (others, [looks, *others]):
        decision = decide(basket=basket, candidates=candidates, surroundings=Surroundings(now=now))
        assert {item.incentive: item.amount for item in decision.applied} == {"one": 1, "two": 2, "dearest free": 9}

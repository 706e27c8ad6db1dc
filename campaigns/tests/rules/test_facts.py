"""What a condition learns about basket, place, time and customer."""

import datetime
import operator
from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.basket import EVERYTHING, Basket, Line, Shipping
from campaigns.rules.candidates import Candidate, LimitState, Standing, split
from campaigns.rules.effects import (
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
    StoredValue,
    Tier,
    TierBy,
    Tiers,
    Upgrade,
    serves,
)
from campaigns.rules.facts import BasketFacts, Surroundings, is_after, is_money
from campaigns.rules.language import conditions_of
from campaigns.rules.running import Running

SUNDAY = datetime.datetime(2026, 11, 22, 23, 30, tzinfo=datetime.UTC)
GOODS = Basket(
    "USD",
    (
        Line("1", "boot", 2, 5_000, ("shoes", "winter", "shoes")),
        Line("2", "sock", 4, 1_000, ("winter",)),
        Line("3", "boot", 1, 4_000),
    ),
    (Shipping("express", 900),),
)


def facts(basket: Basket = GOODS, **surroundings: Any) -> BasketFacts:
    return BasketFacts(basket, Surroundings(**{"now": SUNDAY} | surroundings), Running(basket))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("basket.initial_total", 18_900),
        ("basket.items_total", 18_000),
        ("basket.initial_items_total", 18_000),
        ("basket.running_total", 18_900),
        ("basket.running_items_total", 18_000),
        ("basket.total_after", 18_900),
        ("basket.items_total_after", 18_000),
        ("basket.quantity", 7),
        ("basket.distinct_skus", 2),
        ("basket.max_line_quantity", 4),
        ("basket.skus", {"boot", "sock"}),
        ("basket.categories", {"shoes", "winter"}),
        ("basket.category_total:winter", 14_000),
        ("basket.category_total:shoes", 10_000),
        ("basket.category_quantity:winter", 6),
        ("basket.category_quantity:shoes", 2),
        ("basket.category_total:hats", 0),
        ("basket.category_quantity:hats", 0),
        ("channel.key", "till-7"),
        ("channel.kind", "store"),
        ("store.key", "basel"),
        ("customer.group", "VIP"),
        ("customer.age", None),
        ("event.amount", 5),
        ("event.other", None),
        ("time.weekday", 7),
        ("time.hour", 23),
        ("time.date", datetime.date(2026, 11, 22)),
        ("basket.unheard_of", None),
    ],
)
def test_a_fact_has_its_value(name: str, value: object) -> None:
    known = facts(channel_key="till-7", channel_kind="store", store_key="basel", customer={"group": "VIP"}, event={"amount": 5})
    assert known(name) == value
    assert known(name) == value  # the second time it is remembered


def test_what_nobody_said_is_not_known() -> None:
    known = facts()
    for name in ("channel.key", "channel.kind", "store.key", "customer.group", "event.amount"):
        assert known(name) is None
    assert facts(Basket("USD", ()))("basket.max_line_quantity") == 0


def test_time_is_that_of_the_campaign() -> None:
    known = facts()
    known.time_zone = "Asia/Tokyo"
    assert (known("time.weekday"), known("time.hour"), known("time.date")) == (1, 8, datetime.date(2026, 11, 23))
    known.time_zone = "UTC"
    assert known("time.hour") == 23


def test_facts_about_what_is_left_follow_the_calculation() -> None:
    known = facts()
    known.running.take_lines([0], [1_000], {})
    known.running.take_shipping(0, 100)
    assert (known("basket.running_total"), known("basket.running_items_total")) == (17_800, 17_000)
    known.own_items, known.own_shipping = 500, 30
    assert (known("basket.total_after"), known("basket.items_total_after")) == (17_270, 16_500)
    assert known("basket.running_total") == 17_800
    assert known("basket.initial_total") == 18_900


def test_facts_that_are_amounts() -> None:
    money = {"basket.initial_total", "basket.running_items_total", "basket.total_after", "basket.items_total_after",
             "basket.category_total:a"}  # fmt: skip
    other = {"basket.quantity", "basket.category_quantity:a_total", "customer.basket_total", "customer.total", "time.hour"}
    assert {name for name in money | other if is_money(name)} >= money
    assert not any(is_money(name) for name in ("basket.quantity", "customer.basket_total", "time.hour"))


def test_facts_that_look_at_the_basket_afterwards() -> None:
    assert [is_after(name) for name in ("basket.total_after", "basket.items_total_after", "basket.running_total")] == [
        True,
        True,
        False,
    ]


# --- What is worked out once of a candidate ----------------------------------------------------------------------------------


def leaf(fact: str) -> dict[str, object]:
    return {"fact": fact, "op": ">", "value": 1}


def test_conditions_are_split_into_those_before_and_those_after() -> None:
    now, then = leaf("basket.quantity"), leaf("basket.total_after")
    always = conditions_of(None)
    assert split(conditions_of(now)) == (conditions_of(now), always)
    assert split(conditions_of(then)) == (always, conditions_of(then))
    assert split(conditions_of({"all": [now, then]})) == (conditions_of({"all": [now]}), conditions_of({"all": [then]}))
    either = conditions_of({"any": [now, then]})
    assert split(either) == (always, either)
    none = conditions_of({"none": [now]})
    assert split(none) == (none, always)


def test_the_place_in_a_rank_is_priority_then_start_then_key() -> None:
    early = Standing(starts_at=SUNDAY - datetime.timedelta(1))
    late = Standing(starts_at=SUNDAY)
    effect = PercentOff(Decimal(1))
    expected = [
        Candidate("q", effect, priority=1, standing=late),
        Candidate("z", effect),
        Candidate("y", effect, standing=early),
        Candidate("w", effect, standing=late, code="A"),
        Candidate("w", effect, standing=late, code="B"),
        Candidate("x", effect, standing=late),
        Candidate("a", effect, priority=-1),
    ]
    assert sorted([*expected[3:], *expected[:3]], key=operator.attrgetter("place")) == expected


@pytest.mark.parametrize(("measure", "used"), [("uses", 1), ("units", 3), ("discount", 500)])
def test_a_limit_counts_what_it_measures(measure: str, used: int) -> None:
    assert LimitState(1, measure, "total", 9, 0).wanted(amount=500, units=3) == used


EURO, BOTH = {"EUR": 100}, {"EUR": 100, "USD": 120}


@pytest.mark.parametrize(
    "effect",
    [
        AmountOff(EURO), AmountOff(5, max_amount=EURO), AmountOff(5, max_per_line=EURO), FixedPrice(EURO),
        PercentOff(Decimal(1), max_amount=EURO), PercentOff(Decimal(1), max_per_line=EURO),
        BundlePrice(EURO, 3), BundlePrice(5, 3, max_amount=EURO),
        BuyGet(Buy(amount=EURO), Get()), BuyGet(Buy(quantity=1), Get(amount=EURO)),
        BuyGet(Buy(quantity=1), Get(), max_amount=EURO),
        FreeItem("a", 1, EURO), Upgrade(EVERYTHING, "a", EURO), StoredValue(5, maximum=EURO),
        Tiers(TierBy.SPEND, (Tier(0, AmountOff(5)), Tier(9, AmountOff(EURO)))), Compound((AmountOff(5), AmountOff(EURO))),
    ],
    ids=repr,
)  # fmt: skip
def test_an_effect_is_served_where_all_its_amounts_are_known(effect: Effect) -> None:
    assert serves(effect, "EUR")
    assert not serves(effect, "USD")
    candidate = Candidate("a", effect)
    assert (candidate.serves_all, candidate.serves("EUR"), candidate.serves("USD")) == (False, True, False)


@pytest.mark.parametrize(
    "effect", [AmountOff(5), PercentOff(Decimal(1)), NoEffect(), Compound((AmountOff(5),)), StoredValue(5)], ids=repr
)
def test_an_effect_without_currencies_is_served_everywhere(effect: Effect) -> None:
    assert Candidate("a", effect).serves_all
    assert serves(AmountOff(BOTH), "USD")

"""Partial returns, each computed by hand, under both policies; what comes back is what was paid, to the cent.

Amounts are minor units. ``keep`` and ``claw`` are the money of each return, in order; ``None`` as a return means everything that
is left.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import LoyaltyProgramme
from campaigns.rules.loyalty import OnBrokenReturn, TakeBack
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers.tests.factories import NOON, CustomerFactory
from incentives_site.shared.problems import Invalid
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, Redemption, Return
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"by": "user:1", "now": NOON}


def percent(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "percent_off", "percent": value, **more}


def off(amount: int, **more: Any) -> dict[str, Any]:
    return {"type": "amount_off", "amount": amount, **more}


def spend(amount: int) -> dict[str, Any]:
    return {"fact": "basket.initial_items_total", "op": ">=", "value": amount}


LINES = {"target": {"scope": "lines"}}
TWO_FOR_ONE = {"type": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1, "percent": "100"}}
BUNDLE = {"type": "bundle_price", "amount": 1500, "size": 2}
SHOES = {"scope": "lines", "include": {"categories": ["shoes"]}}
Line = tuple[str, int, int]


@dataclass(frozen=True)
class Case:
    """``lines`` are (id, quantity, unit price); ``incentives`` are (effect, conditions, awards)."""

    name: str
    lines: list[Line]
    incentives: list[tuple[dict[str, Any], Any, list[Any]]]
    returns: list[dict[str, int] | None]
    keep: list[int]
    claw: list[int] = field(default_factory=list)
    shipping: int = 0
    categories: dict[str, str] = field(default_factory=dict)

    def expected(self, policy: OnBrokenReturn) -> list[int]:
        return self.claw or self.keep if policy is OnBrokenReturn.CLAW_BACK else self.keep


AB: list[Line] = [("a", 1, 1000), ("b", 1, 2000)]
A_B: list[dict[str, int] | None] = [{"a": 1}, {"b": 1}]
B_A: list[dict[str, int] | None] = [{"b": 1}, {"a": 1}]
ONE_BY_ONE: list[dict[str, int] | None] = [{"a": 1}, {"a": 1}, {"a": 1}]
ABC: list[Line] = [("a", 1, 2000), ("b", 1, 4500), ("c", 1, 6000)]
TIERS = {
    "type": "tiers",
    "by": "spend",
    "tiers": [{"from": 5000, "effect": percent("10")}, {"from": 10000, "effect": percent("20")}],
}
HIGHER = {**TIERS, "tiers": [{"from": 6000, "effect": percent("10")}, {"from": 10000, "effect": percent("20")}]}
PAIR: list[Line] = [("a", 1, 2000), ("b", 1, 2000)]
QUANTITY = {"fact": "basket.quantity", "op": ">=", "value": 3}
PAIR_OF_SHOES = {"fact": "basket.category_quantity:shoes", "op": ">=", "value": 2}
WARDROBE = {"a": "shoes", "b": "shoes", "c": "socks"}

CASES = [
    # 10 % of the order: 1.00 and 2.00 off.
    Case("10 % of the order", AB, [(percent("10"), None, [])], A_B, [900, 1800]),
    Case("the other one first", AB, [(percent("10"), None, [])], B_A, [1800, 900]),
    Case("min spend broken by a", AB, [(percent("10"), spend(2500), [])], A_B, [900, 1800], [700, 2000]),
    Case("min spend broken by b", AB, [(percent("10"), spend(2500), [])], B_A, [1800, 900], [1700, 1000]),
    # 5.00 over 20/45/60: 0.80, 1.80 and 2.40.
    Case("5.00 by amount", ABC, [(off(500), None, [])], [{"a": 1}, {"b": 1}, {"c": 1}], [1920, 4320, 5760]),
    Case(
        "5.00 by amount, broken at once", ABC, [(off(500), spend(10_000), [])], [{"c": 1}, {"a": 1}, {"b": 1}],
        [5760, 1920, 4320], [5500, 2000, 4500],
    ),
    Case(
        "5.00 by amount, broken by the second", ABC, [(off(500), spend(10_000), [])], [{"a": 1}, {"b": 1}, {"c": 1}],
        [1920, 4320, 5760], [1920, 4080, 6000],
    ),
    # Three for two of one article: 20.00 for three units.
    Case("3 for 2, one by one", [("a", 3, 1000)], [(TWO_FOR_ONE, None, [])], ONE_BY_ONE, [666, 667, 667], [0, 1000, 1000]),
    Case("3 for 2, two at once", [("a", 3, 1000)], [(TWO_FOR_ONE, None, [])], [{"a": 2}, {"a": 1}], [1333, 667], [999, 1001]),
    # Three articles, the cheapest free: nothing was paid for c.
    Case(
        "the gift comes back", [("a", 1, 3000), ("b", 1, 2000), ("c", 1, 1000)], [(TWO_FOR_ONE, None, [])],
        [{"c": 1}, {"a": 1}, {"b": 1}], [0, 3000, 2000],
    ),
    Case(
        "what brought the gift comes back", [("a", 1, 3000), ("b", 1, 2000), ("c", 1, 1000)], [(TWO_FOR_ONE, None, [])],
        [{"a": 1}, {"b": 1}, {"c": 1}], [3000, 2000, 0], [2000, 2000, 1000],
    ),
    # Any two for 15.00.
    Case("half a bundle", [("a", 1, 1000), ("b", 1, 1000)], [(BUNDLE, None, [])], A_B, [750, 750], [500, 1000]),
    Case(
        "two bundles", [("a", 4, 1000)], [(BUNDLE, None, [])], [{"a": 1}] * 4, [750, 750, 750, 750], [750, 750, 500, 1000]
    ),
    # Shipping is given back with everything only, and what was not charged is not clawed back.
    Case(
        "free shipping from 20.00", [("a", 1, 1500), ("b", 1, 1000)],
        [(percent("100", target={"scope": "shipping"}), spend(2000), [])], A_B, [1500, 1000], shipping=500,
    ),
    Case("shipping stays", [("a", 1, 1000)], [(percent("10"), None, [])], [{"a": 1}, None], [900, 500], shipping=500),
    Case("everything at once", AB, [(percent("10"), None, [])], [None], [3200], shipping=500),
    Case("a unit, then the rest", [("a", 2, 1000)], [(percent("10"), None, [])], [{"a": 1}, None], [900, 1200], shipping=300),
    # Prices, rounding, quantities.
    Case("a price of 8.00", [("a", 2, 1000)], [({"type": "fixed_price", "amount": 800, **LINES}, None, [])], [{"a": 1}] * 2,
         [800, 800]),
    Case("8.99 over three", [("a", 3, 333)], [(percent("10", **LINES), None, [])], ONE_BY_ONE, [299, 300, 300]),
    Case(
        "1.00 by quantity", [("a", 2, 1000), ("b", 1, 3000)], [(off(100, allocation="by_quantity"), None, [])],
        [{"a": 1}, {"a": 1}, {"b": 1}], [966, 967, 2967],
    ),
    Case("3.00 off each unit", [("a", 3, 1000)], [(off(300, allocation="each_unit", **LINES), None, [])], ONE_BY_ONE, [700] * 3),
    Case("15 % of seven", [("a", 7, 999)], [(percent("15", **LINES), None, [])], [{"a": 3}, {"a": 2}, {"a": 2}],
         [2547, 1698, 1699]),
    Case("at most 10.00 off", [("a", 1, 3000), ("b", 1, 1000)], [(percent("50", max_amount=1000), None, [])], B_A, [750, 2250]),
    Case("nothing was paid for a", [("a", 1, 1000), ("b", 1, 500)],
         [(percent("100", target={"scope": "lines", "include": {"lines": ["a"]}}), None, [])], A_B, [0, 500]),
    # Tiers: a lower tier still applies, so the recorded shares stay; below the lowest it is broken.
    Case("a lower tier, b", [("a", 1, 6000), ("b", 1, 5000)], [(TIERS, None, [])], B_A, [4000, 4800]),
    Case("a lower tier, a", [("a", 1, 6000), ("b", 1, 5000)], [(TIERS, None, [])], A_B, [4800, 4000]),
    Case("no tier", [("a", 1, 6000), ("b", 1, 5000)], [(HIGHER, None, [])], A_B, [4800, 4000], [3800, 5000]),
    # Several effects and incentives.
    Case("a compound", [("a", 2, 1000)], [({"type": "compound", "effects": [percent("10"), off(200)]}, None, [])], [{"a": 1}] * 2,
         [800, 800]),
    Case("one of two broken", PAIR, [(percent("10"), None, []), (off(500), spend(3000), [])], A_B, [1550, 1550], [1300, 1800]),
    Case("both broken", PAIR, [(percent("10"), spend(3000), []), (off(500), spend(3000), [])], A_B, [1550, 1550], [1100, 2000]),
    Case("an upgrade", [("a", 2, 3000)],
         [({"type": "upgrade", "from": {"skus": ["a"]}, "to": {"sku": "big", "unit_price": 2500}}, None, [])], [{"a": 1}] * 2,
         [2500, 2500]),
    Case("with a free bag", [("a", 2, 1500)], [({"type": "free_item", "sku": "bag", "unit_price": 3}, None, [])], [{"a": 1}] * 2,
         [1500, 1500]),
    # More would be clawed back than the goods cost: never below zero, and the next return makes it good.
    Case("more than it cost", [("a", 1, 500), ("b", 1, 9500)], [(off(5000), spend(10_000), [])], A_B, [250, 4750], [0, 5000]),
    Case("less than it cost", [("a", 1, 500), ("b", 1, 9500)], [(off(5000), spend(10_000), [])], B_A, [4750, 250], [4500, 500]),
    Case("at least three pieces", [("a", 4, 250)], [(percent("10", **LINES), QUANTITY, [])], [{"a": 1}] * 4,
         [225, 225, 225, 225], [225, 175, 250, 250]),
    Case(
        "two of an aisle", [("a", 1, 5000), ("b", 1, 3000), ("c", 1, 1000)], [(percent("20", target=SHOES), PAIR_OF_SHOES, [])],
        [{"c": 1}, {"b": 1}, {"a": 1}], [1000, 2400, 4000], [1000, 1400, 5000], categories=WARDROBE,
    ),
    Case("two lines at once", ABC, [(off(500), spend(10_000), [])], [{"a": 1, "b": 1}, {"c": 1}], [6240, 5760], [6000, 6000]),
    Case("a clawed unit comes back with its claw", [("a", 2, 1000), ("b", 1, 1000)], [(percent("10"), spend(2500), [])],
         [{"b": 1}, {"a": 1}, {"a": 1}], [900, 900, 900], [700, 1000, 1000]),
]  # fmt: skip


def redeemed(case: Case, policy: OnBrokenReturn, customer: Any = None, tenders: Any = ()) -> Redemption:
    for position, (effect, conditions, awards) in enumerate(case.incentives):
        campaign = CampaignFactory(live=True, on_broken_return=policy)
        IncentiveFactory(campaign=campaign, effect=effect, conditions=conditions, awards=awards, priority=-position)
    lines = [
        {"id": name, "sku": name, "quantity": quantity, "unit_price": price, "categories": [case.categories.get(name, "any")]}
        for name, quantity, price in case.lines
    ]
    basket = {"lines": lines, "shipping": [{"method": "parcel", "amount": case.shipping}] if case.shipping else []}
    request = request_for(basket=basket, customer=customer, tenders=tenders)
    return operations.redeem(request, source="till", order_key="1", placed_at=None, **BY)


def return_all(redemption: Redemption, returns: list[dict[str, int] | None]) -> list[Return]:
    found = []
    for units in returns:
        with CaptureQueriesContext(connection) as asked:
            foreseen = operations.preview_return(redemption=redemption, units=units)
        assert [query["sql"] for query in asked if not query["sql"].startswith("SELECT") or "FOR UPDATE" in query["sql"]] == []
        given = operations.give_back(redemption=redemption, units=units, **BY)
        assert (foreseen.amount, foreseen.stored_value, foreseen.effects) == (given.amount, given.stored_value, given.effects)
        found.append(given)
        assert queries.prove() == []
    return found


@pytest.mark.parametrize("policy", OnBrokenReturn)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_return_gives_back_what_was_paid(case: Case, policy: OnBrokenReturn) -> None:
    redemption = redeemed(case, policy)
    given = return_all(redemption, case.returns)
    assert [row.amount for row in given] == case.expected(policy)
    units = {name: quantity for name, quantity, _price in case.lines}
    for row in redemption.lines.all():
        assert row.returned == units[row.line]
    assert sum(row.amount for row in given) == redemption.payable


@pytest.mark.parametrize("policy", OnBrokenReturn)
def test_a_gift_card_gets_back_its_share(policy: OnBrokenReturn) -> None:
    """27.00 to pay, 10.00 of it by card: 3.33 for a and 6.67 for b."""
    card, code = operations.issue_gift_card(amount=1500, currency="USD", key="1", **BY)
    case = Case("", AB, [(percent("10"), spend(2500), [])], A_B, [])
    redemption = redeemed(case, policy, tenders=[{"type": "gift_card", "code": code, "amount": 1000}])
    assert (redemption.stored_value, redemption.payable) == (1000, 1700)
    first, second = return_all(redemption, A_B)
    assert [first.stored_value, second.stored_value] == [333, 667]
    assert [first.amount, second.amount] == ([367, 1333] if policy is OnBrokenReturn.CLAW_BACK else [567, 1133])
    card.account.refresh_from_db()
    assert card.account.balance == 1500


@pytest.mark.parametrize(
    ("value", "tender", "points", "back"),
    [("0.5", 1000, 2000, [1000, 1000]), ("0.3", 100, 334, [167, 167]), ("1", 301, 301, [150, 151])],
)
def test_points_go_back_to_where_they_came_from(value: str, tender: int, points: int, back: list[int]) -> None:
    LoyaltyProgramme.objects.create(name="P", point_values={"USD": value})
    customer = CustomerFactory()
    operations.earn(customer=customer, unit="points", amount=5000, key="welcome", **BY)
    case = Case("", [("a", 2, 1500)], [(percent("20"), None, [])], [{"a": 1}] * 2, [])
    redemption = redeemed(case, OnBrokenReturn.KEEP, customer, [{"type": "points", "amount": tender}])
    account = Account.objects.get(customer=customer, kind=AccountKind.POINTS)
    assert (redemption.stored_value, account.balance) == (tender, 5000 - points)
    given = return_all(redemption, case.returns)
    assert [row.effects["stored_value"][0]["units"] for row in given] == back
    assert sum(row.amount + row.stored_value for row in given) == 2400
    account.refresh_from_db()
    assert account.balance == 5000


POINTS = [{"type": "points", "per": 100, "points": 1}]


@pytest.mark.parametrize("policy", OnBrokenReturn)
@pytest.mark.parametrize(
    ("lines", "incentive", "earned", "taken"),
    [
        # 90.00 and 45.00 paid: 135 points; with a alone they would be 90.
        ([("a", 1, 10_000), ("b", 1, 5_000)], (percent("10"), None, POINTS), 135, {"keep": [90, 45], "claw_back": [90, 45]}),
        # Three times 3.33: 9 points; 6.66 keep 6.
        ([("a", 3, 333)], ({}, None, POINTS), 9, {"keep": [3, 3, 3], "claw_back": [3, 3, 3]}),
        # 50 points from 20.00 on: kept while anything is, or gone with the condition.
        (
            [("a", 1, 1_500), ("b", 1, 1_500)],
            ({}, spend(2_000), [{"type": "points", "points": 50}]),
            50,
            {"keep": [0, 50], "claw_back": [50, 0]},
        ),
    ],
)
def test_points_of_returned_goods_are_taken_back(
    lines: list[Line], incentive: Any, earned: int, taken: dict[str, list[int]], policy: OnBrokenReturn
) -> None:
    customer = CustomerFactory()
    redemption = redeemed(Case("", lines, [incentive], [], []), policy, customer)
    account = Account.objects.get(customer=customer, kind=AccountKind.POINTS)
    assert account.balance == earned
    units: list[dict[str, int] | None] = [{name: 1} for name, quantity, _price in lines for _unit in range(quantity)]
    given = return_all(redemption, units)
    assert [sum(item["units"] for item in row.effects["taken_back"]) for row in given] == taken[policy.value]
    account.refresh_from_db()
    assert account.balance == 0


def test_more_than_was_bought_is_refused_and_nothing_changed() -> None:
    redemption = redeemed(CASES[0], OnBrokenReturn.KEEP)
    for units, pointer, code in (
        ({"a": 2}, "/lines/0/quantity", "more-than-bought"),
        ({"a": 1, "x": 1}, "/lines/1/line", "line-unknown"),
        ({"a": 0}, "/lines/0/quantity", "more-than-bought"),
        ({}, "/lines", "empty-list"),
    ):
        with pytest.raises(Invalid) as refusal:
            operations.give_back(redemption=redemption, units=units, **BY)
        assert [(error.pointer, error.code) for error in refusal.value.errors] == [(pointer, code)]
    operations.give_back(redemption=redemption, units={"a": 1}, **BY)
    with pytest.raises(Invalid):
        operations.give_back(redemption=redemption, units={"a": 1}, **BY)
    operations.give_back(redemption=redemption, **BY)
    with pytest.raises(operations.AlreadyReturned):
        operations.give_back(redemption=redemption, **BY)
    assert Return.objects.count() == 2
    assert Decimal(sum(Return.objects.values_list("amount", flat=True))) == 2700


def test_another_amount_than_was_told_is_not_paid_back() -> None:
    redemption = redeemed(CASES[0], OnBrokenReturn.KEEP)
    with pytest.raises(operations.ReturnChanged):
        operations.give_back(redemption=redemption, units={"a": 1}, expected_amount=901, **BY)
    assert not Return.objects.exists()
    assert operations.give_back(redemption=redemption, units={"a": 1}, expected_amount=900, **BY).amount == 900


@pytest.mark.parametrize("policy", TakeBack)
@pytest.mark.parametrize("is_pending", [True, False])
def test_what_is_foreseen_of_points_is_what_is_taken(policy: TakeBack, is_pending: bool) -> None:
    """135 points were earned, 100 of them spent elsewhere if they could be; 45 and then 90 are no longer earned."""
    LoyaltyProgramme.objects.create(name="P", take_back=policy.value, pending_days=14 if is_pending else 0)
    customer = CustomerFactory()
    case = Case("", [("a", 1, 10_000), ("b", 1, 5_000)], [(percent("10"), None, POINTS)], [{"b": 1}, {"a": 1}], [])
    redemption = redeemed(case, OnBrokenReturn.KEEP, customer)
    account = Account.objects.get(customer=customer, kind=AccountKind.POINTS_PENDING if is_pending else AccountKind.POINTS)
    if not is_pending:
        operations.spend(account=account, amount=100, key="elsewhere", today=NOON.date(), **BY)
    given = return_all(redemption, case.returns)
    taken = [sum(item["units"] for item in row.effects["taken_back"]) for row in given]
    by_policy = {TakeBack.PENDING_ONLY: [0, 0], TakeBack.UP_TO_BALANCE: [35, 0], TakeBack.MAY_GO_NEGATIVE: [45, 90]}
    assert taken == ([45, 90] if is_pending else by_policy[policy])


def test_an_order_older_than_its_lines_is_foreseen_and_returned() -> None:
    redemption = redeemed(CASES[0], OnBrokenReturn.KEEP)
    redemption.lines.all().delete()
    assert operations.preview_return(redemption=redemption, units={"a": 1}).amount == 900
    assert not redemption.lines.exists()
    assert operations.give_back(redemption=redemption, units={"a": 1}, **BY).amount == 900

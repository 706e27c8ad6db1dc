"""Every door refuses what would be too much work with ``too-complex``, writes nothing, and stays quick."""

import datetime
import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from campaigns.models import Limit
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory
from customers.models import Purchase, PurchaseLine
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions import operations
from redemptions.models import PurchaseEarning, Redemption, Reservation

pytestmark = pytest.mark.django_db
BUY_GET = {"type": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 2, "percent": "33.33", "pick": "first"}}
# Twenty times twenty effects, each on single units.
MONSTER: dict[str, Any] = {"type": "compound", "effects": [{"type": "compound", "effects": [BUY_GET] * 20}] * 20}
LINES = {
    "lines": [
        {"id": f"l{n}", "sku": f"s{n}", "categories": ["c"], "quantity": 100, "unit_price": 1_000 + n % 50} for n in range(200)
    ]
}
ASKED: dict[str, Any] = {"currency": "USD", "basket": LINES}
SECONDS = 2.0  # the old way took minutes


@pytest.fixture
def client() -> PartnerClient:
    ChannelFactory()
    ChannelFactory(web=True)
    return PartnerClient(partner_key()[1])


@pytest.fixture
def monster() -> Limit:
    return LimitFactory(incentive=IncentiveFactory(effect=MONSTER), maximum=5)


@pytest.mark.parametrize(
    ("address", "more"),
    [("quotes", {}), ("redemptions", {"order": {"id": "o-1"}}), ("reservations", {"order": {"id": "o-1"}})],
)
def test_a_basket_that_is_too_complex_is_refused_at_once(client: PartnerClient, monster: Limit, address: str, more: Any) -> None:
    started = time.monotonic()
    answer = client.post(address, {**ASKED, **more})
    assert time.monotonic() - started < SECONDS
    assert (answer.status_code, answer.json()["code"]) == (422, "too-complex")
    assert answer.json()["detail"] == (
        "This basket and its incentives are too complex to calculate. Send fewer lines, or simplify the incentives."
    )
    assert answer["Content-Type"] == "application/problem+json"
    assert not Redemption.objects.exists()
    assert not Reservation.objects.exists()
    assert not monster.counters.exists()


def test_a_simulation_that_is_too_complex_is_refused_at_once(client: PartnerClient) -> None:
    started = time.monotonic()
    answer = client.post("simulations", {**ASKED, "incentives": [{"key": "a", "effect": MONSTER}]})
    assert time.monotonic() - started < SECONDS
    assert (answer.status_code, answer.json()["code"]) == (422, "too-complex")


def test_reading_a_simulation_is_part_of_its_work(client: PartnerClient) -> None:
    """A thousand incentives with two hundred conditions each would be read for seconds before anything is decided."""
    leaf = {"fact": "basket.quantity", "op": ">", "value": 0}
    incentives = [{"key": f"i{n}", "effect": BUY_GET, "conditions": {"all": [leaf] * 200}} for n in range(150)]
    answer = client.post("simulations", {"currency": "USD", "basket": {"lines": LINES["lines"][:1]}, "incentives": incentives})
    assert (answer.status_code, answer.json()["code"]) == (422, "too-complex")


def test_two_hundred_lines_and_eight_gifts_of_a_hundred_units_are_no_such_thing(client: PartnerClient) -> None:
    """They took 16 seconds once."""
    for n in range(8):
        get = {"quantity": 1, "percent": "50", "pick": ["cheapest", "dearest"][n % 2]}
        IncentiveFactory(effect={"type": "buy_get", "buy": {"quantity": 1 + n % 3}, "get": get})
    started = time.monotonic()
    answer = client.post("quotes", ASKED)
    assert time.monotonic() - started < SECONDS
    assert answer.status_code == 200, answer.content
    assert len(answer.json()["applied"]) == 8


def test_the_preview_says_so_on_its_page(client: PartnerClient) -> None:
    marketer = get_user_model().objects.create_user("mara@example.com", "x")
    marketer.groups.add(Group.objects.get_or_create(name="marketer")[0])
    pages = Client()
    pages.force_login(marketer)
    campaign = IncentiveFactory(campaign=CampaignFactory(), effect=MONSTER).campaign
    rows: dict[str, Any] = {}
    for n in range(1, 51):
        rows |= {f"line-{n}-sku": f"S{n}", f"line-{n}-quantity": "999", f"line-{n}-price": f"{n + 10}.33"}
    asked = {"rows": "50", "channel": "store", "at": "2026-11-21T12:00", "who": "imagined", "a-choose": "in_order"}
    answer = pages.post(
        f"/campaigns/{campaign.public_id}/preview/",
        {**asked, "a-base": "running", "own": [str(row.public_id) for row in campaign.incentives.all()], **rows},
    )
    assert answer.status_code == 422
    assert "too complex to calculate" in answer.content.decode()


def test_a_purchase_that_is_too_complex_is_looked_at_once_and_earns_nothing() -> None:
    """It must not stop the purchases behind it, nor come back for ever."""
    channel, customer = ChannelFactory(), CustomerFactory(traits={"name": "a"})
    awards = [{"type": "points", "per": 1, "points": 1}]
    leaf = {"fact": "customer.name", "op": "matches", "value": "(a|b){1,50}"}
    for _n in range(100):
        IncentiveFactory(effect={}, awards=awards, conditions={"all": [leaf] * 100})
    for n in range(2):
        purchase = Purchase.objects.create(
            customer=customer, channel=channel, source="shop", order_key=f"o-{n}", placed_at=NOON, currency="USD", paid=100
        )
        PurchaseLine.objects.create(purchase=purchase, position=1, sku="a", quantity=1, paid=100)
    operations.earn_due(now=NOON + datetime.timedelta(minutes=1))
    assert {row.outcome for row in PurchaseEarning.objects.all()} == {"refused"}
    assert PurchaseEarning.objects.count() == 2


def test_what_was_sold_can_be_given_back_even_where_it_takes_more_work(client: PartnerClient) -> None:
    """A return may take twice the work, and what remains within the work of a sale is given back as before."""
    get = {"quantity": 1, "percent": "50", "pick": "first"}
    for _n in range(6):
        IncentiveFactory(effect={"type": "buy_get", "buy": {"quantity": 1}, "get": get})
    made = client.post("redemptions", {**ASKED, "order": {"id": "o-1"}})
    assert made.status_code == 201, made.content
    back = client.post(f"redemptions/{made.json()['id']}/returns", {"lines": [{"line": "l0", "quantity": 1}]})
    assert back.status_code == 201, back.content

"""What opting out refuses, and what it does not: being addressed, never being served (docs/consent.md)."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import operations as campaigns
from campaigns import queries as campaign_queries
from campaigns import sealing
from campaigns.models import Code, TargetedCustomer
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory
from customers import operations as customers
from customers.models import Customer
from customers.operations import Choice
from customers.rules.consent import How
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from redemptions.operations import NothingToRedeem, quote, redeem
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
GOLD = {"all": [{"fact": "customer.tier", "op": "==", "value": "gold"}]}
ENTRY = {"effect": {}, "awards": [{"type": "contest_entry", "contest": "car", "entries": 1}]}


@pytest.fixture
def gold() -> Customer:
    ChannelFactory(web=True)
    customer: Customer = CustomerFactory(traits={"tier": "gold"})
    return customer


def leave(customer: Customer) -> None:
    customers.opt_out(customer=customer, how=How.PREFERENCE_PAGE, by="customer", now=NOON - datetime.timedelta(hours=1))
    customer.refresh_from_db()


def refuse(customer: Customer, **topic: Any) -> None:
    customers.record_consent(customer=customer, choices=[Choice(False, **topic)], how=How.STAFF, by="x", now=NOON)
    customer.refresh_from_db()


def outcome(customer: Customer, *codes: str) -> dict[str, str]:
    """What became of each incentive: "applied", or the reason."""
    decision = quote(request_for(customer=customer, codes=codes), now=NOON).data
    return {item["name"]: "applied" for item in decision["applied"]} | {
        item["name"]: item["code"] for item in [*decision["inapplicable"], *decision["skipped"]]
    }


def test_who_left_is_not_picked_by_an_audience_and_pays_no_more_than_a_stranger(gold: Customer) -> None:
    IncentiveFactory(name="gold only", campaign=CampaignFactory(live=True, audience=GOLD))
    IncentiveFactory(name="everybody")
    GrantFactory(customer=gold, incentive__name="in the wallet")
    by_code = IncentiveFactory(name="by code", claim="code", campaign=CampaignFactory(live=True, audience=GOLD))
    Code.objects.create(incentive=by_code, digest=sealing.digest("GOLD"), sealed=sealing.seal("GOLD"))
    same = {"everybody": "applied", "in the wallet": "applied", "by code": "applied"}
    assert outcome(gold, "gold") == {**same, "gold only": "applied"}
    leave(gold)
    assert outcome(gold, "gold") == {**same, "gold only": "opted-out"}


def test_what_is_refused_cannot_be_redeemed(gold: Customer) -> None:
    IncentiveFactory(campaign=CampaignFactory(live=True, audience=GOLD))
    leave(gold)
    with pytest.raises(NothingToRedeem):
        redeem(request_for(customer=gold), source="till", order_key="1", placed_at=None, by="x", now=NOON)


def test_a_kind_that_is_refused_is_not_given_by_itself_but_lowers_no_price(gold: Customer) -> None:
    IncentiveFactory(name="draw", **ENTRY)
    IncentiveFactory(name="draw and discount", awards=ENTRY["awards"])
    refuse(gold, kind="contests")
    assert outcome(gold) == {"draw": "opted-out", "draw and discount": "applied"}
    refuse(gold, kind="discounts")
    assert outcome(gold)["draw and discount"] == "applied", "everybody pays this price"


def test_a_channel_that_is_refused_refuses_there_only(gold: Customer) -> None:
    IncentiveFactory(name="gold only", campaign=CampaignFactory(live=True, audience=GOLD))
    refuse(gold, channel="web")
    assert outcome(gold) == {"gold only": "applied"}
    refuse(gold, channel="store")
    assert outcome(gold) == {"gold only": "opted-out"}


def test_nothing_more_is_asked_of_the_database(gold: Customer) -> None:
    IncentiveFactory(campaign=CampaignFactory(live=True, audience=GOLD))
    asked = []
    for _round in range(2):
        outcome(gold)
        with CaptureQueriesContext(connection) as queries:
            outcome(gold)
        asked.append(len(queries))
        leave(gold)
    assert asked[0] == asked[1]


def test_campaigns_do_not_address_who_left(gold: Customer) -> None:
    campaign = IncentiveFactory(campaign__live=True).campaign
    stays = CustomerFactory()
    leave(gold)
    assert campaigns.target_audience(campaign=campaign, now=NOON) == 1
    assert TargetedCustomer.objects.get().customer == stays
    assert gold in campaign_queries.audience(campaign)


@pytest.mark.parametrize(
    ("topic", "sentence"),
    [({}, "all marketing"), ({"channel": "web"}, "in the channel"), ({"kind": "discounts"}, "of this kind")],
)
def test_a_grant_is_refused_to_who_does_not_want_it_but_what_was_earned_is_given(
    gold: Customer, topic: dict[str, str], sentence: str
) -> None:
    incentive = IncentiveFactory(granted=True)
    wanted = {"customer": gold, "incentive": incentive, "channel": ChannelFactory(web=True), "by": "x", "now": NOON}
    stale = Customer.objects.get(pk=gold.pk)
    refuse(gold, **topic)
    with pytest.raises(campaigns.OptedOut, match="opted-out") as caught:
        campaigns.grant(**{**wanted, "customer": stale})  # type: ignore[arg-type]
    assert sentence in str(caught.value.detail)
    _grant, is_new = campaigns.grant(**wanted, occasion="order 1", reason="award")  # type: ignore[arg-type]
    assert is_new

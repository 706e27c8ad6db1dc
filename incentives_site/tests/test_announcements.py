"""What happens in campaigns and redemptions is told to partners, in the transaction in which it happens."""

import datetime
from typing import Any

import pytest

from campaigns import operations as campaign_operations
from campaigns.models import Campaign
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.integrations import operations
from incentives_site.integrations.models import WebhookDelivery, WebhookMessage
from incentives_site.integrations.rules.types import TYPES
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions import operations as redemption_operations
from redemptions.models import AccountKind
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def subscribed() -> None:
    """Two partners want to be told of everything."""
    for name in ("shop", "rival"):
        key, _text = partner_key(partner=name)
        operations.add_endpoint(partner=key.partner, url="https://93.184.215.14/", types=list(TYPES), by="x", now=NOON)


def told() -> list[tuple[str, dict[str, Any]]]:
    """What was told so far, and no more than once to each."""
    return [(message.type, message.data) for message in WebhookMessage.objects.order_by("pk")]


def who() -> set[str]:
    return set(WebhookDelivery.objects.values_list("endpoint__partner__key", flat=True))


def test_the_life_of_a_campaign() -> None:
    draft = IncentiveFactory(campaign=CampaignFactory(channels=[ChannelFactory(web=True)])).campaign
    campaign_operations.launch(campaign=draft, by="x", now=NOON)
    campaign_operations.pause(campaign=draft, by="x")
    campaign_operations.resume(campaign=draft, by="x", now=NOON)
    campaign_operations.end(campaign=draft, by="x", now=NOON)
    assert [(type, data["campaign"], data["status"]) for type, data in told()] == [
        ("campaign.launched", str(draft.public_id), "live"),
        ("campaign.paused", str(draft.public_id), "paused"),
        ("campaign.resumed", str(draft.public_id), "live"),
        ("campaign.ended", str(draft.public_id), "ended"),
    ]
    assert who() == {"shop", "rival"}


def test_what_the_clock_starts_and_ends() -> None:
    scheduled = CampaignFactory(status="scheduled", starts_at=NOON, ends_at=NOON + HOUR)
    assert campaign_operations.advance(now=NOON) == 1
    assert campaign_operations.advance(now=NOON) == 0
    assert campaign_operations.advance(now=NOON + HOUR) == 1
    assert [(type, data["campaign"], data["status"]) for type, data in told()] == [
        ("campaign.started", str(scheduled.public_id), "live"),
        ("campaign.ended", str(scheduled.public_id), "ended"),
    ]
    assert Campaign.objects.get(pk=scheduled.pk).ended_at == NOON + HOUR


def test_a_grant() -> None:
    incentive, customer, channel = IncentiveFactory(granted=True), CustomerFactory(), ChannelFactory(web=True)
    for _time in range(2):
        grant, _new = campaign_operations.grant(customer=customer, incentive=incentive, channel=channel, by="x", now=NOON)
    assert told() == [
        (
            "grant.created",
            {
                "grant": str(grant.public_id),
                "customer": str(customer.public_id),
                "incentive": str(incentive.public_id),
                "campaign": str(incentive.campaign.public_id),
                "channel": channel.key,
                "ends_at": grant.ends_at,
            },
        )
    ]


def test_a_redemption_at_our_till_and_its_return_are_told_to_all() -> None:
    IncentiveFactory()
    redemption = redemption_operations.redeem(request_for(), source="till", order_key="7", placed_at=None, by="user:1", now=NOON)
    given = redemption_operations.give_back(redemption=redemption, by="user:1", now=NOON)
    assert told() == [
        (
            "redemption.created",
            {
                "redemption": str(redemption.public_id),
                "order": "7",
                "customer": None,
                "channel": redemption.channel.key,
                "currency": "USD",
                "discount": redemption.discount,
                "stored_value": 0,
                "payable": redemption.payable,
            },
        ),
        (
            "redemption.returned",
            {
                "return": str(given.public_id),
                "redemption": str(redemption.public_id),
                "order": "7",
                "customer": None,
                "currency": "USD",
                "amount": given.amount,
                "stored_value": 0,
                "everything": True,
            },
        ),
    ]
    assert who() == {"shop", "rival"}


def test_a_partners_redemption_is_told_to_that_partner_whoever_takes_it_back() -> None:
    IncentiveFactory()
    request = request_for()
    redemption = redemption_operations.redeem(request, source="shop", order_key="7", placed_at=None, by="key:shop/ab12", now=NOON)
    redemption_operations.give_back(redemption=redemption, by="user:1", now=NOON)
    assert [type for type, _data in told()] == ["redemption.created", "redemption.returned"]
    assert who() == {"shop"}


def test_a_refused_redemption_is_told_to_nobody() -> None:
    IncentiveFactory()
    with pytest.raises(redemption_operations.DecisionChanged):
        redemption_operations.redeem(
            request_for(), source="till", order_key="7", placed_at=None, by="user:1", now=NOON, expected_discount=1
        )
    assert told() == []


def test_a_reservation_that_ends_unused() -> None:
    IncentiveFactory()
    reservation = redemption_operations.reserve(
        request_for(), source="shop", order_key="7", by="key:shop/ab12", now=NOON, lifetime=HOUR
    )
    assert redemption_operations.expire_reservations(now=NOON) == 0
    assert told() == []
    redemption_operations.expire_reservations(now=NOON + HOUR)
    assert told() == [("reservation.expired", {"reservation": str(reservation.public_id), "order": "7", "customer": None})]
    assert who() == {"shop"}


def test_a_balance() -> None:
    customer = CustomerFactory()
    account = redemption_operations.account_of(redemption_operations.Holder(AccountKind.POINTS, "points", customer=customer))
    redemption_operations.adjust(account=account, amount=70, reason="sorry", key="a", by="user:1", now=NOON, today=NOON.date())
    redemption_operations.adjust(account=account, amount=-20, reason="oops", key="b", by="user:1", now=NOON, today=NOON.date())
    assert [(type, data["customer"], data["kind"], data["unit"], data["amount"], data["balance"]) for type, data in told()] == [
        ("balance.changed", str(customer.public_id), "points", "points", 70, 70),
        ("balance.changed", str(customer.public_id), "points", "points", -20, 50),
    ]


def test_a_campaign_paused_over_the_api_is_seen_among_the_deliveries() -> None:
    _key, text = partner_key(partner="shop")
    client = PartnerClient(text)
    campaign = CampaignFactory(live=True)
    assert client.post(f"campaigns/{campaign.public_id}/pause").status_code == 200
    webhook = client.get("webhooks").json()["results"][0]["id"]
    (seen,) = client.get(f"webhooks/{webhook}/deliveries").json()["results"]
    assert (seen["type"], seen["payload"]["campaign"], seen["state"]) == ("campaign.paused", str(campaign.public_id), "pending")

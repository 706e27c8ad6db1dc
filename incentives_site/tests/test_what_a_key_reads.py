"""A key that may only read gets no other partner's orders, no export, and no link with which something could be changed."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.queries import wallet_url
from campaigns.tests.factories import IncentiveFactory
from customers import operations, queries
from customers.models import Consent, Customer, Source
from customers.rules.consent import How
from customers.rules.timeline import EventType
from customers.tests.factories import ChannelFactory, IdentityFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions.tests.factories import lines

pytestmark = pytest.mark.django_db
READER = ["customers:read", "redemptions", "returns", "quotes"]


@pytest.fixture
def customer() -> Customer:
    IncentiveFactory()
    ChannelFactory(web=True, can_message=True)
    return IdentityFactory(kind="email", value="ann@example.com").customer


def partner(key: str, **fields: Any) -> PartnerClient:
    return PartnerClient(partner_key(partner=key, **{"scopes": READER, **fields})[1])


def buy(client: PartnerClient, customer: Customer, order: str) -> str:
    body = {"customer": {"id": str(customer.public_id)}, "channel": "store", "currency": "USD", "basket": lines(10_000)}
    sold = client.post("redemptions", {**body, "order": {"id": order}})
    assert sold.status_code == 201, sold.content
    return str(sold.json()["id"])


def told(client: PartnerClient, customer: Customer) -> str:
    """Every page of a customer's timeline."""
    found, path = [], f"customers/{customer.public_id}/timeline?limit=2"
    while path:
        page = client.get(path).json()
        found += page["results"]
        path = (page["next"] or "").partition("/api/v1/")[2]
    return json.dumps(found)


def test_a_partner_reads_its_own_orders_and_no_other_partners(customer: Customer) -> None:
    shop, rival = partner("shop"), partner("rival")
    buy(shop, customer, "SHOP-1")
    sold = buy(rival, customer, "RIVAL-1")
    assert rival.post(f"redemptions/{sold}/returns", {"everything": True}).status_code == 201
    web = ChannelFactory(web=True)
    for key in ("shop", "rival"):
        source = Source.objects.create(trust="server", key=key, name=key, channel=web)
        order = {"order_id": f"{key}-web-1", "total": 10, "redemption": "no id at all"}
        events = [
            {"type": "track", "messageId": f"{key}1", "event": "Order Completed", "userId": "ann", "properties": order},
            {"type": "track", "messageId": f"{key}2", "event": f"Viewed at {key}", "userId": "ann", "properties": {}},
        ]
        body = [{**event, "context": {"traits": {"email": "ann@example.com"}}} for event in events]
        operations.take(source=source, kind="", body=json.dumps({"batch": body}).encode(), now=timezone.now())
    operations.process_events(now=timezone.now())
    operations.track(
        customer=customer,
        type=EventType.BOUGHT,
        source="loyalty",
        message_id="9",
        occurred_at=timezone.now(),
        received_at=timezone.now(),
        channel=web,
        name="OTHER-9",
    )
    mine, theirs = told(shop, customer), told(rival, customer)
    for words, seen, unseen in ((("SHOP-1", "shop-web-1"), mine, theirs), (("RIVAL-1", "rival-web-1"), theirs, mine)):
        for word in words:
            assert word in seen
            assert word not in unseen
    assert "OTHER-9" not in mine + theirs
    assert "Viewed at rival" in mine, "what tells of no order is everybody's"
    assert theirs.count('"returned"') == 1
    assert '"returned"' not in mine
    assert shop.get(f"redemptions/{sold}").status_code == 404


def test_an_export_has_a_scope_of_its_own(customer: Customer) -> None:
    path = f"customers/{customer.public_id}/export"
    refused = partner("shop", scopes=["customers:read", "customers:write"]).get(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing-scope")
    assert partner("shop", scopes=["customers:export"]).get(path).status_code == 200


def test_no_link_that_writes_is_handed_to_a_key_that_may_only_read(customer: Customer) -> None:
    granted = IncentiveFactory(granted=True)
    writer = partner("shop", scopes=["customers:read", "customers:write"])
    body = {"customer": {"id": str(customer.public_id)}, "incentive": str(granted.public_id)}
    assert writer.post("grants", body).json()["wallet_url"]
    reader = partner("shop")
    said = [
        reader.get(f"customers/{customer.public_id}{path}") for path in ("", "/preferences", "/wallet", "/timeline", "/segments")
    ]
    assert [answer.status_code for answer in said] == [200] * 5
    for answer in said:
        assert not re.search(r"/(?:preferences|wallet|feedback|s)/[\w:-]{20,}", answer.content.decode()), answer.content
    assert said[1].json()["url"] is None
    assert said[1].json()["unsubscribe"] == {}
    assert said[2].json()["results"][0]["wallet_url"] is None
    assert writer.get(f"customers/{customer.public_id}/wallet").json()["results"][0]["wallet_url"] == wallet_url(customer)
    assert writer.get(f"customers/{customer.public_id}/preferences").json()["url"] == queries.preferences_url(customer)


def test_a_wallets_link_shows_preferences_and_changes_none(customer: Customer, client: Client) -> None:
    operations.opt_in(customer=customer, how=How.STAFF, by="x", now=timezone.now(), wording="w")
    before = list(Consent.objects.order_by("pk").values())
    page = client.get(wallet_url(customer)).content.decode()
    (link,) = re.findall(r'href="([^"]*/preferences/)"', page)
    assert link.startswith("/wallet/")
    shown = client.get(link)
    assert shown.status_code == 200
    text = shown.content.decode()
    assert "What are you interested in?" in text
    assert '<form method="post"' not in text.split("<main")[-1]
    assert not re.search(r'"/preferences/', page + text), "the link that writes is not on it"
    for does in ("leave", "return", "save", "ask:erasure"):
        assert client.post(link, {"does": does}).status_code == 405
    token = link.split("/")[2]
    for forged in (f"/preferences/{token}/", f"/preferences/{token}/unsubscribe/"):
        assert client.post(forged, {"does": "leave", "List-Unsubscribe": "One-Click"}).status_code == 404
    assert list(Consent.objects.order_by("pk").values()) == before

"""Customers as their readers see them: found, with profile, wallet and timeline."""

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.tests.factories import GrantFactory
from customers import queries as customer_queries
from customers.models import Event, Purchase, PurchaseLine
from customers.operations import track
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer(client: Client) -> Client:
    user = User.objects.create_user("marketer@example.com")
    user.groups.add(Group.objects.get(name="marketer"))
    client.force_login(user)
    return client


def test_a_customer_is_found_and_opened(marketer: Client) -> None:
    ann = IdentityFactory(customer=CustomerFactory(display_name="Ann Example", traits={"age": "35-44"}), value="CJ1234").customer
    CustomerFactory(display_name="Bob")
    found = marketer.get(reverse("customers:search"), {"q": "cj12"}).content.decode()
    assert "Ann Example" in found
    assert "Bob" not in found
    page = marketer.get(reverse("customers:detail", args=[ann.public_id])).content.decode()
    assert "35-44" in page
    assert "The wallet is empty" in page
    assert "Nobody found" in marketer.get(reverse("customers:search"), {"q": "nobody like that"}).content.decode()


def test_the_timeline_is_filtered_and_paged(marketer: Client) -> None:
    ann = CustomerFactory()
    for n in range(30):
        kind = EventType.BOUGHT if n % 2 else EventType.REDEEMED
        at = NOON + datetime.timedelta(minutes=n)
        fields: dict[str, Any] = {"name": f"happening {n}", "source": "t", "message_id": str(n), "channel": ChannelFactory()}
        track(customer=ann, type=kind, occurred_at=at, received_at=at, properties={"paid": 1250, "currency": "USD"}, **fields)
    address = reverse("customers:timeline", args=[ann.public_id])
    part = marketer.get(address, {"type": "bought"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "happening 29" in part
    assert "happening 28" not in part
    assert "12.50 USD" in part
    assert "Older" not in part
    found = marketer.get(address, {"name": "ning 7", "channel": "store"}, headers={"HX-Request": "true"}).content.decode()
    assert "happening 7" in found
    assert "happening 8" not in found
    assert "Nothing of this kind" in marketer.get(address, {"channel": "none"}, headers={"HX-Request": "true"}).content.decode()


def test_older_events_come_piece_by_piece_each_once(marketer: Client) -> None:
    ann = CustomerFactory()
    for n in range(60):
        at = NOON + datetime.timedelta(minutes=n // 7)  # several at one instant, also where a piece ends
        track(customer=ann, type=EventType.TRACK, source="t", message_id=str(n), occurred_at=at, received_at=at, name=f"<{n}>")
    address, seen = reverse("customers:detail", args=[ann.public_id]), []
    pieces = 0
    while address:
        whole = marketer.get(address).content.decode()
        part = whole.partition('class="app-timeline"')[2].partition("</ol>")[0]
        seen += re.findall(r"&lt;(\d+)&gt;", part)
        following = re.search(r'<a class="btn btn-sm" href="([^"]+)">Older', part)
        address = following[1].replace("&amp;", "&") if following else ""
        pieces += 1
    assert pieces == 3
    assert seen == [str(n) for n in range(59, -1, -1)]
    fetched = reverse("customers:timeline", args=[ann.public_id])
    part = marketer.get(fetched, {"before": "2100-01-01T00:00:00+00:00~1"}, headers={"HX-Request": "true"}).content.decode()
    assert part.count("app-timeline-event") == 25
    assert "<ol" not in part
    for nonsense in ("x", "~", "2026-01-01~1", "2026-11-21T12:00:00+00:00~x", "9" * 400):
        assert marketer.get(fetched, {"before": nonsense}).status_code == 200


def test_a_piece_of_the_timeline_is_read_by_its_index_however_deep(marketer: Client) -> None:
    ann = CustomerFactory()
    rows = [
        Event(
            customer=ann, type="track", source="t", message_id=str(n), occurred_at=NOON - datetime.timedelta(hours=n),
            received_at=NOON, properties={}, context={},
        )
        for n in range(3_000)
    ]  # fmt: skip
    Event.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_event")
    found = customer_queries.timeline(ann).select_related(None)
    deep = NOON - datetime.timedelta(hours=2_500)
    plan = json.loads(found.filter(occurred_at__lte=deep)[:25].explain(format="json", analyze=True))[0]
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in walk(plan["Plan"]) if node["Node Type"].endswith("Scan"))
    assert read <= 60, plan
    piece, place = customer_queries.timeline_piece(found, after=(deep, 0), most=25)
    assert [event.message_id for event in piece] == [str(n) for n in range(2_501, 2_526)]
    assert place


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)


def test_behaviour_is_pictured_from_purchases_and_facts(marketer: Client) -> None:
    ann = CustomerFactory(
        facts={"orders": 2, "stage": "at_risk", "engagement": "low", "active_days_30d": 2, "recency_score": 4,
               "purchase_gap_days": 20, "purchase_due": "late", "next_purchase_on": "2026-11-01", "discount_share": 40},
    )  # fmt: skip
    now = timezone.now()
    for n, category in enumerate(["Shoes", "Shoes", "Tents"]):
        purchase = Purchase.objects.create(
            customer=ann, source="t", order_key=str(n), channel=ChannelFactory(web=True), currency="USD", paid=100,
            placed_at=now - datetime.timedelta(days=20 * n + 1),
        )  # fmt: skip
        PurchaseLine.objects.create(purchase=purchase, position=1, sku="1", category=category, quantity=2, paid=100)
    page = " ".join(marketer.get(reverse("customers:detail", args=[ann.public_id])).content.decode().split())
    for expected in ("At risk", "active on 2 of 30 days", "Usually buys every 20 days.", "Late: expected 1 Nov 2026", "40 %",
                     '<th scope="row">Shoes</th>', '<td class="num text-end">4</td>', '<th scope="row">Web</th>'):  # fmt: skip
        assert expected in page, expected
    assert page.count("app-columns-one") == 3
    assert (
        "Nothing is known yet" in marketer.get(reverse("customers:detail", args=[CustomerFactory().public_id])).content.decode()
    )


def test_a_full_page_costs_as_many_queries_as_an_empty_one(marketer: Client, django_assert_max_num_queries: Any) -> None:
    ann = CustomerFactory()
    GrantFactory.create_batch(15, customer=ann)
    for n in range(20):
        track(customer=ann, type=EventType.BOUGHT, source="t", message_id=str(n), occurred_at=NOON, received_at=NOON)
    with django_assert_max_num_queries(16):
        marketer.get(reverse("customers:detail", args=[ann.public_id]))


def test_an_unknown_customer_is_not_found(marketer: Client) -> None:
    response = marketer.get("/customers/00000000-0000-0000-0000-000000000000/")
    assert response.status_code == 404
    assert "No customer is known by that" in response.content.decode()

"""Customers as their readers see them: found, with profile, wallet and timeline."""

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from campaigns.tests.factories import GrantFactory
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
    assert "happening 0" in marketer.get(address, {"page": 2}).content.decode()


def test_a_full_page_costs_as_many_queries_as_an_empty_one(marketer: Client, django_assert_max_num_queries: Any) -> None:
    ann = CustomerFactory()
    GrantFactory.create_batch(15, customer=ann)
    for n in range(20):
        track(customer=ann, type=EventType.BOUGHT, source="t", message_id=str(n), occurred_at=NOON, received_at=NOON)
    with django_assert_max_num_queries(15):
        marketer.get(reverse("customers:detail", args=[ann.public_id]))


def test_an_unknown_customer_is_not_found(marketer: Client) -> None:
    response = marketer.get("/customers/00000000-0000-0000-0000-000000000000/")
    assert response.status_code == 404
    assert "No customer is known by that" in response.content.decode()

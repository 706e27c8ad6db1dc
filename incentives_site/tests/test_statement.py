"""The statement of a customer: every movement once, with its balance after it, for those who may read it."""

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import LoyaltyProgramme
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from incentives_site.accounts.models import User
from redemptions import operations, queries
from redemptions.models import Account, AccountKind

pytestmark = pytest.mark.django_db


def signed_in(client: Client, role: str) -> Client:
    user = User.objects.create_user(f"{role}@example.com")
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


def earned(customer: Customer, *amounts: int, days_ago: int = 60, **fields: Any) -> None:
    for number, amount in enumerate(amounts):
        at = timezone.now() - datetime.timedelta(days=days_ago - number)
        given = {"unit": "points", "key": f"{fields}{number}", "by": "x", "reason": f"Order {number}", **fields}
        operations.earn(customer=customer, amount=amount, now=at, **given)


def test_each_movement_has_its_reason_and_the_balance_after_it(client: Client) -> None:
    LoyaltyProgramme.objects.create(name="Club", point_values={"USD": "0.5"})
    ann = CustomerFactory()
    earned(ann, 100, 50, 25)
    earned(ann, 400, unit="USD")
    points = Account.objects.get(customer=ann, kind=AccountKind.POINTS)
    now = timezone.now()
    operations.adjust(account=points, amount=-75, key="a", by="user:1", reason="Earned twice", now=now, today=now.date())
    address = reverse("customers:statement", args=[ann.public_id])
    text = signed_in(client, "marketer").get(address).content.decode()
    for said in ("+100", "+50", "+25", "−75", "Earned twice", "+4.00 USD", "Order 2", "worth 0.50 USD"):
        assert said in text, said
    found = [entry.running for entry in queries.movements([points])]
    assert found == [100, 175, 150, 100]
    assert [balance for _day, balance in queries.closing_balances(points, most=3)] == [150, 175, 100]
    only = client.get(address, {"account": points.pk}).content.decode()
    assert "+4.00 USD" not in only


def test_a_long_statement_has_pages_and_costs_the_same(client: Client, django_assert_max_num_queries: Any) -> None:
    ann = CustomerFactory()
    earned(ann, *range(1, 31))
    address = reverse("customers:statement", args=[ann.public_id])
    signed_in(client, "analyst")
    with django_assert_max_num_queries(14):
        text = client.get(address).content.decode()
    assert "1–25 of 30" in text
    assert "Order 29" in text
    assert "Order 0" not in text
    last = client.get(address, {"page": 2}, headers={"HX-Request": "true"}).content.decode()
    assert "Order 0" in last
    assert "<html" not in last


def test_nothing_moved_is_said(client: Client) -> None:
    address = reverse("customers:statement", args=[CustomerFactory().public_id])
    assert "Nothing has moved yet" in signed_in(client, "operator").get(address).content.decode()


def test_an_associate_sees_what_can_be_paid_with_and_no_statement(client: Client) -> None:
    ann = CustomerFactory()
    earned(ann, 100)
    signed_in(client, "store")
    assert client.get(reverse("customers:statement", args=[ann.public_id])).status_code == 403
    page = client.get(reverse("customers:detail", args=[ann.public_id])).content.decode()
    assert 'data-testid="balances"' in page
    assert "/statement/" not in page


def test_what_ends_and_what_waits_is_told(client: Client) -> None:
    ann = CustomerFactory()
    now = timezone.now()
    end = (now + datetime.timedelta(days=40)).date()
    earned(ann, 100, last_usable_on=end)
    operations.earn(customer=ann, unit="points", amount=30, key="w", by="x", now=now, usable_at=now + datetime.timedelta(days=14))
    held = queries.balances_of(ann, currency="USD", now=now)
    assert (held.points, held.waiting, held.worth) == (100, 30, None)
    assert [(row.amount, row.last_usable_on) for row in held.ends] == [(100, end)]
    later = queries.balances_of(ann, currency="USD", now=now + datetime.timedelta(days=41))
    assert (later.points, later.waiting, later.ends) == (30, 0, ())

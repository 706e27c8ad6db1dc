"""The page that says who a customer is: what was joined, what was not, who may be the same, merging and undoing by hand."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse

from customers import operations, queries
from customers.models import Customer, KeptApart, Merge
from customers.queries import Sign
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User

pytestmark = pytest.mark.django_db


def sign_in(client: Client, role: str) -> Client:
    user = User.objects.create_user(f"{role}@example.com", first_name="Mara", last_name="Lind")
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


def known(kind: str, value: str, **fields: Any) -> Customer:
    customer: Customer = IdentityFactory(kind=kind, value=value, customer=CustomerFactory(**fields)).customer
    return customer


def path_of(customer: Customer) -> str:
    return reverse("customers:identity", args=[customer.public_id])


def change(client: Client, customer: Customer, **fields: Any) -> Any:
    return client.post(reverse("customers:change-identity", args=[customer.public_id]), fields, follow=True)


def heard(customer: Customer, *dropped: list[str], message: str = "1") -> None:
    operations.track(
        customer=customer,
        type=EventType.TRACK,
        source="shop",
        message_id=message,
        occurred_at=NOON,
        received_at=NOON,
        name="Looked",
    )
    customer.events.filter(message_id=message).update(context={"identity": {"dropped": list(dropped)}})


def test_two_are_made_one_by_hand_and_taken_apart_again(client: Client) -> None:
    sign_in(client, "marketer")
    ann = known("user_id", "ann", display_name="Ann", first_seen_at=NOON - dt.timedelta(days=9))
    other = known("user_id", "ann-2", display_name="Ann B.", first_seen_at=NOON)
    compared = client.get(path_of(other), {"with": ann.public_id}).content.decode()
    assert "The older one: it stays." in compared
    assert "more than one customer should have of: account" in compared
    refused = change(client, other, **{"does": "merge", "with": ann.public_id, "reason": " "})
    assert refused.status_code == 422
    assert not Merge.objects.exists()
    done = change(client, other, **{"does": "merge", "with": ann.public_id, "reason": "Same passport"})
    assert done.redirect_chain[-1][0] == path_of(ann)
    text = done.content.decode()
    assert "Same passport" in text
    assert "by Mara Lind" in text
    assert "identifiers (1)" in text
    merge = Merge.objects.get()
    assert change(client, ann, does="split", merge=merge.public_id, reason="").status_code == 422
    apart = change(client, ann, does="split", merge=merge.public_id, reason="Two sisters").content.decode()
    assert "Two sisters" in apart
    assert "no event joins them again" in apart
    assert set(other.identities.values_list("value", flat=True)) == {"ann-2"}
    assert KeptApart.objects.count() == 1
    again = change(client, ann, does="split", merge=merge.public_id, reason="Again")
    assert again.status_code == 409
    assert "It was undone before." in again.content.decode()


@pytest.mark.parametrize("merge", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_merge_that_is_not_this_customers_is_not_undone(client: Client, merge: str) -> None:
    sign_in(client, "operator")
    assert change(client, CustomerFactory(), does="split", merge=merge, reason="x").status_code == 409


@pytest.mark.parametrize("other", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_nobody_is_merged_with_somebody_unknown(client: Client, other: str) -> None:
    sign_in(client, "operator")
    ann = CustomerFactory()
    assert change(client, ann, **{"does": "merge", "with": other, "reason": "x"}).status_code == 404
    assert change(client, ann, **{"does": "merge", "with": ann.public_id, "reason": "x"}).status_code == 409


@pytest.mark.parametrize("role", ["analyst", "store"])
def test_who_only_reads_is_offered_nothing_and_may_do_nothing(client: Client, role: str) -> None:
    sign_in(client, role)
    ann, other = known("user_id", "ann"), known("email", "ann@shop.test")
    page = client.get(path_of(ann), {"with": other.public_id}).content.decode()
    assert "Make them one customer" not in page
    assert "Look for another customer" not in page
    assert change(client, ann, **{"does": "merge", "with": other.public_id, "reason": "x"}).status_code == 403
    assert not Merge.objects.exists()


def test_why_an_identifier_was_not_used_is_said_in_words(client: Client) -> None:
    sign_in(client, "analyst")
    ann, bob = known("email", "family@shop.test", display_name="Ann"), known("user_id", "bob")
    heard(bob, ["email", "family@shop.test", "merge-breaks-limit"])
    page = client.get(path_of(bob)).content.decode()
    assert "family@shop.test" in page
    assert "the two cannot be one person" in page
    assert path_of(ann) in page


def signs_of(customer: Customer) -> dict[str, set[Sign]]:
    found = queries.candidates(customer, dropped=queries.not_used(customer))
    return {one.customer.display_name: {clue.sign for clue in one.clues} for one in found}


def test_candidates_are_proposed_with_what_speaks_for_them() -> None:
    ann = known("user_id", "ann@shop.test", display_name="Ann Example", traits={"city": "Rome", "phone": "+39 06 1234567"})
    IdentityFactory(kind="email", value="ann@work.test", customer=ann)
    known("email", "ann@shop.test", display_name="same value")
    known("phone", "+39061234567", display_name="phone was said")
    known("anonymous_id", "cookie", display_name="dropped")
    CustomerFactory(display_name="ann example", traits={"city": "Rome"})
    CustomerFactory(display_name="ANN EXAMPLE", traits={"city": "Paris"})
    known("email", "a.example@work.test", display_name="Ann EXAMPLE")
    known("email", "a.example@gmail.com", display_name="Ann  Example")
    heard(ann, ["anonymous_id", "cookie", "outranked"])
    assert signs_of(ann) == {
        "dropped": {Sign.DROPPED},
        "phone was said": {Sign.SAID},
        "same value": {Sign.SAME_VALUE},
        "ann example": {Sign.SAME_NAME, Sign.SAME_TRAIT},
        "Ann EXAMPLE": {Sign.SAME_NAME, Sign.SAME_MAIL_DOMAIN},
    }


def test_who_was_taken_apart_is_not_proposed_again() -> None:
    ann, other = known("user_id", "ann"), known("email", "ann@shop.test", display_name="Other")
    heard(ann, ["email", "ann@shop.test", "merge-breaks-limit"])
    assert signs_of(ann) == {"Other": {Sign.DROPPED}}
    merge = operations.merge(one=ann, other=other, by="test", reason="x", now=NOON)
    operations.split(merge=merge, by="test", reason="x", now=NOON)
    assert signs_of(ann) == {}


def test_the_page_of_somebody_with_many_identifiers_asks_as_often_as_any(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    sign_in(client, "marketer")
    ann = known("user_id", "ann", display_name="Ann", traits={"city": "Rome"})
    for n in range(40):
        IdentityFactory(kind="anonymous_id", value=f"c{n}", customer=ann)
        heard(ann, ["email", f"m{n}@shop.test", "limit"], message=str(n))
    for n in range(5):
        other = known("email", f"m{n}@shop.test", display_name="Ann", traits={"city": "Rome"})
        with transaction.atomic():
            operations.merge(one=ann, other=other, by="events", reason="x", now=NOON)
    with django_assert_max_num_queries(26):
        assert client.get(path_of(ann)).status_code == 200

"""New links for whoever owns a wallet whose links have ended."""

import datetime as dt
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail, signing
from django.test import Client

from campaigns import operations
from campaigns.queries import wallet_url
from customers import operations as customer_operations
from customers import queries as customer_queries
from customers.models import Consent, Customer
from customers.tests.factories import NOON, ChannelFactory, IdentityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def merged() -> tuple[Customer, str, str]:
    """A customer who was merged, with a link to the wallet and one to the preferences from before."""
    ann = IdentityFactory(kind="email", value="ann@shop.test", customer__language="de").customer
    ben = IdentityFactory(kind="loyalty_card", value="7").customer
    links = wallet_url(ann), customer_queries.preferences_url(ann)
    customer_operations.merge(one=ann, other=ben, by="x", reason="Same person", now=NOON)
    return (Customer.objects.get(forwarded_to=None), *links)


def path(url: str) -> str:
    return urlsplit(url).path


def preferences_on(page: Any) -> list[str]:
    """The links to preferences on a page, wherever they are said to be."""
    return re.findall(r'href="([^"?]*/preferences/[^"?]*)', page.content.decode())


def test_an_ended_link_shows_nothing_of_the_customer_and_changes_nothing(merged: tuple[Customer, str, str]) -> None:
    _customer, *links = merged
    for link in links:
        for address in (path(link), path(link) + "app.webmanifest", path(link) + "preferences/"):
            response = Client().get(address)
            assert response.status_code in (404, 410)
            assert "ann@shop.test" not in response.content.decode()
    response = Client().post(path(links[1]), {"does": "leave"})
    assert response.status_code == 410
    assert not Consent.objects.exists()


def test_its_owner_gets_new_ones_by_e_mail_and_not_again_at_once(
    merged: tuple[Customer, str, str], django_capture_on_commit_callbacks: Any
) -> None:
    customer, wallet, _preferences = merged
    with django_capture_on_commit_callbacks(execute=True):
        assert operations.ask_for_links(customer=customer, now=NOON)
        assert not operations.ask_for_links(customer=customer, now=NOON + dt.timedelta(minutes=9))
    operations.send_links(customer=customer)
    sent = mail.outbox[-1]
    assert sent.to == ["ann@shop.test"]
    assert sent.subject == "Ihre neuen Links"
    assert wallet_url(customer) in str(sent.body)
    assert wallet not in str(sent.body)
    assert Client().get(path(wallet_url(customer))).status_code == 200
    assert operations.ask_for_links(customer=customer, now=NOON + dt.timedelta(minutes=10))


def test_the_answer_is_the_same_with_and_without_an_address() -> None:
    pages = []
    for kind, value in (("email", "ann@shop.test"), ("user_id", "ann")):
        one = IdentityFactory(kind=kind, value=value).customer
        other = IdentityFactory(kind="loyalty_card").customer
        link = path(wallet_url(one))
        customer_operations.merge(one=one, other=other, by="x", reason="Same person", now=NOON)
        response = Client(enforce_csrf_checks=False).post(link)
        pages.append((response.status_code, response.content.decode().partition("<main")[2]))
    assert pages[0] == pages[1]
    assert pages[0][0] == 410


def test_a_message_can_be_refused_for_ever_but_its_link_leads_no_further(merged: tuple[Customer, str, str]) -> None:
    letters = ChannelFactory(key="letters", kind="email", can_message=True)
    ann = IdentityFactory(kind="email", value="eve@shop.test").customer
    link = path(customer_queries.unsubscribe_url(ann, letters))
    assert preferences_on(Client().get(link)) == [customer_queries.preferences_url(ann)]
    customer_operations.merge(one=ann, other=merged[0], by="x", reason="Same person", now=NOON)
    said = Client().get(link), Client().post(link, {"List-Unsubscribe": "One-Click"})
    assert [answer.status_code for answer in said] == [200, 200]
    assert [preferences_on(answer) for answer in said] == [[], []]
    assert Consent.objects.get().customer.forwarded_to is None


def test_a_link_from_before_versions_opens_until_a_merge() -> None:
    ann = IdentityFactory(kind="email", value="ann@shop.test").customer
    old = signing.Signer(salt="campaigns.wallet").sign_object(str(ann.public_id))
    assert Client().get(f"/wallet/{old}/").status_code == 200
    customer_operations.merge(one=ann, other=IdentityFactory().customer, by="x", reason="Same person", now=NOON)
    assert Client().get(f"/wallet/{old}/").status_code == 410

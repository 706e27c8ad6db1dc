"""A source in the back office: how its key is kept has to be said, and what was public does not become secret."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from customers.models import Source
from customers.tests.factories import ChannelFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    user = User.objects.create_user("operator@example.com", is_staff=True, is_superuser=True)
    user.groups.add(Group.objects.get_or_create(name=Role.OPERATOR.value)[0])
    client = Client()
    client.force_login(user)
    return client


def fields(**said: str) -> dict[str, Any]:
    channel = ChannelFactory(web=True).pk
    return {"name": "Pages", "key": "pages", "channel": channel, "currency": "EUR", "is_active": "on", "origins": "", **said}


def save(operator: Client, address: str, **said: str) -> Any:
    return operator.post(f"/admin/customers/source/{address}", fields(**said), follow=True)


def test_a_source_says_where_its_key_is_kept(operator: Client) -> None:
    assert save(operator, "add/", trust="").status_code == 200
    assert not Source.objects.exists()
    save(operator, "add/", trust="browser", origins="https://Shop.example/, http://localhost:3000")
    source = Source.objects.get()
    assert (source.trust, source.is_trust_chosen) == ("browser", True)
    assert source.origins == ["https://shop.example", "http://localhost:3000"]
    page = operator.get(f"/admin/customers/source/{source.pk}/change/").content.decode()
    assert source.write_key in page
    assert source.token_secret in page


@pytest.mark.parametrize("origins", ["https://shop.example/path", "shop.example", "*", "null"])
def test_what_is_no_origin_is_refused(operator: Client, origins: str) -> None:
    page = save(operator, "add/", trust="browser", origins=origins).content.decode()
    assert "Enter origins such as https://shop.example" in page
    assert not Source.objects.exists()


def test_a_public_key_that_becomes_secret_is_replaced(operator: Client) -> None:
    save(operator, "add/", trust="browser")
    before = Source.objects.get()
    save(operator, f"{before.pk}/change/", trust="server")
    after = Source.objects.get()
    assert after.trust == "server"
    assert after.write_key != before.write_key


def test_a_source_of_before_keeps_its_key_when_it_was_never_public(operator: Client) -> None:
    save(operator, "add/", trust="browser")
    Source.objects.update(is_trust_chosen=False)
    before = Source.objects.get()
    page = operator.get("/customers/events/").content.decode()
    assert "Choose where these write keys are kept" in page
    save(operator, f"{before.pk}/change/", trust="server")
    after = Source.objects.get()
    assert (after.trust, after.is_trust_chosen, after.write_key) == ("server", True, before.write_key)
    assert "Choose where these write keys are kept" not in operator.get("/customers/events/").content.decode()
    save(operator, f"{before.pk}/change/", trust="server", renew_key="on")
    assert Source.objects.get().write_key != before.write_key

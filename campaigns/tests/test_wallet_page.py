"""The public wallet: opened by a signed link and by nothing else."""

import re

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from campaigns import operations, queries
from campaigns.tests.factories import GrantFactory, IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory

pytestmark = pytest.mark.django_db


def opened(client: Client, url: str) -> str:
    with time_machine.travel(NOON, tick=False):
        response = client.get(url.partition("//")[2][url.partition("//")[2].index("/") :])
    assert response.status_code == 200
    assert response["Referrer-Policy"] == "no-referrer"
    return response.content.decode()


def test_it_shows_what_is_held_with_a_code_and_a_qr(client: Client) -> None:
    customer = CustomerFactory()
    incentive = IncentiveFactory(granted=True, name="Five off")
    grant, _new = operations.grant(customer=customer, incentive=incentive, channel=ChannelFactory(web=True), by="x", now=NOON)
    GrantFactory(customer=customer, state="used", incentive__name="Old one")
    GrantFactory(incentive__name="Of somebody else")
    page = opened(client, queries.wallet_url(customer))
    assert "Five off" in page
    assert queries.grant_code(grant) in page
    assert "data:image/svg+xml" in page
    assert "Old one" in page
    assert "Of somebody else" not in page


def test_an_empty_wallet_says_so(client: Client) -> None:
    assert "Nothing to redeem" in opened(client, queries.wallet_url(CustomerFactory()))


@pytest.mark.parametrize("token", ["x", "forged:token", "eyJ9:abc"])
def test_a_forged_link_opens_nothing(client: Client, token: str) -> None:
    response = client.get(f"/wallet/{token}/")
    assert response.status_code == 404
    assert "does not open a wallet" in response.content.decode()


def test_a_wallet_that_never_was_and_one_that_is_gone_look_the_same(client: Client) -> None:
    gone = CustomerFactory()
    url = queries.wallet_url(gone)
    gone.delete()
    answers = [client.get(path) for path in (url.removeprefix(settings.BASE_URL), "/wallet/forged:token/")]
    assert [answer.status_code for answer in answers] == [404, 404]
    texts = [re.sub(r"[0-9a-f-]{36}", "", answer.content.decode().partition("<main")[2]) for answer in answers]
    assert texts[0] == texts[1]
    assert "new link" in texts[0]


def test_the_id_alone_is_not_the_link(client: Client) -> None:
    assert client.get(f"/wallet/{CustomerFactory().public_id}/").status_code == 404


def test_opening_changes_nothing_and_costs_the_same_for_a_full_wallet(
    client: Client, django_assert_max_num_queries: object
) -> None:
    customer = CustomerFactory()
    GrantFactory.create_batch(12, customer=customer)
    with django_assert_max_num_queries(8):
        opened(client, queries.wallet_url(customer))

"""The public wallet: opened by a signed link and by nothing else."""

import datetime
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import expect

from campaigns import operations, queries
from campaigns.tests.factories import GrantFactory, IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from redemptions import operations as ledger

from .test_journey import assert_sound, base

__all__ = ["base"]

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
    with django_assert_max_num_queries(12):
        opened(client, queries.wallet_url(customer))


def test_it_shows_what_is_held_of_points_and_credit_and_what_ends_when(client: Client) -> None:
    customer = CustomerFactory()
    assert 'data-testid="balances"' not in opened(client, queries.wallet_url(customer))
    end = NOON.date() + datetime.timedelta(days=30)
    ledger.earn(customer=customer, unit="points", amount=1_250, key="p", by="x", now=NOON, last_usable_on=end)
    ledger.earn(customer=customer, unit="USD", amount=400, key="c", by="x", now=NOON)
    page = opened(client, queries.wallet_url(customer))
    assert "1,250" in page
    assert "4.00 USD" in page
    assert date_format(end, "DATE_FORMAT") in page
    assert "/statement/" not in page


def test_it_can_be_installed_from_its_own_link_only(client: Client) -> None:
    link = urlsplit(queries.wallet_url(CustomerFactory())).path
    answer = client.get(f"{link}app.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    assert answer["X-Robots-Tag"] == "noindex"
    data = answer.json()
    assert (data["start_url"], data["scope"], data["display"]) == (link, link, "standalone")
    for icon in data["icons"]:
        assert (settings.BASE_DIR / icon["src"].lstrip("/")).exists()
    assert client.get("/wallet/forged:token/app.webmanifest").status_code == 404
    worker = client.get("/wallet/worker.js")
    assert worker["Content-Type"].startswith("text/javascript")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_it_opens_without_a_network_once_it_was_loaded(new_page: Any, base: str, scheme: str, width: int) -> None:
    customer = CustomerFactory()
    incentive = IncentiveFactory(granted=True, name="Five off", campaign__starts_at=None)
    now = timezone.now()
    grant, _new = operations.grant(customer=customer, incentive=incentive, channel=ChannelFactory(web=True), by="x", now=now)
    ledger.earn(customer=customer, unit="points", amount=1_250, key="p", by="x", now=now)
    page = new_page(width=width, color_scheme=scheme)
    page.goto(queries.wallet_url(customer))
    page.wait_for_selector("[data-wallet-kept]:not([hidden])")
    expect(page.locator("[data-wallet-offline]")).to_be_hidden()
    assert_sound(page)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator(f"text={queries.grant_code(grant)}").first).to_be_visible()
    expect(page.locator("[data-wallet-offline]")).to_be_visible()
    qr = page.locator(f"img[alt='QR code of “{incentive.name}”']")
    assert qr.evaluate("image => image.complete && image.naturalWidth > 0")
    heading = "getComputedStyle(document.querySelector('h1')).fontFamily"
    assert "Inter" in page.evaluate(heading), "styles are kept, too"
    assert_sound(page)
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("[data-wallet-offline]")).to_be_hidden()
    page.emulate_media(media="print")
    expect(qr).to_be_visible()
    expect(page.locator("text=Kept on this device")).to_be_hidden()

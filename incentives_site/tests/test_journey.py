"""The main job in a real browser: promised online, redeemed in the store, used once, counted at once."""

import json
import uuid
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import expect

from campaigns.models import Campaign, Grant
from campaigns.tests.factories import StackGroupFactory
from customers.tests.factories import ChannelFactory, CustomerFactory, IdentityFactory, StoreFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.tests.factories import partner_key
from redemptions.models import Redemption

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def base(live_server: Any, settings: Any) -> str:
    settings.BASE_URL = live_server.url
    return str(live_server.url)


def somebody(role: Role, **fields: Any) -> User:
    user = User.objects.create_user(f"{role}@example.com", **fields)
    user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return user


def sign_in(page: Any, user: User, base: str) -> None:
    client = Client()
    client.force_login(user)
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base}])


def assert_sound(page: Any) -> None:
    """axe finds nothing, nothing is wider than the screen, and the browser has nothing to report."""
    page.wait_for_load_state()  # a click returns while the old page is being taken away
    findings = Axe().run(page).response["violations"]
    assert not findings, [(f["id"], [node["html"][:160] for node in f["nodes"]]) for f in findings]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
    page.errors.assert_none()


def onward(page: Any) -> None:
    page.click("main button.btn-primary[name=then][value=next]")
    page.wait_for_load_state()


def partner(base: str, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The web shop calls from outside, over HTTP."""
    import urllib.request

    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    request = urllib.request.Request(f"{base}/api/v1/{path}", json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
    return answer


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_promised_online_redeemed_in_the_store_and_counted(new_page: Any, base: str, scheme: str, width: int) -> None:
    web, shop = ChannelFactory(web=True), ChannelFactory()
    store = StoreFactory(channel=shop)
    for traits in ({}, {"exclusive": True}, {"always": True}):
        StackGroupFactory(**traits)
    ann = IdentityFactory(kind="email", value="ann@example.com", customer=CustomerFactory(display_name="Ann")).customer
    _row, key = partner_key(channels=(web.key,))

    # The marketer builds a campaign and launches it.
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, somebody(Role.MARKETER), base)
    page.goto(f"{base}/campaigns/new/")
    assert_sound(page)
    page.fill("[name=name]", "Autumn thanks")
    page.fill("[name=promise]", "Ten percent off in our stores.")
    page.check("[name=goal][value=retention]")
    page.select_option("[name=currency]", "EUR")
    page.fill("[name=time_zone]", "Europe/Rome")
    page.fill("[name=budget]", "250.00")
    onward(page)
    assert_sound(page)
    page.fill("[name=name]", "Ten percent thanks")
    page.check("[name=effect-kind][value=percent_off]")
    page.fill("[name=effect-percent]", "10")
    page.check("[name=claim][value=grant]")
    with page.expect_response(lambda response: response.request.method == "POST" and response.url.endswith("/incentive/")):
        page.select_option("[name=when-0-fact]", "basket.initial_total")
    page.wait_for_selector(".htmx-request, .htmx-swapping, .htmx-settling", state="detached")
    page.select_option("[name=when-0-op]", ">=")
    page.fill("[name=when-0-value]", "20.00")
    onward(page)
    assert_sound(page)
    onward(page)
    assert_sound(page)
    for channel in (web, shop):
        page.check(f"[name=channels][value={channel.key}]")
    onward(page)
    assert_sound(page)
    onward(page)
    assert_sound(page)
    page.click("main button:has-text('Launch')")
    page.wait_for_load_state()
    campaign = Campaign.objects.get()
    assert campaign.status == "live"
    assert_sound(page)
    campaign_page = page

    # The web shop grants it to Ann.
    grant = partner(
        base,
        key,
        "grants",
        {
            "customer": {"identity": {"kind": "email", "value": "ann@example.com"}},
            "incentive": str(campaign.incentives.get().public_id),
            "occasion": "newsletter",
        },
    )
    wallet = new_page(width=width, color_scheme=scheme)
    wallet.goto(grant["wallet_url"])
    expect(wallet.locator(f"text={grant['code']}").first).to_be_visible()
    assert_sound(wallet)

    # The associate types the code at the till, sees what is missing, then what applies, and redeems.
    till = new_page(width=width, color_scheme=scheme)
    sign_in(till, somebody(Role.STORE, store_keys=[store.key]), base)
    till.goto(f"{base}/till/")
    assert_sound(till)
    till.fill("[name=line-0-article]", "Scarf")
    till.fill("[name=line-0-price]", "15.00")
    till.fill("[name=code]", grant["code"].lower())
    till.keyboard.press("Enter")
    till.wait_for_selector("text=Spend 5.00 EUR more.")
    till.fill("[name=line-0-price]", "50.00")
    till.keyboard.press("Tab")
    till.wait_for_selector("[data-testid=payable]:has-text('45.00 EUR')")
    assert_sound(till)
    till.click("button:has-text('Redeem')")
    till.wait_for_url("**/till/receipts/*/")
    expect(till.locator("text=Scarf").first).to_be_visible()
    assert_sound(till)

    # The wallet shows it used, the campaign counts it, a second try is refused with its reason.
    wallet.reload()
    expect(wallet.locator("text=Used").first).to_be_visible()
    expect(wallet.locator(f"text={grant['code']}")).to_be_hidden()
    assert_sound(wallet)
    campaign_page.goto(f"{base}/campaigns/{campaign.public_id}/")
    expect(campaign_page.locator("main")).to_contain_text("5.00 EUR")
    assert_sound(campaign_page)
    till.goto(f"{base}/till/")
    till.fill("[name=line-0-article]", "Scarf")
    till.fill("[name=line-0-price]", "50.00")
    till.fill("[name=code]", grant["code"])
    till.click("button.btn-primary:has-text('Check')")
    till.wait_for_selector("text=This code has already been used.")
    assert till.query_selector("button:has-text('Redeem')") is None
    assert_sound(till)
    assert (Redemption.objects.count(), Grant.objects.get().state, Grant.objects.get().customer) == (1, "used", ann)


def test_a_till_without_network_says_so_and_redeems_nothing(new_page: Any, base: str) -> None:
    ChannelFactory()
    till = new_page()
    sign_in(till, somebody(Role.STORE), base)
    till.goto(f"{base}/till/")
    till.fill("[name=line-0-article]", "Scarf")
    till.fill("[name=line-0-price]", "50.00")
    till.context.set_offline(True)
    till.click("button.btn-primary:has-text('Check')")
    till.wait_for_selector("text=No connection")
    expect(till.locator("[name=line-0-article]")).to_have_value("Scarf")
    till.context.set_offline(False)
    till.click("button.btn-primary:has-text('Check')")
    till.wait_for_selector("[data-testid=payable]")
    assert not Redemption.objects.exists()
    till.errors.assert_none(but="ERR_INTERNET_DISCONNECTED|htmx:sendError|htmx:afterRequest")
    till.errors.clear()

"""A till whose network goes away: a checked sale is kept, survives a reload, and is redeemed once; what changed is shown."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns import operations as campaign_operations
from campaigns import queries as campaign_queries
from campaigns.models import Grant
from campaigns.tests.factories import IncentiveFactory
from customers.tests.factories import ChannelFactory, CustomerFactory
from redemptions import operations
from redemptions.models import Redemption
from redemptions.tests.factories import request_for

from .test_counter import at_the_till
from .test_journey import assert_sound, base

__all__ = ["base"]
pytestmark = pytest.mark.django_db(transaction=True)
LOST = "ERR_INTERNET_DISCONNECTED|ERR_FAILED|htmx:sendError|htmx:afterRequest|status of 409"


def checked_sale(page: Any, code: str = "") -> None:
    page.fill("[name=line-0-article]", "Boots")
    page.fill("[name=line-0-price]", "100.00")
    page.fill("[name=code]", code)
    page.click("button.btn-primary:has-text('Check')")
    page.wait_for_selector("[data-testid=payable]:has-text('90.00 USD')")


def keep(page: Any) -> None:
    page.click("button:has-text('Redeem')")
    page.click("button:has-text('Keep this sale')")
    page.wait_for_selector("#till-queue:not([hidden])")


def count(page: Any) -> str:
    return str(page.inner_text("[data-queue-count]"))


def settle(page: Any) -> None:
    page.errors.assert_none(but=LOST)
    page.errors.clear()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_a_checked_sale_is_kept_and_redeemed_when_the_network_is_back(new_page: Any, base: str, scheme: str, width: int) -> None:
    IncentiveFactory(name="Ten percent")
    page = at_the_till(new_page, base, width=width, color_scheme=scheme)
    checked_sale(page)
    key = page.input_value("[name=order_key]")
    page.context.set_offline(True)
    keep(page)
    assert count(page) == "1"
    expect(page.locator("[name=line-0-article]")).to_have_value("")
    expect(page.locator("[name=order_key]")).not_to_have_value(key)
    assert page.query_selector("[data-testid=payable]") is None
    expect(page.locator("text=Nothing to check yet").first).to_be_visible()
    assert not Redemption.objects.exists()
    settle(page)
    assert_sound(page)
    page.context.set_offline(False)
    page.wait_for_selector("#till-queue [data-state=done]")
    assert count(page) == "0"
    assert Redemption.objects.get().order_key == key
    assert_sound(page)
    page.click("#till-queue >> text=Receipt")
    page.wait_for_url("**/till/receipts/*/")


def test_a_kept_sale_survives_a_reload_and_a_lost_answer_redeems_once(new_page: Any, base: str) -> None:
    IncentiveFactory(name="Ten percent")
    page = at_the_till(new_page, base)
    checked_sale(page)

    reached: list[str] = []

    def lose_the_answer(route: Any) -> None:
        """The first request arrives and its answer is lost; what comes after it is lost on the way."""
        if route.request.method != "POST":
            route.continue_()
            return
        if not reached:
            reached.append(route.request.url)
            route.fetch()
        route.abort()

    page.route("**/till/", lose_the_answer)
    keep(page)
    assert Redemption.objects.count() == 1, "it was redeemed, but nobody heard of it"
    page.reload()
    page.wait_for_selector("#till-queue:not([hidden])")
    assert count(page) == "1"
    page.unroute_all(behavior="ignoreErrors")
    page.click("button:has-text('Send now')")
    page.wait_for_selector("#till-queue [data-state=done]")
    assert Redemption.objects.count() == 1
    page.click("button:has-text('Seen')")
    expect(page.locator("#till-queue")).to_be_hidden()
    settle(page)


def test_what_changed_meanwhile_is_shown_opened_and_decided(new_page: Any, base: str) -> None:
    granted = IncentiveFactory(granted=True, name="Five off", campaign__starts_at=None)
    now = timezone.now()
    customer, shop = CustomerFactory(), ChannelFactory(web=True)
    grant, _new = campaign_operations.grant(customer=customer, incentive=granted, channel=shop, by="x", now=now)
    code = campaign_queries.grant_code(grant)
    page = at_the_till(new_page, base)
    checked_sale(page, code)
    key = page.input_value("[name=order_key]")
    page.context.set_offline(True)
    keep(page)
    operations.redeem(request_for(codes=[code]), source="web", order_key="1", placed_at=None, by="x", now=timezone.now())
    page.context.set_offline(False)
    page.wait_for_selector("#till-queue [data-state=conflict]")
    expect(page.locator("#till-queue")).to_contain_text("This code has already been used.")
    expect(page.locator("#till-queue")).to_contain_text("To pay now: 100.00 USD.")
    assert count(page) == "1"
    settle(page)
    assert_sound(page)
    page.reload()
    expect(page.locator("#till-queue")).to_contain_text("This code has already been used.")
    IncentiveFactory(name="Welcome", effect={"type": "percent_off", "percent": "5"})
    page.click("button:has-text('Open it')")
    page.wait_for_selector("[data-testid=payable]:has-text('95.00 USD')")
    expect(page.locator("[name=order_key]")).to_have_value(key)
    page.click("#sale button:has-text('Redeem')")
    page.wait_for_url("**/till/receipts/*/")
    page.goto(f"{base}/till/")
    expect(page.locator("#till-queue")).to_be_hidden()
    assert Redemption.objects.filter(order_key=key).count() == 1
    assert Grant.objects.get().state == "used"


def test_a_sale_that_was_not_checked_is_not_kept_and_a_conflict_can_be_discarded(new_page: Any, base: str) -> None:
    incentive = IncentiveFactory(name="Ten percent")
    page = at_the_till(new_page, base)
    checked_sale(page)
    page.context.set_offline(True)
    page.fill("[name=line-0-article]", "Gloves")
    page.click("button:has-text('Redeem')")
    page.wait_for_selector("text=the sale has changed since it was checked")
    expect(page.locator("button:has-text('Keep this sale')")).to_be_hidden()
    page.context.set_offline(False)
    page.click("button.btn-primary:has-text('Check')")
    page.wait_for_selector("#till-offline", state="hidden")
    page.context.set_offline(True)
    keep(page)
    incentive.effect = {"type": "percent_off", "percent": "5"}
    incentive.save()
    page.context.set_offline(False)
    page.wait_for_selector("#till-queue [data-state=conflict]")
    page.click("#till-queue button:has-text('Discard')")
    page.click("dialog button:has-text('Discard')")
    page.wait_for_selector("#till-queue", state="hidden")
    assert not Redemption.objects.exists()
    settle(page)

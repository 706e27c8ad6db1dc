"""Home, campaigns list, campaign page and editor in a real browser: both themes, narrow screens, what is live."""

import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import expect

from campaigns import operations as campaign_operations
from campaigns.models import Campaign, Status
from campaigns.tests.factories import StackGroupFactory
from customers.tests.factories import ChannelFactory, CustomerFactory
from redemptions import operations as redemption_operations
from redemptions.tests.factories import request_for

from .test_frame import assert_sound, open_as

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("goal", "incentive", "audience", "channels", "stacking", "review")


@pytest.fixture
def marketer() -> Any:
    user = get_user_model().objects.create_user("mara@example.com", "x", first_name="Mara", last_name="Lind")
    user.groups.add(Group.objects.get_or_create(name="marketer")[0])
    return user


@pytest.fixture
def live() -> Campaign:
    """A campaign with a budget, used on two days, once returned."""
    now = timezone.now()
    channels = [ChannelFactory(), ChannelFactory(web=True)]
    fields = {"name": "Spring", "goal": "sales", "promise": "Ten percent off.", "time_zone": "Europe/Rome", "currency": "USD"}
    campaign = campaign_operations.draft(by="test", fields=fields, channels=channels, budget=100_000)
    effect = {"type": "percent_off", "percent": "10"}
    campaign_operations.add_incentive(
        campaign=campaign, by="test", key="ten", name="10 % off", effect=effect, claim="code", code="SPRING10"
    )
    campaign_operations.launch(campaign=campaign, by="test", now=now - datetime.timedelta(days=3))
    for days in (2, 0):
        redeem(days_ago=days)
    return campaign


def redeem(*, days_ago: int = 0) -> None:
    at = timezone.now() - datetime.timedelta(days=days_ago)
    customer = CustomerFactory(facts={"orders": 7}, traits={"age": "25-34"})
    redemption_operations.redeem(
        request_for(10_000, codes=("SPRING10",), customer=customer),
        source="test",
        order_key=f"order-{customer.pk}",
        placed_at=None,
        by="test",
        now=at,
    )


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)])
def test_the_pages_are_sound(new_page: Any, live_server: Any, marketer: Any, live: Campaign, scheme: str, width: int) -> None:
    draft = campaign_operations.draft(by="test", fields={"name": "Draft", "goal": "sales"})
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)
    here = f"/campaigns/{draft.public_id}/"
    paths = ["/", "/campaigns/", "/campaigns/?q=nothing-like-it", f"/campaigns/{live.public_id}/", here, "/campaigns/new/"]
    previews = [f"{here}preview/", f"/campaigns/{live.public_id}/preview/"]
    for path in [*paths, *previews, *(f"{here}edit/{name}/" for name in STEPS)]:
        page.goto(live_server.url + path)
        assert_sound(page)


def test_a_campaign_is_built_with_the_audience_counted_while_typing(page: Any, live_server: Any, marketer: Any) -> None:
    ChannelFactory(), StackGroupFactory()
    CustomerFactory(traits={"age": "25-34"}), CustomerFactory(traits={"age": "65+"})
    open_as(page, marketer, live_server.url)
    page.goto(live_server.url + "/campaigns/new/")
    page.click("text=Save and continue")
    page.wait_for_selector("[data-form-errors]")
    assert page.evaluate("document.activeElement.hasAttribute('data-form-errors')")
    assert_sound(page)
    page.fill("[name=name]", "Young ones")
    page.check("[name=goal][value=sales]")
    page.press("[name=name]", "Enter")

    page.wait_for_url("**/edit/incentive/")
    expect(page.locator("[name=code]")).to_be_hidden()
    expect(page.locator("[name=effect-amount]")).to_have_count(0)
    page.fill("[name=name]", "15 % off")
    page.fill("[name=effect-percent]", "15")
    page.check("[name=claim][value=code]")
    page.fill("[name=code]", "young 15")
    page.click("text=Save and continue")

    page.wait_for_url("**/edit/audience/")
    with page.expect_response("**/edit/audience/"):
        page.select_option("[name=audience-0-fact]", "customer.age")
    page.wait_for_selector("[name=audience-0-value][list=values-age]")
    page.fill("[name=audience-0-value]", "25-34")
    page.wait_for_selector("#audience-size >> text=1 customer")
    page.click("text=Save and continue")
    page.wait_for_url("**/edit/channels/")
    page.check("[name=channels][value=store]")
    page.click("text=Save and continue")
    page.wait_for_url("**/edit/stacking/")
    page.click("text=Save and continue")
    page.wait_for_url("**/edit/review/")
    assert_sound(page)
    page.click("button:has-text('Launch')")
    page.wait_for_selector("text=The campaign is live.")
    assert_sound(page)

    page.click("button:has-text('End')")
    page.wait_for_selector("dialog")
    assert Campaign.objects.get().status == Status.LIVE
    page.click("dialog button:has-text('End it')")
    page.wait_for_selector("text=The campaign has ended.")


def test_the_list_is_filtered_while_typing_and_keeps_its_address(
    page: Any, live_server: Any, marketer: Any, live: Campaign
) -> None:
    campaign_operations.draft(by="test", fields={"name": "Winter", "goal": "sales"})
    open_as(page, marketer, live_server.url)
    page.goto(live_server.url + "/campaigns/")
    page.fill("[name=q]", "win")
    page.wait_for_url("**q=win**")
    expect(page.locator(".campaign-table tbody tr")).to_have_count(1)
    page.go_back()
    page.wait_for_selector(".campaign-table tbody tr:nth-child(2)")


def test_a_redemption_appears_without_loading_the_page(page: Any, live_server: Any, marketer: Any, live: Campaign) -> None:
    open_as(page, marketer, live_server.url)
    page.goto(f"{live_server.url}/campaigns/{live.public_id}/")
    expect(page.locator("#recent .recent-row")).to_have_count(2)
    redeem()
    page.wait_for_selector("#recent .recent-row:nth-child(3)", timeout=20_000)
    expect(page.locator("#campaign-figures .card:nth-child(2) .app-kpi-value").first).to_contain_text("3")
    page.wait_for_selector("#status:has-text('1 new redemption')", state="attached")

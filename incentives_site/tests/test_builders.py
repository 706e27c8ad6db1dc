"""The preview and the builders of the editor in a real browser: both themes, narrow screens, without losing what was typed."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from campaigns.models import Campaign, Incentive
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, StackGroupFactory
from customers.models import Purchase, PurchaseLine
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory

from .test_frame import assert_sound, open_as

pytestmark = pytest.mark.django_db(transaction=True)

SCREENS = [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)]
KINDS = (
    "amount_off", "fixed_price", "bundle_price", "buy_get", "free_item", "upgrade", "stored_value", "tiers", "compound",
    "awards_only",
)  # fmt: skip


@pytest.fixture
def marketer() -> Any:
    user = get_user_model().objects.create_user("mara@example.com", "x", first_name="Mara", last_name="Lind")
    user.groups.add(Group.objects.get_or_create(name="marketer")[0])
    return user


@pytest.fixture
def draft() -> Campaign:
    """15 % off coffee, beside one that combines, one that is nearly reached and one that is for others."""
    effect = {"type": "percent_off", "percent": "15", "target": {"scope": "lines", "include": {"categories": ["COFFEE"]}}}
    campaign = IncentiveFactory(campaign=CampaignFactory(name="Draft"), name="Coffee 15", effect=effect).campaign
    IncentiveFactory(name="Everybody 10")
    nearly = {"all": [{"fact": "basket.initial_total", "op": ">=", "value": 4000}]}
    IncentiveFactory(name="Big spender", conditions=nearly, stack_group=StackGroupFactory(exclusive=True))
    audience = {"all": [{"fact": "customer.age", "op": "==", "value": "65+"}]}
    IncentiveFactory(name="Members", campaign=CampaignFactory(live=True, audience=audience))
    purchase = Purchase.objects.create(
        customer=CustomerFactory(display_name="Ada", traits={"age": "25-34"}), source="shop", order_key="77",
        channel=ChannelFactory(), placed_at=NOON, currency="USD", paid=1000,
    )  # fmt: skip
    PurchaseLine.objects.create(purchase=purchase, position=1, sku="A", category="COFFEE", quantity=3, paid=1000)
    return campaign


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_a_basket_is_tried_under_two_policies_and_then_a_past_one(
    new_page: Any, live_server: Any, marketer: Any, draft: Campaign, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)
    page.goto(f"{live_server.url}/campaigns/{draft.public_id}/preview/")
    expect(page.locator("[name=b-choose]")).to_be_hidden()
    expect(page.locator("[name=customer]")).to_be_hidden()
    for name, value in {"sku": "COF-1", "categories": "COFFEE", "quantity": "2", "price": "10"}.items():
        page.fill(f"[name=line-1-{name}]", value)
    page.fill("[name=codes]", "NOPE1")
    page.check("[name=compare]")
    page.fill("[name=b-max_total_percent]", "10")
    page.click("button:has-text('Calculate')")
    page.wait_for_selector("#decision-2")
    assert page.locator("tr.differs").count() > 0
    expect(page.locator("#preview-outcome")).to_contain_text("Spend 20.00 USD more.")
    assert_sound(page)
    page.click("text=Take a real past basket")
    page.fill("[name=past]", "ada")
    page.click("button:has-text('Find')")
    page.wait_for_selector(".past-list")
    assert_sound(page)
    page.click("button:has-text('Take it')")
    page.wait_for_selector("text=Taken from order 77")
    page.click("button:has-text('Calculate')")
    page.wait_for_selector("#decision-1")
    expect(page.locator("#preview-outcome")).to_contain_text("3 × A")
    page.fill("[name=line-1-price]", "ten")
    page.click("button:has-text('Calculate')")
    page.wait_for_selector(".invalid-feedback, [aria-invalid=true]")
    assert_sound(page)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_every_type_of_effect_shows_its_own_fields(
    new_page: Any, live_server: Any, marketer: Any, draft: Campaign, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)
    page.goto(f"{live_server.url}/campaigns/{draft.public_id}/edit/incentive/?incentive=new")
    for kind in KINDS:
        with page.expect_response("**/edit/incentive/?incentive=new"):
            page.check(f"[name=effect-kind][value={kind}]")
        page.wait_for_function(
            "kind => !document.querySelector('.htmx-swapping, .htmx-settling') && "
            "document.querySelector('[name=effect-kind]:checked').value === kind",
            arg=kind,
        )
        page.wait_for_function("() => !document.querySelector('[name=effect-percent]')")
        assert_sound(page)
    page.click("text=Save and continue")
    page.wait_for_selector("[data-form-errors]")
    assert_sound(page)


def test_nested_conditions_are_built_and_said_in_words_while_typing(
    page: Any, live_server: Any, marketer: Any, draft: Campaign
) -> None:
    open_as(page, marketer, live_server.url)
    page.goto(f"{live_server.url}/campaigns/{draft.public_id}/edit/incentive/?incentive=new")
    page.fill("[name=name]", "Two coffees")
    page.fill("[name=effect-percent]", "20")
    page.wait_for_selector("#built >> text=20 % off the whole order.")
    page.select_option("[name=when-0-fact]", "basket.category_quantity:")
    page.wait_for_selector("[name=when-0-which]")
    page.fill("[name=when-0-which]", "COFFEE")
    expect(page.locator("[name=when-0-until]")).to_be_hidden()
    page.select_option("[name=when-0-op]", ">=")
    page.fill("[name=when-0-value]", "2")
    page.click("button:has-text('Group')")
    page.wait_for_selector("[name=when-1-0-fact]")
    expect(page.locator("[name=when-0-which]")).to_have_value("COFFEE")
    page.select_option("[name=when-1-0-fact]", "time.weekday")
    page.wait_for_selector("[name=when-1-0-value][inputmode=decimal]")
    page.select_option("[name=when-1-0-op]", "between")
    page.fill("[name=when-1-0-value]", "6")
    page.fill("[name=when-1-0-until]", "7")
    page.wait_for_selector("#built >> text=The weekday (1 is Monday) is from 6 to 7.")
    assert_sound(page)
    page.click("text=Save and continue")
    page.wait_for_url("**/edit/audience/")
    assert Incentive.objects.get(name="Two coffees").conditions == {
        "all": [
            {"fact": "basket.category_quantity:COFFEE", "op": ">=", "value": 2},
            {"any": [{"fact": "time.weekday", "op": "between", "value": [6, 7]}]},
        ]
    }


def settled(page: Any) -> None:
    """Nothing is on its way: what is chosen now is not swapped away."""
    page.wait_for_load_state("networkidle")
    page.wait_for_selector(".htmx-request, .htmx-swapping, .htmx-settling", state="detached")


def choose(page: Any, selector: str, value: str) -> None:
    """Choose what makes the builder show other fields, and wait until it does."""
    settled(page)
    with page.expect_response("**/edit/incentive/?incentive=new"):
        page.select_option(selector, value)
    settled(page)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_awards_and_own_sentences_are_built_by_keyboard(
    new_page: Any, live_server: Any, marketer: Any, draft: Campaign, scheme: str, width: int
) -> None:
    IncentiveFactory(granted=True, name="Come again", campaign=draft)
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)
    page.goto(f"{live_server.url}/campaigns/{draft.public_id}/edit/incentive/?incentive=new")
    page.fill("[name=name]", "Points for coffee")
    page.check("[name=effect-kind][value=awards_only]")
    page.wait_for_function("() => !document.querySelector('[name=effect-percent]')")
    for kind, field in (
        ("credit", "credit"),
        ("contest_entry", "contest"),
        ("access", "to"),
        ("grant", "incentive"),
        ("points", "points"),
    ):
        choose(page, "[name=award-0-kind]", kind)
        page.wait_for_selector(f"[name=award-0-{field}]")
        assert_sound(page)
    page.focus("[name=award-0-points]")
    page.keyboard.type("3")
    page.fill("[name=award-0-per]", "2.00")
    settled(page)
    page.focus("button:has-text('Give something more')")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=award-1-kind]")
    expect(page.locator("[name=award-0-points]")).to_have_value("3")
    choose(page, "[name=award-1-kind]", "grant")
    page.wait_for_selector("[name=award-1-incentive]")
    page.select_option("[name=award-1-incentive]", label="Come again")
    page.wait_for_selector("#built >> text=It gives 3 points for every 2.00 USD paid. It gives “Come again” for the wallet.")
    settled(page)
    page.click("summary:has-text('Own sentences')")
    page.select_option("[name=sentence-0-reason]", "wrong-channel")
    page.fill("[name=sentence-0-text-en]", "Only in our shops.")
    settled(page)
    page.click("button:has-text('Another sentence')")
    page.wait_for_selector("[name=sentence-1-reason]")
    expect(page.locator("[name=sentence-0-text-en]")).to_have_value("Only in our shops.")
    assert_sound(page)
    page.click("text=Save and continue")
    page.wait_for_url("**/edit/audience/")
    saved = Incentive.objects.get(name="Points for coffee")
    assert (saved.effect, [award["type"] for award in saved.awards]) == ({}, ["points", "grant"])
    assert saved.sentences == {"wrong-channel": {"en": "Only in our shops."}}


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_the_preview_says_what_is_given_and_refuses_in_the_operators_words(
    new_page: Any, live_server: Any, marketer: Any, draft: Campaign, scheme: str, width: int
) -> None:
    given = IncentiveFactory(granted=True, name="Come again", campaign=draft)
    own = {"any": {"en": "Ask at the desk, they know all about it."}}
    awards = [{"type": "points", "per": 100, "points": 2}, {"type": "grant", "incentive": str(given.public_id)}]
    IncentiveFactory(name="Points", effect={}, awards=awards, campaign=draft)
    far = {"all": [{"fact": "channel.key", "op": "==", "value": "moon"}]}
    IncentiveFactory(name="Moon", conditions=far, sentences=own)
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)
    page.goto(f"{live_server.url}/campaigns/{draft.public_id}/preview/")
    for name, value in {"sku": "COF-1", "categories": "COFFEE", "quantity": "2", "price": "10"}.items():
        page.fill(f"[name=line-1-{name}]", value)
    page.click("button:has-text('Calculate')")
    page.wait_for_selector("#decision-1")
    said = page.inner_text("#preview-outcome")
    assert "gives" in said
    assert "points and “Come again” for the wallet" in said
    assert "Ask at the desk, they know all about it." in said
    assert_sound(page)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_a_group_of_ones_own_is_made_in_the_stacking_step(
    new_page: Any, live_server: Any, marketer: Any, draft: Campaign, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)
    page.goto(f"{live_server.url}/campaigns/{draft.public_id}/edit/stacking/")
    page.click("summary:has-text('A group of your own')")
    page.fill("[name=own-name]", "Toppings")
    page.select_option("[name=own-pick]", "best_for_customer")
    assert_sound(page)
    page.click("text=Make the group")
    page.wait_for_selector("text=“Toppings” can be chosen now.")
    page.wait_for_selector("[name$='-group'][value=toppings]")
    assert_sound(page)

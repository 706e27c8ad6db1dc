"""The counter in a real browser: paying with several tenders, taking units back, with scripts and without, wide and narrow."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import LoyaltyProgramme
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers.models import Customer
from customers.tests.factories import CustomerFactory, IdentityFactory, StoreFactory
from incentives_site.accounts.roles import Role
from redemptions import operations, sealing
from redemptions.models import Redemption
from redemptions.tests.factories import request_for

from .test_journey import assert_sound, base, sign_in, somebody

__all__ = ["base"]
pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [("light", 1280), ("dark", 390), ("light", 320)]


def ann() -> Customer:
    """2,500 points worth half a cent each, and 4.00 of credit."""
    LoyaltyProgramme.objects.create(name="Club", point_values={"USD": "0.5"})
    customer = IdentityFactory(kind="loyalty_card", value="CJ1", customer=CustomerFactory(display_name="Ann")).customer
    now = timezone.now()
    operations.earn(customer=customer, unit="points", amount=2_500, key="p", by="x", now=now, reason="Welcome")
    operations.earn(customer=customer, unit="USD", amount=400, key="c", by="x", now=now, reason="Sorry for the delay")
    return customer


def gift_card(amount: int) -> str:
    return operations.issue_gift_card(amount=amount, currency="USD", key=f"c{amount}", by="x", now=timezone.now())[1]


def at_the_till(new_page: Any, base: str, *, store: str = "", **options: Any) -> Any:
    page = new_page(**options)
    sign_in(page, somebody(Role.STORE, store_keys=[store or StoreFactory().key]), base)
    page.goto(f"{base}/till/")
    return page


def type_sale(page: Any) -> None:
    page.fill("[name=customer]", "CJ1")
    page.fill("[name=line-0-article]", "Boots")
    page.fill("[name=line-0-quantity]", "2")
    page.fill("[name=line-0-price]", "50.00")


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_points_a_gift_card_and_money_pay_one_sale(new_page: Any, base: str, scheme: str, width: int) -> None:
    ann()
    IncentiveFactory(name="Ten percent", awards=[{"type": "points", "points": 90}])
    code = gift_card(2_000)
    page = at_the_till(new_page, base, width=width, color_scheme=scheme)
    type_sale(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=payable]:has-text('90.00 USD')")
    expect(page.locator("text=2500, worth 12.50 USD").first).to_be_visible()
    page.focus("[name=pay-use_points]")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("10")
    page.fill("[name=pay-card]", "not a card")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=This gift card is not known.")
    assert_sound(page)
    page.fill("[name=pay-card]", code.lower())
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=payable]:has-text('60.00 USD')")
    expect(page.locator("[name=pay-use_points]")).to_be_checked()
    assert_sound(page)
    page.click("button:has-text('Redeem')")
    page.wait_for_url("**/till/receipts/*/")
    assert page.locator("[data-testid=tender]").all_inner_texts() == ["−10.00 USD", "−20.00 USD"]
    assert "90 points pending until" in " ".join(page.inner_text("[data-testid=earned]").split())
    assert_sound(page)
    page.emulate_media(media="print")
    expect(page.locator("[data-testid=tender] >> nth=0")).to_be_visible()
    assert Redemption.objects.get().stored_value == 3_000


def test_a_part_is_paid_with_points_without_scripts(new_page: Any, base: str) -> None:
    ann()
    IncentiveFactory()
    page = at_the_till(new_page, base, java_script_enabled=False)
    type_sale(page)
    page.click("button.btn-primary:has-text('Check')")
    page.check("[name=pay-use_points]")
    page.click("button:has-text('Take this payment')")
    expect(page.locator("[data-testid=payable]")).to_have_text("77.50 USD")
    page.click("button:has-text('Redeem')")
    expect(page.locator("[data-testid=tender]")).to_have_text("−12.50 USD")


def sold(customer: Customer | None, *, quantity: int = 3, **request: Any) -> Redemption:
    basket = {"lines": [{"id": "1", "sku": "Boots", "name": "Boots", "quantity": quantity, "unit_price": 10_000}]}
    asked = request_for(basket=basket, customer=customer, **request)
    return operations.redeem(asked, source="till", order_key="1", placed_at=None, by="x", now=timezone.now())


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_units_come_back_by_the_receipts_qr(new_page: Any, base: str, scheme: str, width: int) -> None:
    customer = ann()
    condition = {"fact": "basket.initial_items_total", "op": ">=", "value": 25_000}
    campaign = CampaignFactory(live=True, on_broken_return="claw_back")
    awards = [{"type": "points", "per": 1_000, "points": 10}]
    IncentiveFactory(name="Ten percent", campaign=campaign, conditions=condition, awards=awards)
    store = StoreFactory().key
    redemption = sold(customer, store=store, tenders=[{"type": "points", "amount": 1_000}])
    page = at_the_till(new_page, base, store=store, width=width, color_scheme=scheme)
    page.focus("#return-words")
    page.keyboard.type(sealing.reference(redemption.pk))
    page.keyboard.press("Enter")
    page.wait_for_url("**/till/receipts/*/")
    assert_sound(page)
    page.fill("[name=units-0]", "9")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Only 3 of it can still be returned.")
    page.errors.assert_none(but="status of 422")
    page.errors.clear()
    assert_sound(page)
    page.fill("[name=units-0]", "1")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=pay-back]")
    foreseen = operations.preview_return(redemption=redemption, units={"1": 1})
    expect(page.locator("[data-testid=pay-back]")).to_have_text(f"{foreseen.amount / 100:.2f} USD")
    said = page.inner_text("[data-testid=return-effects]")
    assert "points go back, for 3.33 USD." in said
    assert "are taken off what is paid back" in said
    assert "what is kept does not earn them" in said
    assert_sound(page)
    assert not redemption.returns.exists()
    page.fill("[name=reason]", "Too small")
    page.click("button:has-text('Take it back')")
    page.wait_for_selector("[data-testid=returns] >> text=1 × Boots")
    expect(page.locator("[data-testid=returns]")).to_contain_text("Too small")
    assert_sound(page)
    page.click("button:has-text('Return everything')")
    page.wait_for_selector("[data-testid=pay-back]")
    page.click("button:has-text('Take it back')")
    page.wait_for_selector("[data-testid=returns] >> text=2 × Boots")
    assert page.query_selector("#return") is None
    assert sum(row.amount for row in redemption.returns.all()) == redemption.payable


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_a_statement_leads_from_a_balance_to_its_receipts(new_page: Any, base: str, scheme: str, width: int) -> None:
    customer = ann()
    IncentiveFactory(name="Ten percent", awards=[{"type": "points", "per": 1_000, "points": 10}])
    redemption = sold(customer, tenders=[{"type": "points", "amount": 1_000}])
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, somebody(Role.MARKETER), base)
    page.goto(f"{base}/customers/{customer.public_id}/")
    expect(page.locator("[data-testid=balances]")).to_contain_text("worth 2.50 USD")
    assert_sound(page)
    page.click('text="Statement"')
    page.wait_for_url("**/statement/")
    expect(page.locator("#movements")).to_contain_text("−2,000")
    assert_sound(page)
    page.click(".cluster >> text=Credit")
    page.wait_for_url("**account=*")
    expect(page.locator("#movements")).not_to_contain_text("Welcome")
    expect(page.locator("#movements")).to_contain_text("Sorry for the delay")
    page.go_back()
    page.click(f"text=Receipt {str(redemption.public_id)[:8].upper()} >> nth=0")
    page.wait_for_url("**/till/receipts/*/")

"""The till as its user sees it: without JavaScript, with wrong input, twice."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import operations as campaign_operations
from campaigns import queries as campaign_queries
from campaigns.models import Campaign
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory
from customers.tests.factories import ChannelFactory, CustomerFactory, IdentityFactory, StoreFactory
from incentives_site.accounts.models import User
from redemptions import operations, sealing
from redemptions.models import Redemption
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
TILL = "/till/"


@pytest.fixture
def associate(client: Client) -> Client:
    store = StoreFactory()
    user = User.objects.create_user("store@example.com", store_keys=[store.key])
    user.groups.add(Group.objects.get(name="store"))
    client.force_login(user)
    return client


def fields_of(html: str) -> dict[str, Any]:
    """The hidden fields of the sale, as a browser would send them back."""
    form = html[html.index('<form id="sale"') : html.index("</form>", html.index('<form id="sale"'))]
    found: dict[str, Any] = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', form):
        name, value = (re.search(rf'{attribute}="([^"]*)"', tag) for attribute in ("name", "value"))
        if name and value:
            found.setdefault(name[1], []).append(value[1])
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def line(n: int = 0, article: str = "Boots", price: str = "100.00", quantity: str = "1", category: str = "") -> dict[str, str]:
    return {
        f"line-{n}-article": article,
        f"line-{n}-price": price,
        f"line-{n}-quantity": quantity,
        f"line-{n}-category": category,
    }


def granted_code() -> str:
    incentive = IncentiveFactory(granted=True, name="Ten percent back")
    Campaign.objects.update(starts_at=None)
    grant, _new = campaign_operations.grant(
        customer=CustomerFactory(display_name="Ann"),
        incentive=incentive,
        channel=ChannelFactory(web=True),
        by="x",
        now=timezone.now(),
    )
    return campaign_queries.grant_code(grant)


def test_a_code_is_checked_redeemed_and_refused_the_second_time(associate: Client) -> None:
    code = granted_code()
    page = associate.get(TILL).content.decode()
    checked = associate.post(TILL, {**fields_of(page), **line(), "code": f" {code.lower()} ", "intent": "check"})
    text = checked.content.decode()
    assert checked.status_code == 200
    assert "Ten percent back" in text
    assert "90.00 USD" in text
    assert "Ann" in text
    sale = {**fields_of(text), **line()}
    redeemed = associate.post(TILL, {**sale, "intent": "redeem"})
    redemption = Redemption.objects.get()
    assert redeemed["Location"] == reverse("redemptions:receipt", args=[redemption.public_id])
    assert redemption.store is not None
    receipt = associate.get(redeemed["Location"]).content.decode()
    assert "Boots" in receipt
    again = associate.post(TILL, {**sale, "intent": "redeem"})
    assert again["Location"] == redeemed["Location"], "a repeated click shows the same receipt"
    other = associate.get(TILL).content.decode()
    refused = associate.post(TILL, {**fields_of(other), **line(), "code": code, "intent": "check"}).content.decode()
    assert "This code has already been used." in refused
    assert 'value="redeem"' not in refused


def test_what_changed_in_between_is_shown_before_it_is_charged(associate: Client) -> None:
    incentive = IncentiveFactory()
    page = associate.post(TILL, {**fields_of(associate.get(TILL).content.decode()), **line()}).content.decode()
    incentive.effect = {"type": "percent_off", "percent": "5"}
    incentive.save()
    refused = associate.post(TILL, {**fields_of(page), **line(), "intent": "redeem"})
    assert refused.status_code == 409
    assert "95.00 USD" in refused.content.decode()
    assert not Redemption.objects.exists()
    assert associate.post(TILL, {**fields_of(refused.content.decode()), **line(), "intent": "redeem"}).status_code == 302


def test_a_known_customer_is_found_by_card(associate: Client) -> None:
    IdentityFactory(kind="loyalty_card", value="CJ000900", customer=CustomerFactory(display_name="Household 900"))
    fields = fields_of(associate.get(TILL).content.decode())
    assert "Household 900" in associate.post(TILL, {**fields, "customer": "cj 000-900"}).content.decode()
    wrong = associate.post(TILL, {**fields, "customer": "CJ1"})
    assert wrong.status_code == 422
    assert "Nobody is known by this" in wrong.content.decode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"price": "12,34.5678"}, "A price such as 12.50"),
        ({"price": "-5"}, "A price is not negative."),
        ({"price": "1e3"}, "A price such as 12.50"),
        ({"price": ""}, "Say what it costs."),
        ({"article": ""}, "Say what is bought."),
        ({"quantity": "0"}, "greater than or equal to 1"),
        ({"quantity": "many"}, "Enter a whole number."),
        ({"price": "9" * 18}, "A price such as 12.50"),
    ],
)
def test_a_wrong_line_is_named_beside_the_field_and_kept(associate: Client, typed: dict[str, str], sentence: str) -> None:
    fields = fields_of(associate.get(TILL).content.decode())
    response = associate.post(TILL, {**fields, **line(**typed)})
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert all(value in response.content.decode() for value in typed.values())


def test_lines_are_added_and_codes_removed_without_a_script(associate: Client) -> None:
    fields = fields_of(associate.get(TILL).content.decode())
    added = associate.post(TILL, {**fields, **line(), "intent": "add-line"}).content.decode()
    assert 'name="line-3-article"' in added
    with_code = associate.post(TILL, {**fields, **line(), "code": "NONSENSE"}).content.decode()
    assert "This code is not known." in with_code
    without = associate.post(TILL, {**fields_of(with_code), **line(), "forget": "NONSENSE"}).content.decode()
    assert "NONSENSE" not in without


def test_a_receipt_is_found_and_everything_returned_once(associate: Client) -> None:
    IncentiveFactory()
    sold = associate.post(TILL, {**fields_of(associate.get(TILL).content.decode()), **line(), "intent": "redeem"})
    redemption = Redemption.objects.get()
    found = associate.get(reverse("redemptions:receipts"), {"q": str(redemption.public_id)[:8]}).content.decode()
    assert sold["Location"] in found
    back = reverse("redemptions:return", args=[redemption.public_id])
    assert associate.get(back).status_code == 405
    seen = associate.post(back, {"intent": "preview-all"}).content.decode()
    assert "90.00 USD" in seen
    assert not redemption.returns.exists()
    confirmed = {"intent": "confirm", "everything": "1", "expected_amount": "9000", "reason": "too small"}
    assert associate.post(back, confirmed).status_code == 302
    assert "too small" in associate.get(sold["Location"]).content.decode()
    twice = associate.post(back, confirmed)
    assert twice.status_code == 409
    assert "returned before" in twice.content.decode()


def test_units_come_back_after_it_was_seen_what_that_does(associate: Client) -> None:
    campaign = CampaignFactory(live=True, on_broken_return="claw_back")
    condition = {"fact": "basket.initial_items_total", "op": ">=", "value": 25_000}
    IncentiveFactory(name="Ten percent", campaign=campaign, conditions=condition)
    fields = fields_of(associate.get(TILL).content.decode())
    sold = associate.post(TILL, {**fields, **line(quantity="3"), "intent": "redeem"})
    redemption = Redemption.objects.get()
    back = reverse("redemptions:return", args=[redemption.public_id])
    too_many = associate.post(back, {"units-0": "4", "intent": "preview"})
    assert too_many.status_code == 422
    assert "Only 3 of it can still be returned." in too_many.content.decode()
    nothing = associate.post(back, {"units-0": "0", "intent": "preview"})
    assert nothing.status_code == 422
    assert "Say what is returned." in nothing.content.decode()
    assert associate.post(back, {"units-0": "-1", "intent": "preview"}).status_code == 422
    seen = associate.post(back, {"units-0": "1", "intent": "preview"}).content.decode()
    assert "70.00 USD" in seen
    assert "its 20.00 USD are taken off what is paid back" in seen
    assert not redemption.returns.exists()
    confirm = {"units-0": "1", "intent": "confirm"}
    changed = associate.post(back, {**confirm, "expected_amount": "9000"})
    assert changed.status_code == 409
    assert 'name="expected_amount" value="7000"' in changed.content.decode()
    assert not redemption.returns.exists()
    assert associate.post(back, {**confirm, "expected_amount": "7000"}).status_code == 302
    text = associate.get(sold["Location"]).content.decode()
    assert "1 × Boots" in text
    assert "of 2" in text


def test_a_scanned_receipt_opens_and_a_made_up_one_does_not(associate: Client) -> None:
    IncentiveFactory()
    sold = associate.post(TILL, {**fields_of(associate.get(TILL).content.decode()), **line(), "intent": "redeem"})
    reference = sealing.reference(Redemption.objects.get().pk)
    assert reference in associate.get(sold["Location"]).content.decode()
    address = reverse("redemptions:receipts")
    assert associate.get(address, {"q": f" {reference.lower()} "})["Location"] == sold["Location"]
    for wrong in (reference[:-1] + ("A" if reference[-1] != "A" else "B"), "R-AAAA-AAAA-AAAA-AAAA", "R", "R-1111-1111-1111-1111"):
        assert associate.get(address, {"q": wrong}).status_code == 200
    assert sealing.number_of(sealing.reference(10**12)) == 10**12


def test_htmx_gets_the_sale_alone_and_is_sent_to_the_receipt(associate: Client) -> None:
    IncentiveFactory()
    fields = fields_of(associate.get(TILL).content.decode())
    headers = {"HX-Request": "true"}
    fragment = associate.post(TILL, {**fields, **line()}, headers=headers).content.decode()
    assert "<html" not in fragment
    redeemed = associate.post(TILL, {**fields, **line(), "intent": "redeem"}, headers=headers)
    assert redeemed["HX-Redirect"].startswith("/till/receipts/")


def test_an_associate_sells_only_in_the_own_store(associate: Client) -> None:
    other = StoreFactory()
    fields = fields_of(associate.get(TILL).content.decode())
    assert associate.post(TILL, {**fields, **line(), "store": other.pk}).status_code == 422


def test_a_sale_uses_up_no_reservation_of_another_store(associate: Client) -> None:
    LimitFactory(maximum=1)
    Campaign.objects.update(starts_at=None)
    sale = {**fields_of(associate.get(TILL).content.decode()), **line()}
    elsewhere = StoreFactory()
    request = request_for(store=elsewhere.key)
    held = operations.reserve(request, source="till", order_key=sale["order_key"], by="user:1", now=timezone.now())
    sale["reservation"] = str(held.public_id)
    refused = associate.post(TILL, {**sale, "intent": "redeem"})
    assert refused.status_code == 409
    held.refresh_from_db()
    assert (held.state, held.store) == ("active", elsewhere)
    assert not Redemption.objects.exists()

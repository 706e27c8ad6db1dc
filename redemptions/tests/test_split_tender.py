"""Paying a part at the till with points, credit and gift cards: what is offered, taken, refused, and what the receipt says."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from campaigns.models import LoyaltyProgramme
from campaigns.tests.factories import IncentiveFactory
from customers.models import Customer
from customers.tests.factories import CustomerFactory, IdentityFactory, StoreFactory
from incentives_site.accounts.models import User
from redemptions import operations
from redemptions.models import Account, AccountKind, Redemption
from redemptions.tests.test_pages import TILL, fields_of, line

pytestmark = pytest.mark.django_db


@pytest.fixture
def associate(client: Client) -> Client:
    user = User.objects.create_user("store@example.com", store_keys=[StoreFactory().key])
    user.groups.add(Group.objects.get(name="store"))
    client.force_login(user)
    return client


@pytest.fixture
def ann() -> Customer:
    """2,500 points worth half a cent each, and 4.00 of credit."""
    LoyaltyProgramme.objects.create(name="Club", point_values={"USD": "0.5"}, pending_days=14)
    customer = IdentityFactory(kind="loyalty_card", value="CJ1", customer=CustomerFactory(display_name="Ann")).customer
    now = timezone.now()
    operations.earn(customer=customer, unit="points", amount=2_500, key="p", by="x", now=now)
    operations.earn(customer=customer, unit="USD", amount=400, key="c", by="x", now=now)
    return customer


def card(amount: int, **fields: Any) -> str:
    given = {"currency": "USD", "key": f"card-{amount}", "by": "x", "now": timezone.now(), **fields}
    return operations.issue_gift_card(amount=amount, **given)[1]


def check(client: Client, **typed: Any) -> tuple[str, dict[str, Any]]:
    """The answered page, and what a browser would send of it next."""
    fields = fields_of(client.get(TILL).content.decode())
    text = client.post(TILL, {**fields, **line(), "customer": "CJ1", "intent": "pay", **typed}).content.decode()
    return text, {**fields_of(text), **line(), "customer": "CJ1", **typed}


def balance(customer: Customer, kind: AccountKind) -> int:
    return Account.objects.get(customer=customer, kind=kind).balance


def test_points_credit_and_a_gift_card_pay_before_money(associate: Client, ann: Customer) -> None:
    IncentiveFactory(awards=[{"type": "points", "points": 90}])
    code = card(2_000)
    text, sale = check(associate, **{"pay-use_points": "on", "pay-points": "10.00", "pay-use_credit": "on", "pay-card": code})
    assert "2500, worth 12.50 USD" in text
    assert "−10.00 USD" in text
    assert "−4.00 USD" in text
    assert "−20.00 USD" in text
    assert 'data-testid="payable">\n          56.00 USD' in text
    sold = associate.post(TILL, {**sale, "pay-card": "", "intent": "redeem"})
    redemption = Redemption.objects.get()
    assert (redemption.discount, redemption.stored_value, redemption.payable) == (1_000, 3_400, 5_600)
    assert (balance(ann, AccountKind.POINTS), balance(ann, AccountKind.CREDIT)) == (500, 0)
    receipt = associate.get(sold["Location"]).content.decode()
    assert "2000 points" in receipt
    assert receipt.count('data-testid="tender"') == 3
    assert "90 points" in receipt
    pending = timezone.localdate(redemption.redeemed_at + datetime.timedelta(days=14), ZoneInfo("UTC"))
    assert f"pending until {date_format(pending, 'DATE_FORMAT')}" in receipt


def test_what_pays_nothing_says_why_and_is_asked_once(associate: Client, ann: Customer) -> None:
    IncentiveFactory()
    text, _sale = check(associate, **{"pay-card": "NONSENSE"})
    assert "This gift card is not known." in text
    assert 'name="cards"' not in text
    euros, _sale = check(associate, **{"pay-card": card(100, currency="EUR")})
    assert "This gift card is in another currency." in euros
    over, _sale = check(associate, **{"pay-use_points": "on", "pay-card": card(20_000), "customer": ""})
    assert "Say who the customer is to pay with points." in over
    assert "This gift card is not known" not in over
    LoyaltyProgramme.objects.update(point_values={})
    assert "Points cannot pay in this currency." in check(associate, **{"pay-use_points": "on"})[0]


def test_a_wrong_amount_is_named_beside_its_field(associate: Client, ann: Customer) -> None:
    fields = fields_of(associate.get(TILL).content.decode())
    answer = associate.post(TILL, {**fields, **line(), "customer": "CJ1", "pay-use_points": "on", "pay-points": "-3"})
    assert answer.status_code == 422
    assert "An amount such as 12.50" in answer.content.decode()


def test_a_card_that_was_emptied_in_between_is_told_before_it_is_charged(associate: Client, ann: Customer) -> None:
    IncentiveFactory()
    code = card(2_000)
    _text, sale = check(associate, **{"pay-card": code})
    account = Account.objects.get(kind=AccountKind.GIFT_CARD)
    now = timezone.now()
    operations.spend(account=account, amount=1_500, key="elsewhere", by="x", now=now, today=now.date())
    refused = associate.post(TILL, {**sale, "pay-card": "", "intent": "redeem"})
    assert refused.status_code == 409
    assert "85.00 USD" in refused.content.decode()
    assert not Redemption.objects.exists()
    again = {**fields_of(refused.content.decode()), **line(), "customer": "CJ1", "intent": "redeem"}
    assert associate.post(TILL, again).status_code == 302
    assert Redemption.objects.get().stored_value == 500


def test_a_gift_card_pays_without_any_incentive(associate: Client) -> None:
    fields = fields_of(associate.get(TILL).content.decode())
    text = associate.post(TILL, {**fields, **line(), "pay-card": card(10_000)}).content.decode()
    assert associate.post(TILL, {**fields_of(text), **line(), "intent": "redeem"}).status_code == 302
    assert Redemption.objects.get().payable == 0


def test_a_card_is_taken_off_the_sale_without_a_script(associate: Client, ann: Customer) -> None:
    IncentiveFactory()
    code = card(2_000)
    _text, sale = check(associate, **{"pay-card": code})
    without = associate.post(TILL, {**sale, "pay-card": "", "forget-card": code}).content.decode()
    assert 'name="cards"' not in without
    assert "90.00 USD" in without

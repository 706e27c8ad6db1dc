"""The ledger in the back office: adjusted with a reason, cards issued once, and a failed proof is told."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import LoyaltyProgramme
from campaigns.rules import loyalty
from customers.tests.factories import CustomerFactory
from incentives_site.accounts.models import User
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, CheckRun, GiftCard, Posting

pytestmark = pytest.mark.django_db
KEY = "6d0a4fd8-3c0e-4d4e-9b3a-0f5b0c7d9a11"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator@example.com"))
    return client


@pytest.fixture
def points() -> Account:
    customer = CustomerFactory()
    operations.earn(customer=customer, unit="points", amount=100, key="w", by="x", now=timezone.now())
    return Account.objects.get(customer=customer, kind=AccountKind.POINTS)


def adjust_url(account: Account) -> str:
    return reverse("admin:redemptions_account_adjust", args=[account.pk])


def test_an_account_is_adjusted_once_with_a_reason(operator: Client, points: Account) -> None:
    page = operator.get(reverse("admin:redemptions_account_change", args=[points.pk])).content.decode()
    assert adjust_url(points) in page
    assert "The balance is 100 points." in operator.get(adjust_url(points)).content.decode()
    typed = {"key": KEY, "amount": "-40", "reason": "Counted twice"}
    for _repeated in range(2):
        assert operator.post(adjust_url(points), typed).status_code == 302
    points.refresh_from_db()
    assert points.balance == 60
    posting = Posting.objects.get(kind="adjust")
    assert (posting.reason, posting.actor) == ("Counted twice", f"user:{User.objects.get().pk}")
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "-101"}, "Less is left than is asked for."),
        ({"amount": "0"}, "Nothing would change."),
        ({"amount": "1.5"}, "A number is expected"),
        ({"reason": "x"}, "Say why"),
        ({"reason": ""}, "This field is required."),
        ({"amount": "9" * 19}, "From 1 to"),
    ],
)
def test_a_wrong_adjustment_is_refused_and_changes_nothing(
    operator: Client, points: Account, typed: dict[str, str], sentence: str
) -> None:
    answer = operator.post(adjust_url(points), {"key": KEY, "amount": "5", "reason": "Because", **typed})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    points.refresh_from_db()
    assert points.balance == 100


def test_who_may_look_may_not_adjust(client: Client, points: Account) -> None:
    user = User.objects.create_user("auditor@example.com", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_account", "view_giftcard"]))
    client.force_login(user)
    assert client.get(reverse("admin:redemptions_account_change", args=[points.pk])).status_code == 200
    assert client.post(adjust_url(points), {"key": KEY, "amount": "5", "reason": "Because"}).status_code == 403
    assert client.get(reverse("admin:redemptions_giftcard_issue")).status_code == 403


def test_a_card_is_issued_and_its_code_shown_once(operator: Client) -> None:
    address = reverse("admin:redemptions_giftcard_issue")
    assert address in operator.get(reverse("admin:redemptions_giftcard_changelist")).content.decode()
    typed = {"key": KEY, "currency": "USD", "amount": "25.00", "last_usable_on": ""}
    shown = operator.post(address, typed, follow=True).content.decode()
    code = re.search(r"The code is ([A-Z0-9-]{14})", shown)
    assert code
    assert GiftCard.objects.get().account.balance == 2_500
    again = operator.post(address, typed, follow=True).content.decode()
    assert "issued before" in again
    assert code[1] not in again
    assert GiftCard.objects.count() == 1
    assert operator.post(address, {**typed, "amount": "-1"}).status_code == 422
    assert operator.post(address, {**typed, "amount": "1", "last_usable_on": "2001-01-01"}).status_code == 422


PROGRAMME = {
    "tiers_by": "spend", "tier_currency": "EUR", "tier_months": "12", "grace_days": "30", "step_down": "one",
    "name": "Club", "is_active": "on", "point_values": "USD 0.5\neur 0.45", "pending_days": "14", "valid_months": "",
    "round_up_to_end_of": "", "reminder_days": "14", "take_back": "up_to_balance", "time_zone": "Europe/Rome",
}  # fmt: skip


def test_a_programme_is_made_and_shown_as_it_was_typed(operator: Client) -> None:
    assert operator.post(reverse("admin:campaigns_loyaltyprogramme_add"), PROGRAMME).status_code == 302
    programme = LoyaltyProgramme.objects.get()
    assert programme.point_values == {"USD": "0.5", "EUR": "0.45"}
    address = reverse("admin:campaigns_loyaltyprogramme_change", args=[programme.pk])
    assert "EUR 0.45\nUSD 0.5" in operator.get(address).content.decode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"point_values": "USD 0"}, "worth in USD"),
        ({"point_values": "USD -1"}, "worth in USD"),
        ({"point_values": "USD"}, "worth in USD"),
        ({"point_values": "USD 1e3"}, "worth in USD"),
        ({"point_values": "XXX 1"}, "XXX is no currency"),
        ({"point_values": "USD 1\nusd 2"}, "stands here twice"),
        ({"time_zone": "Mars/Base"}, "This time zone is not known"),
        ({"valid_months": "0"}, "At least one month"),
        ({"tier_currency": "XXX"}, "ISO 4217"),
    ],
)
def test_a_programme_that_makes_no_sense_is_refused(operator: Client, typed: dict[str, str], sentence: str) -> None:
    answer = operator.post(reverse("admin:campaigns_loyaltyprogramme_add"), {**PROGRAMME, **typed})
    assert sentence in answer.content.decode()
    assert not LoyaltyProgramme.objects.exists()


def test_point_values_are_decimal_texts_of_known_currencies() -> None:
    assert loyalty.faults_of_point_values({"USD": "0.000001", "JPY": "1"}) == []
    assert [fault.code for fault in loyalty.faults_of_point_values({"USD": 0.5})] == ["not-a-value"]
    assert [fault.code for fault in loyalty.faults_of_point_values({"USD": "0.0000001"})] == ["not-a-value"]
    assert [fault.code for fault in loyalty.faults_of_point_values({"US": Decimal(1)})] == ["unknown-currency", "not-a-value"]
    assert [fault.code for fault in loyalty.faults_of_point_values("USD 1")] == ["not-a-mapping"]


def test_a_failed_proof_is_told_on_the_first_page(operator: Client) -> None:
    assert "found faults" not in operator.get("/admin/").content.decode()
    faults = [{"code": "balance-unlike-entries", "sentence": "x", "count": 2, "examples": [1, 2]}]
    CheckRun.objects.create(ran_at=timezone.now(), seconds=1, faults=faults)
    assert "balance-unlike-entries (2)" in operator.get("/admin/").content.decode()
    CheckRun.objects.create(ran_at=timezone.now(), seconds=1)
    assert "found faults" not in operator.get("/admin/").content.decode()

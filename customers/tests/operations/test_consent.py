"""Consent: a ledger that is only added to, what holds beside it, and what partners and the timeline are told."""

import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from customers import operations, queries
from customers.models import Consent, Customer, Event
from customers.operations import Choice
from customers.operations._consent import allow_erasing
from customers.rules.consent import ALL, How, Purpose, Why, Wishes, from_data
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.integrations import operations as integrations
from incentives_site.integrations.models import WebhookMessage
from incentives_site.integrations.tests.factories import partner_key
from incentives_site.shared.problems import Invalid

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


def said(customer: Customer, *choices: Choice, minutes: int = 0, **fields: Any) -> list[Consent]:
    return operations.record_consent(
        customer=customer,
        choices=choices,
        **{"how": How.STAFF, "by": "user:1", "now": NOON + minutes * MINUTE, **fields},  # type: ignore[arg-type]
    )


def held(customer: Customer) -> Wishes:
    """What holds, read anew; the ledger has to say the same."""
    customer = Customer.objects.get(pk=customer.pk)
    ledger = Wishes().with_statements(
        operations._consent.statement_of(row)
        for row in Consent.objects.filter(customer=customer)  # type: ignore[attr-defined]
    )
    wishes = queries.wishes_of(customer)
    assert ledger.said == wishes.said
    return wishes


def test_a_statement_is_kept_with_who_how_and_in_which_words() -> None:
    customer = CustomerFactory()
    mail = ChannelFactory(mail=True)
    [row] = said(customer, Choice(True, mail.key), how=How.IMPORT, wording="2026-01", reason="paper form", said_at=NOON - MINUTE)
    assert (row.channel, row.kind, row.is_given, row.how) == (mail, "", True, "import")
    assert (row.wording, row.reason, row.actor) == ("2026-01", "paper form", "user:1")
    assert (row.said_at, row.recorded_at) == (NOON - MINUTE, NOON)
    assert held(customer).may(channel="mail", asks_first=True).allowed
    [event] = Event.objects.filter(customer=customer)
    assert (event.type, event.name, event.channel) == (EventType.TRACK, "Consent Given", mail)


def test_saying_it_again_adds_nothing_unless_the_words_are_new() -> None:
    customer = CustomerFactory()
    assert said(customer, Choice(True), wording="1")
    assert not said(customer, Choice(True), wording="1", minutes=1)
    assert said(customer, Choice(True), wording="2", minutes=2)
    assert said(customer, Choice(False), minutes=3)
    assert not said(customer, Choice(False), minutes=4)


def test_what_was_said_earlier_and_comes_later_is_kept_and_changes_nothing() -> None:
    customer = CustomerFactory()
    said(customer, Choice(True), minutes=5)
    assert said(customer, Choice(False), minutes=6, said_at=NOON)
    assert Consent.objects.count() == 2
    assert held(customer).may(channel="web").allowed
    assert not Event.objects.filter(type=EventType.OPTED_OUT).exists()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"choices": [Choice(True), Choice(True, "nowhere")]}, "/consents/1/channel"),
        ({"choices": [Choice(True, kind="sausages")]}, "/consents/0/kind"),
        ({"said_at": NOON + datetime.timedelta(hours=1)}, "/at"),
        ({"wording": "x" * 101}, "/wording"),
        ({"reason": "nul\x00"}, "/reason"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        said(CustomerFactory(), *fields.pop("choices", [Choice(True)]), **fields)
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert not Consent.objects.exists()


def test_leaving_everything_is_told_once_and_coming_back_leaves_single_refusals_alone() -> None:
    key, _text = partner_key()
    integrations.add_endpoint(partner=key.partner, url="https://93.184.215.14/", types=["customer.opted_out"], by="x", now=NOON)
    customer = CustomerFactory()
    mail = ChannelFactory(mail=True)
    said(customer, Choice(False, mail.key))
    for minute in (1, 2):
        operations.opt_out(customer=customer, how=How.ONE_CLICK, by="customer", now=NOON + minute * MINUTE)
    told = list(WebhookMessage.objects.order_by("pk").values_list("data", flat=True))
    who = str(customer.public_id)
    assert told == [{"customer": who, "channel": "mail", "kind": None}, {"customer": who, "channel": None, "kind": None}]
    assert held(customer).has_opted_out
    assert not held(customer).may(channel="web", purpose=Purpose.RESEARCH).allowed
    assert Event.objects.filter(type=EventType.OPTED_OUT).count() == 2
    operations.opt_in(customer=customer, how=How.PREFERENCE_PAGE, by="customer", now=NOON + 3 * MINUTE)
    assert held(customer).may(channel="web").allowed
    assert held(customer).may(channel="mail").why is Why.CHANNEL_REFUSED
    assert not held(customer).may(channel="web", purpose=Purpose.RESEARCH).allowed
    assert "opted_out" not in Customer.objects.get(pk=customer.pk).consent


def test_the_ledger_cannot_be_rewritten() -> None:
    customer = CustomerFactory()
    [row] = said(customer, Choice(False))
    for attempt in (
        lambda: Consent.objects.filter(pk=row.pk).update(is_given=True),
        lambda: Consent.objects.filter(pk=row.pk).delete(),
        lambda: Consent.objects.filter(pk=row.pk).update(customer=CustomerFactory(), is_given=True),
    ):
        with pytest.raises(IntegrityError, match="append only"), transaction.atomic():
            attempt()
    with transaction.atomic():
        allow_erasing()
        Consent.objects.filter(pk=row.pk).delete()
    assert not Consent.objects.exists()


def test_how_much_and_until_when() -> None:
    customer = CustomerFactory(time_zone="Pacific/Auckland")
    day = datetime.date(2026, 11, 23)  # in Auckland it is the 22nd already
    change = {"customer": customer, "by": "customer", "now": NOON}
    operations.set_preferences(per_week=2, paused_until=day, language="de", **change)  # type: ignore[arg-type]
    operations.set_preferences(**change)  # type: ignore[arg-type]
    wishes = held(customer)
    assert (wishes.per_week, wishes.paused_until) == (2, day)
    assert Customer.objects.get(pk=customer.pk).language == "de"
    assert Event.objects.get(customer=customer).properties == {
        "per_week": 2,
        "paused_until": "2026-11-23",
        "language": "de",
        "by": "customer",
    }
    operations.set_preferences(per_week=None, paused_until=None, **{**change, "now": NOON + MINUTE})  # type: ignore[arg-type]
    assert held(customer) == Wishes()


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_week": 51},
        {"per_week": -1},
        {"language": "xx"},
        {"paused_until": NOON.date()},
        {"paused_until": NOON.date() + datetime.timedelta(days=400)},
    ],
)
def test_preferences_that_nobody_can_have(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        operations.set_preferences(customer=CustomerFactory(), by="x", now=NOON, **wrong)
    assert [error.pointer for error in caught.value.errors] == [f"/{name}" for name in wrong]


def test_a_merge_is_strict_and_can_be_undone() -> None:
    mail = ChannelFactory(mail=True)
    one, other = CustomerFactory(), CustomerFactory()
    said(one, Choice(False, mail.key), Choice(True), minutes=0)
    said(other, Choice(True, mail.key), Choice(False, kind="contests"), minutes=1)
    operations.set_preferences(customer=one, by="x", now=NOON, per_week=5)
    operations.set_preferences(customer=other, by="x", now=NOON, per_week=1, paused_until=NOON.date() + datetime.timedelta(3))
    before = [Customer.objects.get(pk=customer.pk).consent for customer in (one, other)]
    lines = [list(Consent.objects.filter(customer=customer).order_by("pk").values()) for customer in (one, other)]

    record = operations.move_consent(into=one, other=other, by="x", now=NOON + 2 * MINUTE)
    merged = held(one)
    assert merged.may(channel="mail").why is Why.CHANNEL_REFUSED, "said earlier, and stricter"
    assert merged.refuses_kind(ALL, Purpose.MARKETING, "contests")
    assert (merged.per_week, merged.paused_until) == (1, NOON.date() + datetime.timedelta(3))
    assert Consent.objects.filter(how=How.MERGE).count() == 1
    assert held(other) == Wishes()

    operations.put_consent_back(into=one, other=other, record=record)
    assert [Customer.objects.get(pk=customer.pk).consent for customer in (one, other)] == before
    assert [list(Consent.objects.filter(customer=c).order_by("pk").values()) for c in (one, other)] == lines


def test_what_was_said_after_a_merge_stays_with_the_customer_that_remained() -> None:
    mail = ChannelFactory(mail=True)
    one, other = CustomerFactory(), CustomerFactory()
    said(other, Choice(False, mail.key))
    record = operations.move_consent(into=one, other=other, by="x", now=NOON + MINUTE)
    said(one, Choice(False, kind="points"), minutes=2)
    operations.set_preferences(customer=one, by="x", now=NOON + 2 * MINUTE, per_week=3)
    operations.put_consent_back(into=one, other=other, record=record)
    assert held(one).per_week == 3
    assert held(one).refuses_kind(ALL, Purpose.MARKETING, "points")
    assert held(one).may(channel="mail").allowed
    assert not held(other).may(channel="mail").allowed


@pytest.mark.django_db(transaction=True)
def test_two_statements_at_once_both_hold() -> None:
    from concurrent.futures import ThreadPoolExecutor

    customer = CustomerFactory()
    kinds = ["points", "credit", "contests", "access"]

    def say(kind: str) -> None:
        said(customer, Choice(False, kind=kind))
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(say, kinds))
    assert all(held(customer).refuses_kind(ALL, Purpose.MARKETING, kind) for kind in kinds)
    assert from_data({}) == Wishes()

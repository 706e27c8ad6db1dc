"""Consent that sources tell: in the ledger with its source and time, in segments at once, and never against what came later."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import operations, queries
from customers.models import Consent, Customer, Event, SegmentMember, Source, Unjudged
from customers.operations import Choice
from customers.rules.consent import How
from customers.tests.factories import NOON, ChannelFactory
from incentives_site.integrations import operations as integrations
from incentives_site.integrations.models import WebhookMessage
from incentives_site.integrations.tests.factories import partner_key

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def source() -> Source:
    mail = ChannelFactory(key="news", kind="email", can_message=True)
    return Source.objects.create(trust="server", key="mailer", name="Mailer", channel=mail)


def send(source: Source, *events: dict[str, Any], now: dt.datetime = NOON) -> None:
    batch = [{"userId": "ann", "messageId": f"{now}{n}", **event} for n, event in enumerate(events)]
    operations.take(source=source, kind="", body=json.dumps({"batch": batch}).encode(), now=now)
    assert operations.process_events(now=now) is not None


def track(name: str, at: dt.datetime = NOON, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "timestamp": at.isoformat(), "properties": properties}


def ann() -> Customer:
    return Customer.objects.get(identities__value="ann")


def ledger() -> list[tuple[str, bool, dt.datetime]]:
    return [(row.channel.key if row.channel else "*", row.is_given, row.said_at) for row in Consent.objects.order_by("pk")]


def test_leaving_by_an_event_holds_at_once_and_is_told(source: Source) -> None:
    key, _text = partner_key()
    integrations.add_endpoint(partner=key.partner, url="https://93.184.215.14/", types=["customer.opted_out"], by="x", now=NOON)
    rule = {"fact": "consent.marketing.news", "op": "==", "value": "withdrawn"}
    gone = operations.define_segment(name="gone", rule=rule, by="x", now=NOON)
    operations.count_segment(segment=gone.pk)
    send(source, track("Subscribed", NOON - 2 * HOUR, wording="fair-3"), track("Unsubscribed", NOON - HOUR, email_id="1"))
    [given, left] = Consent.objects.order_by("pk")
    assert (given.is_given, given.how, given.wording, given.said_at) == (True, How.EVENT, "fair-3", NOON - 2 * HOUR)
    assert (left.is_given, left.actor, left.reason, left.channel) == (False, "source:mailer", "Unsubscribed", source.channel)
    assert (left.said_at, left.recorded_at) == (NOON - HOUR, NOON)
    assert not queries.wishes_of(ann()).may(channel="news").allowed
    assert SegmentMember.objects.filter(segment=gone, customer=ann()).exists()
    assert WebhookMessage.objects.get().data["channel"] == "news"
    told = list(Event.objects.filter(source="customers").exclude(type="entered").order_by("pk").values_list("type", "name"))
    assert told == [("track", "Consent Given"), ("opted_out", "")]
    assert not Unjudged.objects.exists(), "it was judged with the events"


def test_what_is_repeated_adds_nothing_and_what_comes_late_changes_nothing(source: Source) -> None:
    send(source, track("Unsubscribed"))
    send(source, track("Unsubscribed", NOON + HOUR), now=NOON + HOUR)
    assert ledger() == [("news", False, NOON)]
    send(source, track("Subscribed", NOON - HOUR), now=NOON + 2 * HOUR)
    assert ledger()[1:] == [("news", True, NOON - HOUR)]
    assert not queries.wishes_of(ann()).may(channel="news").allowed


def test_a_clock_that_runs_ahead_does_not_hold_against_what_is_said_next(source: Source) -> None:
    send(source, track("Unsubscribed", NOON + 20 * HOUR))
    assert ledger() == [("news", False, NOON)]
    operations.record_consent(customer=ann(), choices=[Choice(True, "news")], how=How.STAFF, by="x", now=NOON + HOUR)
    assert queries.wishes_of(ann()).may(channel="news").allowed


def test_a_trait_speaks_when_it_changes_and_not_with_every_sign_in(source: Source) -> None:
    def sign_in(at: dt.datetime, **traits: Any) -> None:
        send(source, {"type": "identify", "timestamp": at.isoformat(), "traits": {"name": "Ann", **traits}}, now=at)

    sign_in(NOON, email_subscribe="opted_in")
    assert ledger() == [("news", True, NOON)]
    operations.record_consent(
        customer=ann(), choices=[Choice(False, "news")], how=How.PREFERENCE_PAGE, by="customer", now=NOON + HOUR
    )
    sign_in(NOON + 2 * HOUR, email_subscribe="opted_in")
    assert not queries.wishes_of(ann()).may(channel="news").allowed, "an old trait does not undo what the customer chose"
    sign_in(NOON + 3 * HOUR, email_subscribe="unsubscribed")
    sign_in(NOON + 4 * HOUR, email_subscribe="opted_in")
    assert queries.wishes_of(ann()).may(channel="news").allowed
    sign_in(NOON + 5 * HOUR, unsubscribed=True)
    assert queries.wishes_of(ann()).has_opted_out
    assert {row.how for row in Consent.objects.exclude(how=How.PREFERENCE_PAGE)} == {How.EVENT}


def test_two_who_become_one_by_a_batch_leave_together(source: Source) -> None:
    send(source, track("Subscribed"), {**track("Subscribed"), "userId": None, "anonymousId": "cookie"})
    send(source, {"type": "alias", "previousId": "cookie"}, track("Unsubscribed", NOON + HOUR), now=NOON + HOUR)
    assert not queries.wishes_of(ann()).may(channel="news").allowed
    assert {row.customer for row in Consent.objects.all()} == {ann()}


def test_a_hundred_statements_ask_no_more_than_one(source: Source) -> None:
    def asked(prefix: str, count: int) -> int:
        batch = [{**track("Unsubscribed"), "userId": f"{prefix}{n}", "messageId": f"{prefix}{n}"} for n in range(count)]
        operations.take(source=source, kind="", body=json.dumps({"batch": batch}).encode(), now=NOON)
        with CaptureQueriesContext(connection) as found:
            operations.process_events(now=NOON)
        assert Consent.objects.filter(customer__identities__value__startswith=prefix).count() == count
        return len(found)

    first = asked("a", 1)
    assert asked("b", 100) == first

"""The people whom the sources of the demonstration have told of."""

import datetime as dt

import pytest

from customers import queries
from customers.models import Channel, Event, Merge, Rejection, Source
from incentives_site.demo import visitors
from incentives_site.demo.households import card_number
from incentives_site.demo.visitors import BY_PHONE, HOUSEHOLD, NINA

from .conftest import NOW

pytestmark = pytest.mark.django_db


def test_they_are_joined_by_events_and_by_hand_and_kept_out_where_two_would_be_one(loaded: dict[str, Channel]) -> None:
    keys = visitors.ensure_sources(loaded)
    assert [(row["source"], row["channel"], row["trust"]) for row in keys] == [
        ("web-shop", "web", "server"),
        ("app", "app", "server"),
        ("tills", "store", "server"),
        ("web-pages", "web", "browser"),
    ]
    assert keys == visitors.ensure_sources(loaded)
    assert {row["key"] for row in keys} == {source.write_key for source in Source.objects.all()}
    assert visitors.load(NOW, "user:1")
    nina, tom = queries.by_identity("email", NINA), queries.by_identity("user_id", "tk-0077")
    assert nina == queries.by_identity("user_id", "nk-2041") == queries.by_identity("phone", BY_PHONE)
    assert nina != tom
    assert {merge.by for merge in Merge.objects.filter(survivor=nina)} == {"events", "user:1"}
    assert {item.reason for item in queries.not_used(tom)} == {"outranked"}
    found = queries.candidates(nina, dropped=queries.not_used(nina))
    assert [one.customer for one in found] == [queries.by_identity("email", "n.keller@office.example")]
    assert nina.facts["orders"] == 5
    assert queries.by_identity("user_id", "hh-900") == queries.by_identity("loyalty_card", card_number(HOUSEHOLD))
    assert set(Rejection.objects.values_list("reason", flat=True)) == {"no-identity", "unknown-type"}
    events = Event.objects.count()
    assert not visitors.load(NOW + dt.timedelta(days=1), "user:1")
    assert Event.objects.count() == events


def test_what_a_killed_run_has_sent_is_not_sent_twice(loaded: dict[str, Channel]) -> None:
    visitors.ensure_sources(loaded)
    assert visitors.load(NOW, "user:1")
    events, rejected = Event.objects.count(), Rejection.objects.count()
    Merge.objects.filter(reason=visitors.REASON).update(reason="")
    assert visitors.load(NOW + dt.timedelta(minutes=5), "user:1")
    assert Event.objects.count() == events
    assert Rejection.objects.count() == 2 * rejected

"""Who changes without an event of a source is judged anew: facts and segments, a moment after the commit."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from customers import operations, queries
from customers.models import Customer, Segment, SegmentMember, Unjudged
from customers.operations import Choice, _judge
from customers.rules.consent import How
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, CustomerFactory
from incentives_site.accounts.models import User

pytestmark = pytest.mark.django_db
SPECIAL = {"fact": "customer.special", "op": "==", "value": True}


def segment(key: str, rule: Any) -> Segment:
    one = operations.define_segment(name=key, key=key, rule=rule, by="x", now=NOON)
    operations.count_segment(segment=one.pk, now=lambda: NOON)
    one.refresh_from_db()
    assert one.state == "good"
    return one


def happened(customer: Customer, name: str = "Called", at: dt.datetime = NOON) -> None:
    operations.track(
        customer=customer,
        type=EventType.TRACK,
        source="t",
        message_id=f"{customer.pk}{name}{at}",
        name=name,
        occurred_at=at,
        received_at=at,
    )


def inside(one: Segment) -> set[int]:
    return set(SegmentMember.objects.filter(segment=one).values_list("customer_id", flat=True))


def test_an_event_of_our_own_changes_facts_and_segments() -> None:
    ann, bob = CustomerFactory(), CustomerFactory()
    callers = segment("callers", {"event": {"name": "Called", "within_days": 30}, "op": ">=", "value": 1})
    happened(ann)
    assert inside(callers) == set(), "it is not judged while somebody waits for the door"
    assert operations.judge_changed(now=NOON) == 1
    ann.refresh_from_db()
    assert (inside(callers), queries.segments_of(ann), ann.facts["last_seen_on"]) == ({ann.pk}, ["callers"], "2026-11-21")
    bob.refresh_from_db()
    assert (bob.facts, Unjudged.objects.count()) == ({}, 0)
    assert operations.judge_changed(now=NOON) == 0


def test_what_happens_after_the_clock_was_read_counts() -> None:
    ann = CustomerFactory()
    callers = segment("callers", {"event": {"name": "Called"}, "op": ">=", "value": 1})
    happened(ann, at=NOON + dt.timedelta(seconds=3))
    operations.judge_changed(now=NOON)
    assert inside(callers) == {ann.pk}


def test_the_process_that_works_through_events_does_it() -> None:
    ann = CustomerFactory()
    callers = segment("callers", {"event": {"name": "Called"}, "op": ">=", "value": 1})
    happened(ann)
    call_command("process_events", "--once")
    assert inside(callers) == {ann.pk}


def _learn(customer: Customer) -> None:
    operations.learn(customer=customer, facts={"special": True}, now=NOON)


def _edit(customer: Customer) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    page = f"/admin/customers/customer/{customer.pk}/change/"
    form = {"display_name": "Ann", "traits": '{"special": true}', "language": "", "time_zone": "", "consent": "{}"}
    inline = {f"identities-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}
    answer = client.post(page, form | inline)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


@pytest.mark.parametrize("door", [_learn, _edit])
def test_every_door_that_changes_what_is_known_is_heard(door: Callable[[Customer], None]) -> None:
    ann = CustomerFactory()
    special = segment("special", SPECIAL)
    door(ann)
    operations.judge_changed(now=NOON)
    assert inside(special) == {ann.pk}


def test_a_customer_who_is_new_by_a_call_is_judged() -> None:
    everybody = segment("everybody", {"event": {"name": "Order Completed"}, "op": "==", "value": 0})
    customer, _is_new = operations.identify(kind="email", value="ann@example.com")
    operations.judge_changed(now=NOON)
    assert inside(everybody) == {customer.pk}


def test_a_withdrawn_consent_shows_at_once() -> None:
    ann = CustomerFactory()
    gone = segment("gone", {"fact": "consent.marketing", "op": "==", "value": "withdrawn"})
    operations.opt_out(customer=ann, how=How.STAFF, by="x", now=NOON)
    assert inside(gone) == {ann.pk}
    operations.record_consent(customer=ann, choices=[Choice(True)], how=How.STAFF, by="x", now=NOON + dt.timedelta(days=1))
    assert inside(gone) == set()
    operations.judge_changed(now=NOON + dt.timedelta(days=1))
    assert inside(gone) == set()


def test_a_change_that_is_rolled_back_leaves_no_note() -> None:
    ann = CustomerFactory()
    with transaction.atomic():
        happened(ann)
        assert Unjudged.objects.exists()
        transaction.set_rollback(True)
    assert not Unjudged.objects.exists()


def test_what_happens_to_somebody_merged_or_erased_meanwhile_is_theirs_who_remains() -> None:
    ann, other, gone = CustomerFactory(), CustomerFactory(), CustomerFactory()
    operations.judge_changed(now=NOON)
    for customer in (other, gone):
        operations.note_changed(customers=[customer.pk], now=NOON)
    operations.merge(one=ann, other=other, by="x", reason="same", now=NOON)
    operations.erase(customer=gone, by="x", now=NOON)
    assert set(Unjudged.objects.values_list("customer", flat=True)) == {ann.pk, other.pk}
    assert operations.judge_changed(now=NOON) == 1
    gone.refresh_from_db()
    other.refresh_from_db()
    assert (gone.facts, other.facts) == ({}, {})
    assert operations.refresh_all(now=NOON) == 1, "nor is the erased one counted by the day"
    gone.refresh_from_db()
    assert gone.facts == {}


def test_one_that_cannot_be_judged_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bad, eve = CustomerFactory(), CustomerFactory(), CustomerFactory()
    operations.note_changed(customers=[ann.pk, bad.pk, eve.pk], now=NOON)
    really = _judge.refresh_insight

    def refuse(*, customers: Any, now: dt.datetime) -> None:
        if bad.pk in customers:
            raise ValueError
        really(customers=customers, now=now)

    monkeypatch.setattr(_judge, "refresh_insight", refuse)
    assert operations.judge_changed(now=NOON) == 2
    assert not Unjudged.objects.exists()
    facts = dict(Customer.objects.values_list("pk", "facts"))
    assert (bool(facts[ann.pk]), bool(facts[bad.pk]), bool(facts[eve.pk])) == (True, False, True)


@pytest.mark.django_db(transaction=True)
def test_a_change_that_commits_late_is_not_missed_and_two_at_once_do_not_meet() -> None:
    ann, *others = CustomerFactory.create_batch(20)
    callers = segment("callers", {"event": {"name": "Called"}, "op": ">=", "value": 1})

    def judge(_n: int) -> int:
        try:
            return operations.judge_changed(now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        with transaction.atomic():
            happened(ann)  # first in line, and last to commit
            with transaction.atomic():
                assert list(pool.map(judge, range(2))) == [0, 0]
        for customer in others:
            happened(customer)
        assert sum(pool.map(judge, range(4))) == 20
    assert inside(callers) == {ann.pk, *(customer.pk for customer in others)}

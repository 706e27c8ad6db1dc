"""Segments: who enters and leaves, and what becomes of a count that is stopped, edited, slow, broken or killed."""

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from customers import operations, queries
from customers.models import Consent, Customer, Event, Segment, SegmentChange, SegmentMember, SegmentTouch
from customers.operations import Choice
from customers.operations._segments import COUNTING
from customers.rules.consent import How
from customers.rules.timeline import EventType
from incentives_site.shared.problems import Invalid

from ..factories import NOON, ChannelFactory, CustomerFactory

pytestmark = pytest.mark.django_db

BOUGHT_TWICE = {"event": {"name": "Order Completed", "within_days": 90}, "op": ">=", "value": 2}
ADULTS = {"fact": "customer.age", "op": ">=", "value": 18}


def segment(key: str = "s", rule: Any = ADULTS, **fields: Any) -> Segment:
    return operations.define_segment(name=key, key=key, rule=rule, by="x", now=NOON, **fields)


def count(one: Segment, **options: Any) -> str:
    return operations.count_segment(segment=one.pk, now=lambda: NOON, **options).outcome


def inside(one: Segment) -> set[int]:
    return set(SegmentMember.objects.filter(segment=one).values_list("customer_id", flat=True))


def happened(customer: Customer, name: str, at: dt.datetime = NOON, **properties: Any) -> None:
    operations.track(
        customer=customer,
        type=EventType.TRACK,
        source="t",
        message_id=f"{name}{Event.objects.count()}",
        occurred_at=at,
        received_at=at,
        name=name,
        properties=properties,
    )


def told(customer: Customer) -> list[tuple[str, str]]:
    found = Event.objects.filter(customer=customer, type__in=["entered", "left"]).order_by("pk")
    return [(event.type, event.properties["segment"]) for event in found]


def test_who_fits_is_in_and_everything_says_so() -> None:
    ann, bob = CustomerFactory(traits={"age": 20}), CustomerFactory(traits={"age": 10})
    adults = segment()
    assert count(adults) == "good"
    adults.refresh_from_db()
    assert (adults.state, adults.rows, adults.good_version, inside(adults)) == ("good", 1, 1, {ann.pk})
    ann.refresh_from_db()
    assert (queries.segments_of(ann), told(ann), told(bob)) == (["s"], [("entered", "s")], [])
    Customer.objects.filter(pk=ann.pk).update(traits={"age": 3})
    operations.recount(segment=adults, by="x")
    assert count(adults) == "good"
    ann.refresh_from_db()
    assert (queries.segments_of(ann), told(ann)) == ([], [("entered", "s"), ("left", "s")])
    assert not SegmentChange.objects.exists()
    assert count(adults) == "idle"


def test_one_customer_is_judged_for_all_segments_at_once(django_assert_num_queries: Any) -> None:
    ann = CustomerFactory(traits={"age": 20})
    adults, buyers = segment("adults"), segment("buyers", BOUGHT_TWICE)
    parts = [{"fact": f"segment.{key}", "op": "==", "value": True} for key in ("adults", "buyers")]
    both = segment("both", {"all": parts})
    for at in (NOON, NOON - dt.timedelta(days=1)):
        happened(ann, "Order Completed", at)
    assert operations.refresh_memberships(customers=[ann.pk], now=NOON) == 3
    assert all(inside(one) == {ann.pk} for one in (adults, buyers, both))
    ann.refresh_from_db()
    assert queries.segments_of(ann) == ["adults", "both", "buyers"]
    # The segments, the gate, who is being counted, and a statement for each level.
    with django_assert_num_queries(5):
        assert operations.refresh_memberships(customers=[ann.pk], now=NOON) == 0
    assert operations.refresh_memberships(customers=[ann.pk], now=NOON + dt.timedelta(days=91)) == 2
    assert inside(buyers) == inside(both) == set()


def test_consent_moves_at_once() -> None:
    ann = CustomerFactory()
    willing = segment("willing", {"fact": "consent.marketing", "op": "==", "value": "given"})
    for is_given in (True, False):
        operations.record_consent(customer=ann, choices=[Choice(is_given)], how=How.STAFF, by="x", now=NOON)
        assert (inside(willing) == {ann.pk}) is is_given
    assert Consent.objects.count() == 2


def test_circles_and_what_does_not_exist_are_refused() -> None:
    one = segment("one")
    segment("two", {"fact": "segment.one", "op": "==", "value": True})
    with pytest.raises(Invalid) as refused:
        operations.revise_segment(
            segment=one, version=1, by="x", now=NOON, name="one", rule={"fact": "segment.two", "op": "==", "value": False}
        )
    assert [error.code for error in refused.value.errors] == ["circle"]
    for rule, code in (
        ({"fact": "segment.self", "op": "==", "value": True}, "circle"),
        ({"fact": "segment.no", "op": "==", "value": True}, "unknown-segment"),
        ({"fact": "customer.segments", "op": "has", "value": "one"}, "unknown-fact"),
        ({"event": {}, "op": "==", "value": 0}, "required"),
        ({"purchases": {"measure": "paid"}, "op": ">=", "value": 1}, "required"),
        ({"fact": "customer.a\ud800", "op": "==", "value": 1}, "bad-text"),
    ):
        with pytest.raises(Invalid) as refused:
            segment("self", rule)
        assert code in [error.code for error in refused.value.errors]
    with pytest.raises(operations.SegmentInUse):
        operations.archive_segment(segment=one, by="x", now=NOON)


def test_a_change_counts_what_refers_to_it() -> None:
    ann = CustomerFactory(traits={"age": 20})
    adults = segment("adults")
    others = segment("others", {"fact": "segment.adults", "op": "==", "value": False})
    assert count(others) == "good"
    assert inside(others) == {ann.pk}
    assert count(adults) == "good"
    others.refresh_from_db()
    assert others.state == "waiting"
    assert operations.tend_segments(now=NOON) == [others.pk]
    assert count(others) == "good"
    assert inside(others) == set()


def test_an_archived_segment_is_left_by_all() -> None:
    ann = CustomerFactory(traits={"age": 20})
    adults = segment()
    count(adults)
    operations.archive_segment(segment=adults, by="x", now=NOON)
    operations.tell_changes()
    ann.refresh_from_db()
    assert (queries.segments_of(ann), inside(adults)) == ([], set())
    segment()  # the key is free


def test_a_list_is_kept_by_hand_and_moves_with_a_merge() -> None:
    ann, bob = CustomerFactory(), CustomerFactory()
    friends = segment("friends", None, kind="list")
    assert operations.change_list(segment=friends, add=[ann.pk, bob.pk], by="x", now=NOON) == (2, 0)
    assert operations.change_list(segment=friends, add=[ann.pk], take_out=[ann.pk], by="x", now=NOON) == (0, 1)
    record = operations.merge(one=ann, other=bob, by="x", reason="same", now=NOON)
    survivor, merged = record.survivor, record.merged
    assert inside(friends) == {survivor.pk}
    survivor.refresh_from_db()
    assert queries.segments_of(survivor) == ["friends"]
    operations.split(merge=record, by="x", reason="not", now=NOON)
    assert inside(friends) == {bob.pk}
    merged.refresh_from_db()
    assert queries.segments_of(Customer.objects.get(pk=bob.pk)) == ["friends"]


def test_nobody_becomes_a_member_by_saying_so() -> None:
    ann = CustomerFactory(traits={"segments": ["vip"]})
    assert "segments" not in queries.known_of(ann)
    from customers.rules.conditions import AUDIENCE_FACTS, parse

    asked = parse({"fact": "customer.segments", "op": "has", "value": "vip"}, facts=AUDIENCE_FACTS)
    assert not queries.matching(asked).exists()


def test_a_failing_count_says_why_and_keeps_the_last_good_members() -> None:
    ann = CustomerFactory(traits={"age": 20})
    adults = segment()
    count(adults)
    # As a rule that a later version of the language does not read any more.
    Segment.objects.filter(pk=adults.pk).update(rule={"fact": "customer.age", "op": "older", "value": 1}, state="waiting")
    assert count(adults) == "failed"
    adults.refresh_from_db()
    assert adults.reason.startswith("One of: ==")
    assert inside(adults) == {ann.pk}


# --- With real connections and processes ------------------------------------------------------------------------------------


@pytest.fixture
def second() -> Iterator[Any]:
    """A connection of its own."""
    where = connection.get_connection_params() | {"cursor_factory": None, "context": None}
    with psycopg.connect(**where, autocommit=True) as other:
        yield other


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.02)


def is_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_locks w USING (pid) WHERE l.locktype = 'advisory' AND l.classid = %s"
            " AND NOT w.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            [COUNTING],
        )
        return bool(cursor.fetchone()[0])


def in_a_thread(pool: ThreadPoolExecutor, one: Segment, **options: Any) -> "Future[str]":
    def work() -> str:
        try:
            return count(one, **options)
        finally:
            connection.close()

    return pool.submit(work)


@pytest.fixture
def in_background() -> Iterator[None]:
    """Nobody works through what is enqueued: the test says when something is counted."""
    from celery import current_app

    before = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = False
    yield
    current_app.conf.task_always_eager = before


@pytest.fixture
def counted(in_background: None) -> tuple[Customer, Customer, Segment]:
    """Ann is in; Bob would come in with the next count, which reads the timeline."""
    ann, bob = CustomerFactory(), CustomerFactory()
    ChannelFactory()
    buyers = segment("buyers", BOUGHT_TWICE)
    for _time in range(2):
        happened(ann, "Order Completed")
    assert count(buyers) == "good"
    for _time in range(2):
        happened(bob, "Order Completed")
    operations.recount(segment=buyers, by="x")
    return ann, bob, buyers


@pytest.mark.django_db(transaction=True)
def test_a_stopped_count_leaves_the_last_good_members(counted: Any) -> None:
    ann, bob, buyers = counted
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE customers_event IN ACCESS EXCLUSIVE MODE")
            running = in_a_thread(pool, buyers)
            wait_until(is_waiting_for_a_lock)
            operations.stop_count(segment=buyers, by="Ann")
            # It ends at once, while what it waits for is still locked.
            assert running.result(10) == "obsolete"
    buyers.refresh_from_db()
    assert (buyers.state, buyers.reason) == ("cancelled", "Stopped by Ann.")
    assert inside(buyers) == {ann.pk}
    operations.recount(segment=buyers, by="x")
    assert count(buyers) == "good"
    assert inside(buyers) == {ann.pk, bob.pk}


@pytest.mark.django_db(transaction=True)
def test_an_edited_count_begins_anew_and_the_old_one_writes_nothing(counted: Any, second: Any) -> None:
    ann, _bob, buyers = counted
    with ThreadPoolExecutor(1) as pool:
        second.execute("BEGIN")
        second.execute("LOCK TABLE customers_event IN ACCESS EXCLUSIVE MODE")
        running = in_a_thread(pool, buyers)
        wait_until(is_waiting_for_a_lock)
        new = {**BOUGHT_TWICE, "value": 3}
        operations.revise_segment(segment=buyers, version=1, by="x", now=NOON, name="b", rule=new)
        assert running.result(10) == "obsolete"
        second.execute("COMMIT")
    assert inside(buyers) == {ann.pk}
    assert (buyers.state, buyers.version) == ("waiting", 2)
    with pytest.raises(operations.SegmentChanged):
        operations.revise_segment(segment=buyers, version=1, by="x", now=NOON, name="b", rule=BOUGHT_TWICE)
    assert count(buyers) == "good"
    assert inside(buyers) == set()


@pytest.mark.django_db(transaction=True)
def test_a_count_of_an_old_version_writes_nothing_although_nobody_could_stop_it(counted: Any, second: Any) -> None:
    ann, _bob, buyers = counted
    with ThreadPoolExecutor(1) as pool:
        second.execute("BEGIN")
        second.execute("LOCK TABLE customers_event IN ACCESS EXCLUSIVE MODE")
        running = in_a_thread(pool, buyers)
        wait_until(is_waiting_for_a_lock)
        Segment.objects.filter(pk=buyers.pk).update(version=2, state="waiting")
        second.execute("COMMIT")
        assert running.result(10) == "obsolete"
    assert inside(buyers) == {ann.pk}


@pytest.mark.django_db(transaction=True)
def test_a_count_that_takes_too_long_says_so(counted: Any, second: Any) -> None:
    ann, _bob, buyers = counted
    second.execute("BEGIN")
    second.execute("LOCK TABLE customers_event IN ACCESS EXCLUSIVE MODE")
    assert count(buyers, timeout=dt.timedelta(seconds=1)) == "failed"
    second.execute("COMMIT")
    buyers.refresh_from_db()
    assert (buyers.state, buyers.reason) == ("failed", "It took longer than 1 seconds and was given up.")
    assert inside(buyers) == {ann.pk}


COUNT_IT = """
import django; django.setup()
from django.conf import settings; settings.DATABASES["default"]["NAME"] = {name!r}
from customers import operations
operations.count_segment(segment={pk})
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_count_leaves_the_last_good_members_and_begins_again(counted: Any, second: Any) -> None:
    ann, bob, buyers = counted
    second.execute("BEGIN")
    second.execute("LOCK TABLE customers_event IN ACCESS EXCLUSIVE MODE")
    script = COUNT_IT.format(name=connection.settings_dict["NAME"], pk=buyers.pk)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "incentives_site.settings"}
    killed = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        wait_until(is_waiting_for_a_lock)
        assert operations.tend_segments(now=NOON) == []  # somebody is at it
        killed.kill()
        killed.wait(10)
        # The database notices although the statement still waits.
        wait_until(lambda: operations.tend_segments(now=NOON) == [buyers.pk])
    finally:
        killed.kill()
    assert inside(buyers) == {ann.pk}
    second.execute("COMMIT")
    operations.count_segment(segment=buyers.pk)
    assert inside(buyers) == {ann.pk, bob.pk}
    assert told(bob) == [("entered", "buyers")]


@pytest.mark.django_db(transaction=True)
def test_what_happens_to_a_customer_during_a_count_is_newer_than_the_count(second: Any, in_background: None) -> None:
    ann, bob = CustomerFactory(traits={"age": 20}), CustomerFactory(traits={"age": 10})
    ChannelFactory()
    # The second part makes the count read the timeline, where it can be held up.
    adults = segment("adults", {"any": [ADULTS, {"event": {"name": "never"}, "op": ">", "value": 0}]})
    with ThreadPoolExecutor(2) as pool:
        second.execute("BEGIN")
        second.execute("LOCK TABLE customers_event IN ACCESS EXCLUSIVE MODE")
        running = in_a_thread(pool, adults)
        wait_until(is_waiting_for_a_lock)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [operations._segments.GATE])  # type: ignore[attr-defined]
            second.execute("COMMIT")
            # It has counted, and waits for whoever is judging somebody.
            wait_until(is_waiting_for_a_lock)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            time.sleep(0.5)
            Customer.objects.filter(pk=ann.pk).update(traits={"age": 3})
            Customer.objects.filter(pk=bob.pk).update(traits={"age": 30})
            operations.refresh_memberships(customers=[ann.pk, bob.pk], now=NOON)
        assert running.result(10) == "good"
    assert inside(adults) == {bob.pk}
    assert not SegmentTouch.objects.exists()
    assert (told(ann), told(bob)) == ([], [("entered", "adults")])


@pytest.mark.django_db(transaction=True)
def test_two_are_counted_at_a_time(counted: Any, second: Any) -> None:
    _ann, _bob, buyers = counted
    more = [segment(f"more-{n}", BOUGHT_TWICE) for n in range(2)]
    with ThreadPoolExecutor(2) as pool:
        second.execute("BEGIN")
        second.execute("LOCK TABLE customers_event IN ACCESS EXCLUSIVE MODE")
        running = [in_a_thread(pool, one) for one in (buyers, more[0])]
        wait_until(lambda: Segment.objects.filter(state="running").count() == 2)
        assert count(more[1]) == "busy"
        assert count(buyers) == "busy"
        second.execute("COMMIT")
        assert [one.result(10) for one in running] == ["good", "good"]
    assert count(more[1]) == "good"

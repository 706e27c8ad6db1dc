"""Segments: counting one against the same SQL written by hand, and how soon a customer's change is seen while events come in."""

import base64
import datetime
import http.client
import json
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.redeem.sides import PROJECT, serving

from .crowd import batch

CUSTOMERS = 400_000
EVENTS = 4_000_000
CHANGED = 4_000  # how many the last count has wrong, for both sides
ACTIVE = 20  # segments that are asked with every event
PER_SECOND = 10  # batches of 100 beside the measurement
SAMPLES = 60
HEADERS = {"Authorization": "Basic " + base64.b64encode(b"benchmark:").decode(), "Content-Type": "application/json"}

_CUSTOMERS = """
INSERT INTO customers_customer (public_id, display_name, traits, facts, time_zone, language, created_at, first_seen_at)
SELECT gen_random_uuid(), 'Customer ' || n,
    jsonb_build_object('plan', CASE WHEN n %% 3 = 0 THEN 'a' ELSE 'b' END, 'age', n %% 80),
    jsonb_build_object('orders', n %% 12, 'spend', n %% 50000, 'stage', (ARRAY['new', 'active', 'lapsed'])[1 + n %% 3]),
    '', '', now(), now()
FROM generate_series(1, %s) AS n
"""
_EVENTS = """
INSERT INTO customers_event (public_id, customer_id, type, name, occurred_at, received_at, source, message_id, properties)
SELECT gen_random_uuid(), 1 + (n * 7919::bigint) %% %s, 'track',
    (ARRAY['Product Viewed', 'Email Opened', 'Product Viewed', 'Order Completed', 'Product Viewed'])[1 + n %% 5],
    now() - (n %% 120) * interval '1 day' - (n %% 86400) * interval '1 second', now(), 'bench', n::text,
    jsonb_build_object('category', (ARRAY['shoes', 'tea', 'bread', 'soap'])[1 + (n / 5) %% 4], 'price', n %% 1000)
FROM generate_series(1, %s) AS n
"""

# The rule, and what somebody would write who knows the tables.
RULES: list[tuple[str, Any, str]] = [
    (
        "bought shoes twice in 90 days",
        {
            "event": {
                "name": "Order Completed",
                "within_days": 90,
                "where": [{"property": "category", "op": "==", "value": "shoes"}],
            },
            "op": ">=",
            "value": 2,
        },
        """SELECT c.id AS customer_id FROM customers_customer c JOIN (
            SELECT e.customer_id FROM customers_event e
            WHERE e.name = 'Order Completed' AND e.properties ->> 'category' = 'shoes'
                AND e.occurred_at > %(now)s - interval '90 days' AND e.occurred_at <= %(now)s
            GROUP BY e.customer_id HAVING count(*) >= 2) b ON b.customer_id = c.id
            WHERE c.forwarded_to_id IS NULL AND c.erased_at IS NULL""",
    ),
    (
        "plan a, three orders, opened no mail in 30 days",
        {
            "all": [
                {"fact": "customer.plan", "op": "==", "value": "a"},
                {"fact": "customer.orders", "op": ">=", "value": 3},
                {"event": {"name": "Email Opened", "within_days": 30}, "op": "==", "value": 0},
            ]
        },
        """SELECT c.id AS customer_id FROM customers_customer c
            WHERE c.forwarded_to_id IS NULL AND c.erased_at IS NULL AND c.traits ->> 'plan' = 'a'
            AND (c.facts ->> 'orders')::int >= 3 AND NOT EXISTS (
                SELECT 1 FROM customers_event e WHERE e.customer_id = c.id AND e.name = 'Email Opened'
                    AND e.occurred_at > %(now)s - interval '30 days' AND e.occurred_at <= %(now)s)""",
    ),
    (
        "active, or viewed twenty articles in 60 days",
        {
            "any": [
                {"fact": "customer.stage", "op": "in", "value": ["active", "won_back"]},
                {"event": {"name": "Product Viewed", "within_days": 60}, "op": ">=", "value": 20},
            ]
        },
        """SELECT c.id AS customer_id FROM customers_customer c
            WHERE c.forwarded_to_id IS NULL AND c.erased_at IS NULL AND c.facts ->> 'stage' IN ('active', 'won_back')
            UNION SELECT c.id FROM customers_customer c JOIN (
                SELECT e.customer_id FROM customers_event e WHERE e.name = 'Product Viewed'
                    AND e.occurred_at > %(now)s - interval '60 days' AND e.occurred_at <= %(now)s
                GROUP BY e.customer_id HAVING count(*) >= 20) v ON v.customer_id = c.id
            WHERE c.forwarded_to_id IS NULL AND c.erased_at IS NULL""",
    ),
]
# What follows from a difference, as one writes it who does all at once: members, timeline, facts.
_BY_HAND = (
    "CREATE TEMPORARY TABLE by_hand ON COMMIT DROP AS {select}",
    """CREATE TEMPORARY TABLE gone ON COMMIT DROP AS WITH d AS (
        DELETE FROM customers_segmentmember m WHERE segment_id = %(segment)s AND NOT EXISTS (
            SELECT 1 FROM by_hand b WHERE b.customer_id = m.customer_id) RETURNING customer_id) SELECT * FROM d""",
    """CREATE TEMPORARY TABLE come ON COMMIT DROP AS WITH i AS (
        INSERT INTO customers_segmentmember (segment_id, customer_id, since) SELECT %(segment)s, b.customer_id, %(now)s
        FROM by_hand b WHERE NOT EXISTS (SELECT 1 FROM customers_segmentmember m
        WHERE m.segment_id = %(segment)s AND m.customer_id = b.customer_id) RETURNING customer_id) SELECT * FROM i""",
    """INSERT INTO customers_event (public_id, customer_id, type, name, occurred_at, received_at, source, message_id, properties)
        SELECT gen_random_uuid(), customer_id, type, 'x', %(now)s, %(now)s, 'hand', gen_random_uuid()::text, '{{"segment": "x"}}'
        FROM (SELECT customer_id, 'left' FROM gone UNION ALL SELECT customer_id, 'entered' FROM come) AS t (customer_id, type)""",
    """UPDATE customers_customer c SET facts = c.facts - 'segments' FROM gone g WHERE g.customer_id = c.id""",
    """UPDATE customers_customer c SET facts = c.facts || '{{"segments": ["x"]}}' FROM come g WHERE g.customer_id = c.id""",
)


def rows(rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    _load()
    for name, rule, by_hand in RULES:
        yield _counting(name, rule, by_hand, max(rounds, 3))
    yield from _visible(seconds)


def _load() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        # What the constraints check is right by construction.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_CUSTOMERS, [CUSTOMERS])
        cursor.execute("SELECT min(id) FROM customers_customer")
        assert cursor.fetchone()[0] == 1
        cursor.execute(_EVENTS, [CUSTOMERS, EVENTS])
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE customers_customer")
        cursor.execute("VACUUM ANALYZE customers_event")


def _counting(name: str, rule: Any, by_hand: str, rounds: int) -> dict[str, Any]:
    """Both sides find the same members wrong in the same number of places, and put right all that follows from it."""
    from django.utils import timezone

    from customers import operations
    from customers.models import Segment, SegmentMember

    # Made as a row, so that no worker counts it before we do.
    now = timezone.now()
    made = Segment.objects.create(key=f"bench-{name[:5]}".rstrip(), name=name, rule=rule, created_at=now, changed_at=now)
    started = time.perf_counter()
    outcome = operations.count_segment(segment=made.pk)
    made.refresh_from_db()
    assert outcome.outcome == "good", (outcome, made.reason)
    first = time.perf_counter() - started
    right = SegmentMember.objects.filter(segment=made).count()
    times: dict[str, list[float]] = {"ours": [], "hand": []}
    for turn in range(rounds):
        for side in ("ours", "hand") if turn % 2 else ("hand", "ours"):
            _spoil(made.pk, turn)
            now = timezone.now()
            started = time.perf_counter()
            if side == "ours":
                Segment.objects.filter(pk=made.pk).update(state="waiting")
                done = operations.count_segment(segment=made.pk)
                assert done.outcome == "good", done
            else:
                _do_by_hand(made.pk, by_hand, now)
            times[side].append(time.perf_counter() - started)
            # Both have found the same, but for what a window let go of meanwhile.
            assert abs(SegmentMember.objects.filter(segment=made).count() - right) <= CUSTOMERS // 1000
    ours, hand = statistics.median(times["ours"]), statistics.median(times["hand"])
    operations.archive_segment(segment=made, by="bench", now=timezone.now())
    operations.tell_changes()
    return {
        "row": f"c: {name}",
        "what": f"seconds to count anew over {CUSTOMERS:,} customers and {EVENTS:,} events, {CHANGED:,} changes",
        "ours": round(ours, 2),
        "by_hand": round(hand, 2),
        "ratio": round(ours / hand, 2),
        "members": right,
        "first_count_with_all_entering": round(first, 2),
        "target": 1.3,
        "met": ours / hand <= 1.3,
    }


def _spoil(segment: int, turn: int) -> None:
    """Half as many too few, half as many too many, others every time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM customers_segmentmember WHERE id IN (SELECT id FROM customers_segmentmember WHERE segment_id = %s"
            " ORDER BY hashint8(customer_id + %s) LIMIT %s)",
            [segment, turn, CHANGED // 2],
        )
        cursor.execute(
            "INSERT INTO customers_segmentmember (segment_id, customer_id, since)"
            " SELECT %s, c.id, now() FROM customers_customer c WHERE NOT EXISTS ("
            "SELECT 1 FROM customers_segmentmember m WHERE m.segment_id = %s AND m.customer_id = c.id)"
            " ORDER BY hashint8(c.id + %s) LIMIT %s",
            [segment, segment, turn, CHANGED // 2],
        )


def _do_by_hand(segment: int, select: str, now: datetime.datetime) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        for statement in _BY_HAND:
            cursor.execute(statement.format(select=select), {"segment": segment, "now": now})


# --- How soon a change is seen ----------------------------------------------------------------------------------------------


def _visible(seconds: float) -> Iterator[dict[str, Any]]:
    from django.db import connection
    from django.utils import timezone

    from customers import operations
    from customers.models import Channel, Segment, Source

    channel = Channel.objects.create(key="web", name="Web", kind="web")
    Source.objects.create(trust="server", key="shop", name="Shop", channel=channel, write_key="benchmark")
    now = timezone.now()
    target = operations.define_segment(
        name="Seen",
        key="seen",
        rule={"event": {"name": "Bench Seen", "within_days": 7}, "op": ">=", "value": 1},
        by="bench",
        now=now,
    )
    for n in range(ACTIVE - 1):
        name, rule, _sql = RULES[n % len(RULES)]
        Segment.objects.create(key=f"s{n}", name=f"{name} {n}", rule={"all": [rule]}, created_at=now, changed_at=now)
    # As if they had been counted: here it is about single customers.
    Segment.objects.update(state="good", good_at=now)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # what was loaded is not written out while we measure
    took: list[float] = []
    with serving(2) as port:
        worker = subprocess.Popen([sys.executable, "manage.py", "process_events"], cwd=PROJECT)
        ended = threading.Event()
        sent = [0]
        crowd = threading.Thread(target=_keep_sending, args=(port, ended, sent))
        begun = time.perf_counter()
        crowd.start()
        try:
            time.sleep(2)
            _wait_until_worked_through()
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for n in range(SAMPLES):
                event = {"type": "track", "event": "Bench Seen", "userId": f"seen-{n}", "messageId": f"seen-{n}"}
                started = time.perf_counter()
                link.request("POST", "/v1/track", json.dumps(event).encode(), HEADERS)
                assert link.getresponse().read() == b'{"success": true}'
                _wait_for(target.pk, f"seen-{n}", started)
                took.append(time.perf_counter() - started)
                time.sleep(0.1)
        finally:
            ended.set()
            crowd.join()
            rate = 100 * sent[0] / (time.perf_counter() - begun)
            worker.terminate()
            worker.wait(30)
            connection.close()
    took.sort()
    p95 = took[int(len(took) * 0.95)]
    yield {
        "row": "d",
        "what": f"seconds from an event to the membership that follows, {ACTIVE} segments, {round(rate):,} events/s beside",
        "ours": round(p95, 3),
        "median": round(statistics.median(took), 3),
        "target": 1.0,
        "met": p95 < 1.0,
    }


def _wait_until_worked_through() -> None:
    """What came in while the worker started is not what is measured."""
    from customers.models import Intake

    end = time.perf_counter() + 60
    while Intake.objects.count() > 1 and time.perf_counter() < end:
        time.sleep(0.05)


def _wait_for(segment: int, who: str, started: float) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        while time.perf_counter() - started < 30:
            cursor.execute(
                "SELECT 1 FROM customers_segmentmember m JOIN customers_identity i ON i.customer_id = m.customer_id"
                " WHERE m.segment_id = %s AND i.kind = 'user_id' AND i.value = %s",
                [segment, who],
            )
            if cursor.fetchone():
                return
            time.sleep(0.005)
    raise AssertionError(f"{who} has not entered within 30 seconds")


def _keep_sending(port: int, ended: threading.Event, sent: list[int]) -> None:
    chance = random.Random(7)
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    due = time.perf_counter()
    while not ended.is_set():
        link.request("POST", "/v1/batch", batch(chance, datetime.datetime.now(datetime.UTC)), HEADERS)
        link.getresponse().read()
        sent[0] += 1
        due += 1 / PER_SECOND
        time.sleep(max(0, due - time.perf_counter()))

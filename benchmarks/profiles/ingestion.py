"""Events over HTTP through gunicorn with two workers, durable before they are answered, and worked through beside it."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.redeem.sides import PROJECT, serving

SHOPS = 4
WORKERS = 2
PUBLISHED = 1_700  # events a second that RudderStack publishes for its gateway on 2 cores


def rows(rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Accepted and worked-through events a second, the median of the rounds, and COPY of the same rows beside it."""
    _begin()
    accepted, processed, p95, copied = [], [], [], []
    for number in range(rounds):
        before = _counted()
        took, done, tail = _round(number, seconds)
        accepted.append(took)
        processed.append(done)
        p95.append(tail)
        copied.append(_copy_again(before))
    accept, process, ceiling = statistics.median(accepted), statistics.median(processed), statistics.median(copied)
    yield {
        "row": "a",
        "what": f"events accepted over HTTP, {SHOPS} shops, batches of 100, durable before 200",
        "ours": round(accept),
        "p95_ms": round(statistics.median(p95), 1),
        "published_by_a_peer": PUBLISHED,
        "target": 4_000,
        "met": accept >= 4_000,
    }
    yield {
        "row": "b",
        "what": "events on the timeline, resolved, insight fresh, while they come in and until none waits",
        "ours": round(process),
        "copy_of_the_same_rows": round(ceiling),
        "of_the_ceiling": round(process / ceiling, 3),
        "target": 2_500,
        "met": process >= 2_500,
    }


def _begin() -> None:
    from customers.models import Channel, Source

    channel = Channel.objects.create(key="web", name="Web", kind="web")
    Source.objects.create(trust="server", key="shop", name="Shop", channel=channel, write_key="benchmark")


def _counted() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(max(id), 0) FROM customers_event")
        return int(cursor.fetchone()[0])


def _round(number: int, seconds: float) -> tuple[float, float, float]:
    """Accepted and worked-through events a second, and the 95th percentile of a request in milliseconds."""
    from customers.models import Intake

    with serving(WORKERS) as port:
        worker = subprocess.Popen([sys.executable, "manage.py", "process_events"], cwd=PROJECT)
        shops = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.profiles.client", str(port), str(number * SHOPS + n), str(int(seconds * 40))],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(SHOPS)
        ]
        try:
            for shop in shops:
                assert shop.stdout
                assert shop.stdout.readline() == "ready\n"
            for shop in shops:
                assert shop.stdin
                shop.stdin.write(f"{seconds}\n")
                shop.stdin.flush()
            answered = [pair for shop in shops for pair in json.loads(shop.communicate()[0])]
            while Intake.objects.exists():
                time.sleep(0.02)
            done_at = time.time()
        finally:
            worker.terminate()
            worker.wait(30)
    begun, ended = min(pair[0] for pair in answered), max(pair[1] for pair in answered)
    events = 100 * len(answered)
    taken = sorted((end - start) * 1000 for start, end in answered)
    return events / (ended - begun), events / (done_at - begun), taken[int(len(taken) * 0.95)]


def _copy_again(before: int) -> float:
    """Rows a second when COPY writes what this round wrote, into the same tables, in one transaction; then it is undone."""
    from django.db import connection, transaction

    from customers.models import Event, SeenMessage
    from incentives_site.shared.copying import copy_rows

    names = [field.name for field in Event._meta.concrete_fields if field.name != "id"]
    with connection.cursor() as cursor:
        columns = ", ".join(
            f"{field.column}::text" if field.get_internal_type() == "JSONField" else str(field.column)
            for field in Event._meta.concrete_fields
            if field.name != "id"
        )
        cursor.execute(f"SELECT {columns} FROM customers_event WHERE id > %s", [before])  # noqa: S608
        events = cursor.fetchall()
        cursor.execute("SELECT digest, seen_at FROM customers_seenmessage ORDER BY seen_at DESC LIMIT %s", [len(events)])
        seen = cursor.fetchall()
        transaction.set_autocommit(False)
        try:
            cursor.execute("DELETE FROM customers_event WHERE id > %s", [before])
            cursor.execute("DELETE FROM customers_seenmessage WHERE digest = ANY(%s)", [[digest for digest, _at in seen]])
            started = time.perf_counter()
            copy_rows(Event, names, events)
            copy_rows(SeenMessage, ["digest", "seen_at"], seen)
            taken = time.perf_counter() - started
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)
    return len(events) / taken

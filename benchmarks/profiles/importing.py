"""Customers from a file: a CSV with consent, checked and brought in by a worker process of its own; time and peak memory."""

import datetime
import io
import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

LINES = 1_000_000
MOST_MEMORY = 300  # MB
HEADS = ["identity:email", "identity:loyalty_card", "name", "trait:city", "language", "consent:"]


def rows(_rounds: int, _seconds: float, lines: int = LINES) -> Iterator[dict[str, Any]]:
    from celery import current_app

    from customers import operations
    from customers.models import Consent, Customer, Event

    body = b"E-mail,Card,Name,City,Language,Newsletter\n" + b"".join(
        b"person%d@mail.test,C%09d,Person %d,Rome,it,%s\n" % (n, n, n, (b"yes", b"no", b"")[n % 3]) for n in range(lines)
    )
    now = datetime.datetime.now(datetime.UTC)
    current_app.conf.task_always_eager = False  # the work is done by the processes that are measured
    row = operations.begin_import(file=io.BytesIO(body), name="people.csv", size=len(body), by="bench", now=now)
    operations.work_import(import_id=row.pk, clock=lambda: now)
    row.refresh_from_db()
    operations.order_check(row=row, meanings=HEADS, wording="Fair 2026", now=now)
    checked = _work(row.pk)
    row.refresh_from_db()
    assert row.state == "checked", row.failure
    operations.order_run(row=row, now=now)
    brought = _work(row.pk)
    row.refresh_from_db()
    assert (row.state, row.counts) == ("done", {"new": lines}), (row.state, row.failure, row.counts)
    found = (Customer.objects.count(), Event.objects.filter(type="imported").count(), Consent.objects.count())
    assert found == (lines, lines, lines - lines // 3), found
    yield {
        "row": "g",
        "what": f"{lines:,} lines of CSV ({len(body) / 2**20:.0f} MB) with two identifiers and a consent, brought in",
        "seconds": round(brought["seconds"], 1),
        "lines_per_second": round(lines / brought["seconds"]),
        "seconds_of_the_check": round(checked["seconds"], 1),
        "peak_mb": round(max(brought["peak_mb"], checked["peak_mb"])),
        "target": MOST_MEMORY,
        "met": max(brought["peak_mb"], checked["peak_mb"]) <= MOST_MEMORY,
    }


def _work(pk: int) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", __name__, str(pk)], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """What the worker does with one import, and what it took."""
    import django

    django.setup()
    from django.utils import timezone

    from customers import operations

    started = time.perf_counter()
    operations.work_import(import_id=int(sys.argv[1]), clock=timezone.now)
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_mb": _peak()}))


def _peak() -> float:
    """Megabytes this program has held at most; ``getrusage`` would tell of the process it was started from as well."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc tells no VmHWM")


if __name__ == "__main__":
    main()

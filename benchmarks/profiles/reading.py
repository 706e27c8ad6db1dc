"""Reading a profile: one question for the look-up, and a page of a long timeline as quick as one of a short."""

import datetime
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

LONG, SHORT = 100_000, 100


def rows(rounds: int, _seconds: float) -> Iterator[dict[str, Any]]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from customers import queries

    long, short = _customer(LONG), _customer(SHORT)
    with CaptureQueriesContext(connection) as asked:
        assert queries.by_identity("user_id", f"reader-{LONG}") == long
    yield {"row": "e", "what": "queries of a look-up by identity", "ours": len(asked), "target": 1, "met": len(asked) == 1}

    def page(customer: Any) -> Callable[[], object]:
        return lambda: list(queries.timeline(customer)[:25])

    times: dict[str, list[float]] = {"long": [], "short": []}
    for turn in range(100 * rounds):
        pairs = [("long", page(long)), ("short", page(short))]
        for name, work in pairs if turn % 2 else pairs[::-1]:
            started = time.perf_counter()
            work()
            times[name].append((time.perf_counter() - started) * 1000)
    ours, floor = (statistics.median(times[name][20:]) for name in ("long", "short"))
    yield {
        "row": "f",
        "what": f"a page of the timeline of {LONG:,} events against one of {SHORT}, ms",
        "ours": round(ours, 3),
        "floor": round(floor, 3),
        "ratio": round(ours / floor, 2),
        "target": 1.5,
        "met": ours / floor <= 1.5,
    }


def _customer(events: int) -> Any:
    from django.db import connection

    from customers.models import Customer, Event, Identity
    from incentives_site.shared.copying import copy_rows

    customer = Customer.objects.create(display_name=f"{events} events")
    Identity.objects.create(customer=customer, kind="user_id", value=f"reader-{events}")
    now = datetime.datetime.now(datetime.UTC)
    fields = ["public_id", "customer", "type", "name", "occurred_at", "received_at", "source", "message_id", "properties"]
    copy_rows(
        Event,
        fields,
        (
            (
                uuid.uuid4(),
                customer.pk,
                "page",
                "Home",
                now - datetime.timedelta(minutes=5 * n),
                now,
                "bench",
                f"{events}-{n}",
                "{}",
            )
            for n in range(events)
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_event")
    return customer

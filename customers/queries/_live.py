"""What is coming in right now: the newest events, what waits, what was refused; bounded, whatever the traffic."""

import datetime
from dataclasses import dataclass

from django.core.cache import cache
from django.db import connection

from ..models import Customer, Event, Intake, Rejection

NEWEST = 20_000  # of all events, among which filters look
WINDOW = datetime.timedelta(hours=24)
MINUTES = 30
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: empty means any. ``is_any_time`` also finds those that happened before the window."""

    source: str = ""
    type: str = ""
    name: str = ""
    customer: Customer | None = None
    is_any_time: bool = False


def newest_number() -> int:
    """The number that was given to an event last; events are shown in this order, as they are written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM customers_event_numbers")
        number: int = cursor.fetchone()[0]
    return number


def live_events(wanted: Wanted, *, now: datetime.datetime, after: int = 0, most: int = AT_ONCE) -> list[Event]:
    """The newest that are ``wanted`` and have a number above ``after``, the newest first.

    Of one customer the whole window is looked at, else the newest 20,000 events.
    """
    events = Event.objects.select_related("channel", "customer", "customer__forwarded_to").defer("customer__facts")
    if wanted.customer is not None:
        events = events.filter(customer=wanted.customer, pk__gt=after)
    else:
        events = events.filter(pk__gt=max(after, newest_number() - NEWEST))
    if not wanted.is_any_time:
        events = events.filter(occurred_at__gt=now - WINDOW)  # leaves the partitions of other months alone
    if wanted.source:
        events = events.filter(source=wanted.source)
    if wanted.type:
        events = events.filter(type=wanted.type)
    if wanted.name:
        events = events.filter(name__icontains=wanted.name)
    if wanted.customer is not None:
        events = events.order_by("-occurred_at", "-pk")
    else:
        events = events.order_by("-pk")
    return list(events[:most])


def rejections(source: str = "", *, most: int = 20) -> list[Rejection]:
    """What was refused last."""
    found = Rejection.objects.select_related("source").order_by("-pk")
    return list((found.filter(source__key=source) if source else found)[:most])


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many requests wait, and since when the first of them."""

    requests: int
    since: datetime.datetime | None


def waiting() -> Waiting:
    first = Intake.objects.order_by("pk").values_list("received_at", flat=True).first()
    return Waiting(Intake.objects.count() if first else 0, first)


def per_minute(*, now: datetime.datetime) -> list[tuple[datetime.datetime, int]]:
    """How many events came in each of the last thirty minutes and are worked through; counted every ten seconds at most."""
    last = now.replace(second=0, microsecond=0)
    minutes = [last - datetime.timedelta(minutes=back) for back in range(MINUTES - 1, -1, -1)]
    key = f"customers.per_minute:{last.isoformat()}:{now.second // 10}"
    counted: dict[str, int] | None = cache.get(key)
    if counted is None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT date_trunc('minute', seen_at, 'UTC'), count(*) FROM customers_seenmessage WHERE seen_at >= %s GROUP BY 1",
                [minutes[0]],
            )
            counted = {minute.isoformat(): count for minute, count in cursor.fetchall()}
        cache.set(key, counted, 20)
    return [(minute, counted.get(minute.isoformat(), 0)) for minute in minutes]

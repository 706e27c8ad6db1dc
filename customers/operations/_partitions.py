"""The months of the timeline: made ahead of time, let go of when they have been kept long enough."""

import datetime
import re

import structlog
from django.conf import settings
from django.db import connection, transaction

log = structlog.get_logger(__name__)

AHEAD = 12  # months: beyond lies no event, as none is taken from the future
NAME = re.compile(r"customers_event_(\d{4})_(\d{2})")


def tend_partitions(*, now: datetime.datetime) -> int:
    """Make what is missing up to a year ahead; drop months older than ``EVENTS_KEPT_MONTHS``; how many were made or dropped.

    A month is detached first, which holds up nobody who reads others, then dropped. Counters and facts made from it stay.
    """
    return _make(now) + _let_go(now, settings.EVENTS_KEPT_MONTHS)


def _make(now: datetime.datetime) -> int:
    made = 0
    with connection.cursor() as cursor:
        for ahead in range(AHEAD + 1):
            cursor.execute("SELECT customers_make_event_partition(%s)", [_month(now.date(), ahead)])
            made += cursor.fetchone()[0]
    return made


def _let_go(now: datetime.datetime, kept: int) -> int:
    if not kept:
        return 0
    first = _month(now.date(), -kept)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'customers_event'::regclass"
        )
        names = sorted(name for (name,) in cursor.fetchall())
        old = [
            name for name in names if (found := NAME.fullmatch(name)) and datetime.date(int(found[1]), int(found[2]), 1) < first
        ]
        for name in old:
            with transaction.atomic():
                cursor.execute(f'ALTER TABLE customers_event DETACH PARTITION "{name}"')
                cursor.execute(f'DROP TABLE "{name}"')
            log.info("events_let_go", month=name)
        cursor.execute("DELETE FROM customers_event_older")
        if cursor.rowcount:
            log.info("events_let_go", month="older", count=cursor.rowcount)
    return len(old)


def _month(day: datetime.date, ahead: int) -> datetime.date:
    months = day.year * 12 + day.month - 1 + ahead
    return datetime.date(months // 12, months % 12 + 1, 1)

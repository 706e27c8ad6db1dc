"""Whoever changes a customer outside of ingestion says so here, and it is judged anew a moment later: facts, then segments.

The note is a row of the transaction that changes the customer, so neither exists without the other. It costs the door one insert
that waits for nobody, or nothing when it is part of a statement that is sent anyway (``NOTED``); what is counted from the
timeline is counted afterwards, for many customers at once.
"""

import datetime
from collections.abc import Collection, Sequence

import structlog
from django.db import OperationalError, connection, transaction

from ..models import Unjudged
from ._insight import refresh_insight
from ._segments import refresh_memberships

AT_ONCE = 500
PIECES = 10
ATTEMPTS = 3
DEADLOCK = "40P01"

log = structlog.get_logger(__name__)

# Part of a statement that writes the event: the caller adds ``SELECT <customer>, <instant> FROM …``.
NOTED = "INSERT INTO customers_unjudged (customer_id, noted_at)"
_NOTE = NOTED + " SELECT id, %s FROM unnest(%s::bigint[]) AS changed (id)"  # noqa: S608  (a constant)


def note_changed(*, customers: Collection[int], now: datetime.datetime) -> None:
    """These customers, by their ids, are not what they were: have them judged anew. Joins the caller's transaction."""
    if customers:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, [now, sorted(set(customers))])


def judge_changed(*, now: datetime.datetime) -> int:
    """Bring facts and segments of those who changed up to date; how many customers. Any number of processes may do so at once.

    Zero: nobody waits, or others have them in hand. More may wait than one call looks at, so that where customers change all the
    time whoever calls comes to its other work.
    """
    total = 0
    for _piece in range(PIECES):
        if not Unjudged.objects.exists():
            break
        try:
            done = _judge(AT_ONCE, now)
        except OperationalError:
            raise
        except Exception:
            log.exception("customers_not_judged")
            done = _one_by_one(now)
        if done is None:
            break  # others have the rest in hand
        total += done
    return total


def _one_by_one(now: datetime.datetime) -> int | None:
    """One of them cannot be judged and must not hold up the others: the daily count of everybody comes back to it."""
    total = None
    for pk in Unjudged.objects.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]:
        try:
            done = _judge(1, now, pk)
        except OperationalError:
            raise
        except Exception:
            log.exception("customer_not_judged", note=pk)
            Unjudged.objects.filter(pk=pk).delete()
            done = 0
        if done is not None:
            total = (total or 0) + done
    return total


_TAKE = """
WITH taken AS (
    DELETE FROM customers_unjudged WHERE id IN (
        SELECT id FROM customers_unjudged WHERE %(only)s::bigint IS NULL OR id = %(only)s
        ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) RETURNING customer_id, noted_at
)
SELECT COALESCE(c.forwarded_to_id, c.id), max(t.noted_at)
FROM taken t LEFT JOIN customers_customer c ON c.id = t.customer_id GROUP BY 1
"""
_LOCK = """
SELECT id FROM customers_customer WHERE id = ANY(%s) AND forwarded_to_id IS NULL AND erased_at IS NULL
ORDER BY id FOR NO KEY UPDATE
"""


def _judge(most: int, now: datetime.datetime, only: int | None = None) -> int | None:
    """One piece of what waits; ``None`` when nothing was to be had."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_TAKE, {"most": most, "only": only})
                taken = cursor.fetchall()
                if not taken:
                    return None
                # In the order of ids, as everybody locks customers.
                cursor.execute(_LOCK, [[pk for pk, _at in taken if pk is not None]])
                customers: Sequence[int] = [pk for (pk,) in cursor.fetchall()]
                # What came after we looked at the clock has happened: it counts.
                seen_at = max([now, *(at for _pk, at in taken)])
                refresh_insight(customers=customers, now=seen_at)
                refresh_memberships(customers=customers, now=seen_at)
                return len(customers)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != DEADLOCK or attempt == ATTEMPTS - 1:
                raise
    return None

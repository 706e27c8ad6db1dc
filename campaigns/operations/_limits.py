"""Use up limits and give them back: exact under any concurrency.

One statement moves every counter of a redemption: each row is raised only if what is asked for still fits, and rows are taken in
the order of (limit, subject) everywhere, in both directions, so that two redemptions never wait for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from incentives_site.shared.json_text import json_text
from incentives_site.shared.prepared import prepared_cursor

from ..rules import limits


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """``amount`` (uses or minor units) wanted of a limit by a subject (a customer's public id, or empty for everybody)."""

    limit_id: int
    subject: str
    amount: int


# What the subject may use at most: a slot its part of the maximum, everybody else all of it.
_MOST = """CASE WHEN {subject} LIKE '#%%'
    THEN l.maximum / l.slots + CASE WHEN substr({subject}, 2)::int < l.maximum %% l.slots THEN 1 ELSE 0 END
    ELSE l.maximum END"""
# Part of a larger statement too (``consuming``): the demands are those of ``as_parameter``, once for each row of ``{each}``.
_CONSUME = f"""
INSERT INTO campaigns_limitcounter AS counter (limit_id, subject, used)
SELECT demand.limit_id, demand.subject, demand.amount
FROM {{each}} CROSS JOIN jsonb_to_recordset(%(demands)s::jsonb) AS demand (limit_id bigint, subject text, amount bigint)
JOIN campaigns_limit l ON l.id = demand.limit_id
WHERE demand.amount <= {_MOST.format(subject="demand.subject")}
ORDER BY demand.limit_id, demand.subject
ON CONFLICT (limit_id, subject) DO UPDATE SET used = counter.used + EXCLUDED.used
WHERE counter.used + EXCLUDED.used <= (
    SELECT {_MOST.format(subject="counter.subject")} FROM campaigns_limit l WHERE l.id = counter.limit_id
)
RETURNING limit_id
"""  # noqa: S608  (fixed pieces; every value is a parameter)


def consuming(each: str) -> str:
    """What uses up the demands of ``as_parameter``, once for each row of ``each``: a row for each that fits. Whoever gets fewer
    than were asked for must roll back.
    """
    return _CONSUME.format(each=each)


def as_parameter(demands: Sequence[Demand]) -> dict[str, str]:
    """``demands``, of which no two are of the same count (``merged``), for a statement with ``consuming``."""
    return {"demands": json_text([{"limit_id": d.limit_id, "subject": d.subject, "amount": d.amount} for d in demands])}


CONSUME = consuming("(SELECT) AS once")
SLOTS = """
INSERT INTO campaigns_limitcounter (limit_id, subject, used)
SELECT l.id, '#' || number, 0 FROM campaigns_limit l, generate_series(0, l.slots - 1) AS number
WHERE l.id = ANY(%s) ORDER BY l.id, '#' || number
ON CONFLICT DO NOTHING
"""
LOCKED = """
SELECT c.limit_id, c.subject, c.used, l.maximum, l.slots
FROM campaigns_limitcounter c JOIN campaigns_limit l ON l.id = c.limit_id
WHERE c.limit_id = ANY(%s) OR (c.limit_id, c.subject) IN (SELECT * FROM unnest(%s::bigint[], %s::text[]))
ORDER BY c.limit_id, c.subject FOR UPDATE OF c
"""

RESTORE = """
UPDATE campaigns_limitcounter AS counter SET used = counter.used - demand.amount
FROM (
    SELECT held.id, wanted.amount
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS wanted (limit_id, subject, amount)
    JOIN campaigns_limitcounter AS held ON held.limit_id = wanted.limit_id AND held.subject = wanted.subject
    ORDER BY held.limit_id, held.subject
    FOR UPDATE OF held
) AS demand
WHERE counter.id = demand.id
"""


def consume(demands: Sequence[Demand]) -> list[Demand] | None:
    """Use up all of ``demands`` in the caller's transaction; what was used where, or ``None`` when one does not fit.

    After ``None`` the caller must roll back. A demand on one slot of a limit is spread over the others when that one is full.
    """
    wanted = merged(demands)
    if not any(limits.is_slot(demand.subject) for demand in wanted):
        return wanted if _raise(wanted) else None
    try:
        with transaction.atomic():
            if not _raise(wanted):
                raise _Full
    except _Full:
        # Rolled back to here, so nothing is locked: now every slot is, in order, and what is asked for is spread over them.
        spread = _spread(wanted)
        return spread if spread is not None and _raise(spread) else None
    return wanted


class _Full(Exception):
    """One slot has no room for what is asked for."""


def _raise(demands: Sequence[Demand]) -> bool:
    if not demands:
        return True
    with prepared_cursor() as cursor:
        cursor.execute(CONSUME, as_parameter(demands))
        return len(cursor.fetchall()) == len(demands)


def _spread(demands: Sequence[Demand]) -> list[Demand] | None:
    slotted = sorted({demand.limit_id for demand in demands if limits.is_slot(demand.subject)})
    with connection.cursor() as cursor:
        cursor.execute(SLOTS, [slotted])
        cursor.execute(LOCKED, [slotted, *_columns(demands)[:2]])
        rows = cursor.fetchall()
    room: dict[int, dict[str, int]] = {}
    for limit_id, subject, used, maximum, slots in rows:
        if limits.is_slot(subject):
            room.setdefault(limit_id, {})[subject] = limits.capacity(maximum, slots, int(subject[1:])) - used
    found = []
    for demand in demands:
        if not limits.is_slot(demand.subject):
            found.append(demand)
            continue
        free, left = room[demand.limit_id], demand.amount
        for subject in sorted(free, key=lambda name: (name != demand.subject, name)):
            part = min(left, max(0, free[subject]))
            if part:
                found.append(Demand(demand.limit_id, subject, part))
                free[subject] -= part
                left -= part
        if left:
            return None
    return merged(found)


def restore(demands: Sequence[Demand]) -> None:
    """Give back what was used, in the caller's transaction. A limit that is gone has nothing to give back to."""
    if used := merged(demands):
        with connection.cursor() as cursor:
            cursor.execute(RESTORE, _columns(used))


def merged(demands: Sequence[Demand]) -> list[Demand]:
    """One demand of each count, in the order in which everybody takes them."""
    sums: dict[tuple[int, str], int] = {}
    for demand in demands:
        sums[demand.limit_id, demand.subject] = sums.get((demand.limit_id, demand.subject), 0) + demand.amount
    return sorted(Demand(limit_id, subject, amount) for (limit_id, subject), amount in sums.items() if amount)


def _columns(demands: Sequence[Demand]) -> list[list[object]]:
    return [[d.limit_id for d in demands], [d.subject for d in demands], [d.amount for d in demands]]

"""Use up limits and give them back: exact under any concurrency.

One statement moves every counter of a redemption: each row is raised only if what is asked for still fits, and rows are taken in
the order of (limit, subject) everywhere, in both directions, so that two redemptions never wait for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """``amount`` (uses or minor units) wanted of a limit by a subject (a customer's public id, or empty for everybody)."""

    limit_id: int
    subject: str
    amount: int


CONSUME = """
INSERT INTO campaigns_limitcounter AS counter (limit_id, subject, used)
SELECT demand.limit_id, demand.subject, demand.amount
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS demand (limit_id, subject, amount)
JOIN campaigns_limit ON campaigns_limit.id = demand.limit_id
WHERE demand.amount <= campaigns_limit.maximum
ORDER BY demand.limit_id, demand.subject
ON CONFLICT (limit_id, subject) DO UPDATE SET used = counter.used + EXCLUDED.used
WHERE counter.used + EXCLUDED.used <= (SELECT maximum FROM campaigns_limit WHERE campaigns_limit.id = counter.limit_id)
RETURNING limit_id
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


def consume(demands: Sequence[Demand]) -> bool:
    """Use up all of ``demands`` in the caller's transaction; ``False`` when one does not fit (the caller must roll back)."""
    merged = _merged(demands)
    if not merged:
        return True
    with connection.cursor() as cursor:
        cursor.execute(CONSUME, _columns(merged))
        return len(cursor.fetchall()) == len(merged)


def restore(demands: Sequence[Demand]) -> None:
    """Give back what was used, in the caller's transaction. A limit that is gone has nothing to give back to."""
    if merged := _merged(demands):
        with connection.cursor() as cursor:
            cursor.execute(RESTORE, _columns(merged))


def _merged(demands: Sequence[Demand]) -> list[Demand]:
    sums: dict[tuple[int, str], int] = {}
    for demand in demands:
        sums[demand.limit_id, demand.subject] = sums.get((demand.limit_id, demand.subject), 0) + demand.amount
    return sorted(Demand(limit_id, subject, amount) for (limit_id, subject), amount in sums.items() if amount)


def _columns(demands: Sequence[Demand]) -> list[list[object]]:
    return [[d.limit_id for d in demands], [d.subject for d in demands], [d.amount for d in demands]]

"""The proof of the books: each promise of ``docs/ledger.md`` as a statement that finds what breaks it."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """A promise that does not hold, how often, and the first few ids of what breaks it."""

    code: str
    sentence: str
    count: int
    examples: list[Any]


# code, sentence, and a statement whose rows each name one thing (its id) that breaks the promise.
PROMISES: list[tuple[str, str, str]] = [
    (
        "posting-not-zero",
        "The entries of a posting sum to zero for each unit.",
        """SELECT e.posting_id FROM redemptions_entry e JOIN redemptions_account a ON a.id = e.account_id
           GROUP BY e.posting_id, a.unit, a.contest HAVING sum(e.amount) <> 0""",
    ),
    (
        "posting-empty",
        "A posting has entries.",
        "SELECT p.id FROM redemptions_posting p WHERE NOT EXISTS (SELECT 1 FROM redemptions_entry e WHERE e.posting_id = p.id)",
    ),
    (
        "balance-unlike-entries",
        "A kept balance is the sum of its entries.",
        """SELECT a.id FROM redemptions_account a LEFT JOIN redemptions_entry e ON e.account_id = a.id
           WHERE a.kind NOT IN ('cost', 'outside') GROUP BY a.id HAVING a.balance <> COALESCE(sum(e.amount), 0)""",
    ),
    (
        "balance-overdrawn",
        "A balance is not overdrawn, but where a return may.",
        "SELECT id FROM redemptions_account WHERE balance < 0 AND NOT may_be_negative",
    ),
    (
        "lots-unlike-balance",
        "What is left of the lots is the balance, or nothing when it is negative.",
        """SELECT a.id FROM redemptions_account a LEFT JOIN redemptions_lot l ON l.account_id = a.id
           WHERE a.kind IN ('points', 'points_pending', 'credit')
           GROUP BY a.id HAVING GREATEST(a.balance, 0) <> COALESCE(sum(l.remaining), 0)""",
    ),
    (
        "lot-in-the-wrong-account",
        "Pending lots stand in accounts of pending points, and only they.",
        """SELECT l.id FROM redemptions_lot l JOIN redemptions_account a ON a.id = l.account_id
           WHERE l.is_pending <> (a.kind = 'points_pending')""",
    ),
    (
        "undone-twice",
        "No more is undone of a movement than it moved.",
        """SELECT p.id FROM redemptions_posting p
           JOIN redemptions_entry e ON e.posting_id = p.id JOIN redemptions_account a ON a.id = e.account_id
           JOIN redemptions_posting u ON u.undoes_id = p.id JOIN redemptions_entry x ON x.posting_id = u.id
           JOIN redemptions_account b ON b.id = x.account_id
           WHERE a.kind NOT IN ('cost', 'outside') AND b.kind NOT IN ('cost', 'outside')
           GROUP BY p.id, e.id, e.amount HAVING abs(sum(x.amount)) > abs(e.amount)""",
    ),
    (
        "limit-exceeded",
        "No counter is above its limit, but that of two customers who became one.",
        """SELECT min(c.id) FROM campaigns_limitcounter c JOIN campaigns_limit l ON l.id = c.limit_id
           GROUP BY l.id, l.maximum, CASE WHEN c.subject LIKE '#%%' THEN '' ELSE c.subject END
           HAVING sum(c.used) > l.maximum AND NOT EXISTS (
               SELECT 1 FROM customers_customer u WHERE u.merges > 0 AND u.public_id::text = left(min(c.subject), 36))""",
    ),
    (
        "limit-unlike-its-uses",
        "What is used of a limit is what redemptions used and did not give back, and what reservations hold.",
        """SELECT c.id FROM campaigns_limitcounter c LEFT JOIN (
               SELECT (d ->> 0)::bigint AS limit_id, d ->> 1 AS subject, (d ->> 2)::bigint AS amount
               FROM redemptions_appliedincentive a, jsonb_array_elements(a.consumed) d WHERE a.restored_at IS NULL
               UNION ALL
               SELECT (d ->> 0)::bigint, d ->> 1, (d ->> 2)::bigint
               FROM redemptions_reservation r, jsonb_array_elements(r.demands) d WHERE r.state = 'active'
           ) u ON u.limit_id = c.limit_id AND u.subject = c.subject
           GROUP BY c.id, c.used HAVING c.used <> COALESCE(sum(u.amount), 0)""",
    ),
    (
        "grant-reserved-by-nobody",
        "A reserved grant is held by one active reservation.",
        """SELECT g.id FROM campaigns_grant g LEFT JOIN redemptions_reservation r
           ON r.state = 'active' AND r.grants @> to_jsonb(g.id) WHERE g.state = 'reserved'
           GROUP BY g.id HAVING count(r.id) <> 1""",
    ),
    (
        "line-unlike-its-returns",
        "What came back of a line is what its returns say, and never more than was paid.",
        """SELECT l.id FROM redemptions_redemptionline l LEFT JOIN redemptions_returnline r ON r.line_id = l.id
           GROUP BY l.id HAVING l.returned <> COALESCE(sum(r.quantity), 0)
               OR COALESCE(sum(r.payable), 0) > l.payable OR COALESCE(sum(r.stored_value), 0) > l.stored_value
               OR (l.returned = l.quantity AND (COALESCE(sum(r.payable), 0) <> l.payable
                   OR COALESCE(sum(r.stored_value), 0) <> l.stored_value))""",
    ),
    (
        "tender-unlike-its-posting",
        "What a tender took is what its posting moved.",
        """SELECT t.id FROM redemptions_tender t JOIN redemptions_entry e ON e.posting_id = t.posting_id
           JOIN redemptions_account a ON a.id = e.account_id
           WHERE a.kind NOT IN ('cost', 'outside') GROUP BY t.id, t.units HAVING sum(e.amount) <> -t.units""",
    ),
    (
        "stored-value-unlike-its-tenders",
        "The stored value that paid a redemption is the sum of its tenders.",
        """SELECT r.id FROM redemptions_redemption r LEFT JOIN redemptions_tender t ON t.redemption_id = r.id
           GROUP BY r.id HAVING r.stored_value <> COALESCE(sum(t.amount), 0)""",
    ),
    (
        "hold-without-reservation",
        "Value that was held is held by an active reservation, was paid with, or came back.",
        """SELECT p.id FROM redemptions_posting p
           WHERE p.key LIKE 'hold:%%' AND NOT EXISTS (SELECT 1 FROM redemptions_posting u WHERE u.undoes_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM redemptions_tender t WHERE t.posting_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM redemptions_reservation r
                           WHERE r.state = 'active' AND 'hold:' || r.public_id || ':' = left(p.key, 42))""",
    ),
    (
        "redemption-unlike-its-incentives",
        "The discount of a redemption is the sum of what its incentives gave.",
        """SELECT r.id FROM redemptions_redemption r JOIN redemptions_appliedincentive a ON a.redemption_id = r.id
           WHERE r.discount IS NOT NULL GROUP BY r.id HAVING r.discount <> sum(COALESCE(a.amount, 0))
           AND bool_and(a.amount IS NOT NULL)""",
    ),
    (
        "grant-used-without-redemption",
        "A grant is used exactly when a redemption that was not returned used it.",
        """SELECT g.id FROM campaigns_grant g LEFT JOIN redemptions_appliedincentive a
           ON a.grant_id = g.id AND a.returned_at IS NULL
           WHERE (g.state = 'used' AND a.id IS NULL AND NOT EXISTS (
                      SELECT 1 FROM redemptions_appliedincentive b WHERE b.grant_id = g.id))
              OR (g.state = 'held' AND a.id IS NOT NULL)""",
    ),
    (
        "code-used-unlike-its-redemptions",
        "A code of a batch was used as often as redemptions used it without giving it back, and never more than it may be.",
        """SELECT o.id FROM campaigns_code o JOIN campaigns_codebatch b ON b.id = o.batch_id
           LEFT JOIN redemptions_appliedincentive a ON a.code_id = o.id
           WHERE o.used > 0 OR a.id IS NOT NULL GROUP BY o.id, o.used, b.uses_per_code
           HAVING o.used > b.uses_per_code OR o.used > count(a.id)
              OR o.used < count(a.id) FILTER (WHERE a.returned_at IS NULL)""",
    ),
]


def prove() -> list[LedgerFault]:
    """Every promise that does not hold now. Reads one snapshot when called in a repeatable-read transaction."""
    found = []
    with connection.cursor() as cursor:
        for code, sentence, statement in PROMISES:
            cursor.execute(
                f"SELECT count(*), (array_agg(id ORDER BY id))[1:{MOST_NAMED}] FROM ({statement}) AS broken (id)"  # noqa: S608
            )
            count, examples = cursor.fetchone()
            if count:
                found.append(LedgerFault(code, sentence, count, list(examples)))
    return found

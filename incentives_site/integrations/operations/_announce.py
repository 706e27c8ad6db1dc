"""Tell partners what happened: written with the thing itself, sent after it has committed."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.utils import timezone

from incentives_site.shared import jobs
from incentives_site.shared.json_text import json_text

from .. import queries
from ..rules.types import TYPES

DELIVER = "integrations.tasks.deliver_webhooks"

# It stands in the transactions that everybody waits for. Where nobody subscribed, one look at one small table is all; a memory of
# "nobody" would save it, and would lose what happens in the moments after somebody did subscribe. The rest is one statement: who
# is to be told, the message if it is anybody, and what has to be delivered.
_ANNOUNCING = """told AS (
    SELECT e.id FROM integrations_webhookendpoint e JOIN integrations_partner p ON p.id = e.partner_id
    WHERE e.is_active AND p.is_active AND %(told_type)s::text = ANY(e.types)
      AND (%(told_partner)s::text IS NULL OR p.key = %(told_partner)s::text)
), message AS (
    INSERT INTO integrations_webhookmessage (public_id, key, type, data, partner_id, created_at)
    SELECT gen_random_uuid(), %(told_key)s::text, %(told_type)s::text, %(told_data)s::jsonb,
           (SELECT id FROM integrations_partner WHERE key = %(told_partner)s::text), %(told_at)s::timestamptz
    FROM {each} WHERE EXISTS (SELECT FROM told)
    ON CONFLICT (key) DO NOTHING RETURNING id
), delivery AS (
    INSERT INTO integrations_webhookdelivery (public_id, message_id, endpoint_id, state, attempts, next_attempt_at, created_at)
    SELECT gen_random_uuid(), message.id, told.id, 'pending', 0, %(told_at)s::timestamptz, %(told_at)s::timestamptz
    FROM message CROSS JOIN told
    RETURNING id
)"""


def announcing(each: str) -> str:
    """Part of a statement that does what is told: three steps of its ``WITH`` that tell it for the row of ``each``, if there is
    one. The parameters are those of ``telling``; ``(SELECT count(*) FROM delivery)`` is what ``told`` has to know afterwards.
    """
    return _ANNOUNCING.format(each=each)


_ANNOUNCE = f"WITH {announcing('(SELECT) AS once')} SELECT count(*) FROM delivery"  # noqa: S608  (fixed pieces)


def telling(
    *, type: str, data: Mapping[str, object], key: str | None, partner: str | None, now: datetime.datetime
) -> dict[str, Any]:
    """The parameters of ``announcing``; what they mean says ``announce``."""
    if type not in TYPES or set(data) != set(TYPES[type]):
        raise LookupError(f"{type} is not told with {', '.join(sorted(data))}.")
    return {
        "told_type": type,
        "told_partner": partner,
        "told_key": f"{type}:{key or uuid.uuid4()}",
        "told_data": json_text(data),
        "told_at": now,
    }


def told(endpoints: int) -> None:
    """So many endpoints are told by the statement that has just run: have it delivered once it has committed."""
    if endpoints:
        jobs.enqueue(DELIVER)


def announce(
    *,
    type: str,
    data: Mapping[str, object],
    key: str | None = None,
    partner: str | None = None,
    now: datetime.datetime | None = None,
) -> int:
    """Tell whoever subscribed to ``type``; how many endpoints are told.

    Call it inside the transaction that did what is told: both are kept, or neither. ``data`` has the fields that
    ``rules.types.TYPES`` names; instants and ids may be what they are. The same ``key`` of a type is told once, whoever
    repeats it; without one it is told each time. ``partner`` is the key of the only partner who may know; ``None``: all. ``now``
    is the clock's unless given.
    """
    wanted = telling(type=type, data=data, key=key, partner=partner, now=now or timezone.now())
    if not queries.is_anybody_told(type):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_ANNOUNCE, wanted)
        endpoints: int = cursor.fetchone()[0]
    told(endpoints)
    return endpoints

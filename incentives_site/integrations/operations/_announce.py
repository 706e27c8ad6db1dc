"""Tell partners what happened: written with the thing itself, sent after it has committed."""

import datetime
import json
import uuid
from collections.abc import Mapping

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.utils import timezone

from incentives_site.shared import jobs

from .. import queries
from ..rules.types import TYPES

DELIVER = "integrations.tasks.deliver_webhooks"

# It stands in the transactions that everybody waits for. Where nobody subscribed, one look at one small table is all; a memory of
# "nobody" would save it, and would lose what happens in the moments after somebody did subscribe. The rest is one statement: who
# is to be told, the message if it is anybody, and what has to be delivered.
_ANNOUNCE = """
WITH told AS (
    SELECT e.id FROM integrations_webhookendpoint e JOIN integrations_partner p ON p.id = e.partner_id
    WHERE e.is_active AND p.is_active AND %(type)s = ANY(e.types) AND (%(partner)s::text IS NULL OR p.key = %(partner)s)
), message AS (
    INSERT INTO integrations_webhookmessage (public_id, key, type, data, partner_id, created_at)
    SELECT %(public_id)s, %(key)s, %(type)s, %(data)s::jsonb,
           (SELECT id FROM integrations_partner WHERE key = %(partner)s), %(now)s
    WHERE EXISTS (SELECT 1 FROM told)
    ON CONFLICT (key) DO NOTHING RETURNING id
)
INSERT INTO integrations_webhookdelivery (public_id, message_id, endpoint_id, state, attempts, next_attempt_at, created_at)
SELECT gen_random_uuid(), message.id, told.id, 'pending', 0, %(now)s, %(now)s FROM message CROSS JOIN told
"""


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
    if type not in TYPES or set(data) != set(TYPES[type]):
        raise LookupError(f"{type} is not told with {', '.join(sorted(data))}.")
    if not queries.is_anybody_told(type):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _ANNOUNCE,
            {
                "type": type,
                "partner": partner,
                "public_id": uuid.uuid4(),
                "key": f"{type}:{key or uuid.uuid4()}",
                "data": json.dumps(data, cls=DjangoJSONEncoder),
                "now": now or timezone.now(),
            },
        )
        told: int = cursor.rowcount
    if told:
        jobs.enqueue(DELIVER)
    return told

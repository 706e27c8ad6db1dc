"""Put something that happened on a customer's timeline, once."""

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from ..models import Channel, Customer
from ..rules.timeline import EventType, message_digest
from ._judge import NOTED

# Whoever writes the message first, writes the event; the other one waits for it, then writes nothing.
_TRACK = f"""
WITH new AS (
    INSERT INTO customers_seenmessage (digest, seen_at) VALUES (%(digest)s, %(received_at)s) ON CONFLICT DO NOTHING RETURNING 1
), changed AS (
    {NOTED} SELECT %(customer)s::bigint, %(received_at)s::timestamptz FROM new
)
INSERT INTO customers_event (public_id, customer_id, type, name, channel_id, occurred_at, received_at, source, message_id,
    properties)
SELECT %(public_id)s::uuid, %(customer)s::bigint, %(type)s, %(name)s, %(channel)s::bigint, %(occurred_at)s::timestamptz,
    %(received_at)s::timestamptz, %(source)s, %(message_id)s, %(properties)s::jsonb FROM new
"""  # noqa: S608  (put together from fixed pieces; every value is a parameter)


def track(
    *,
    customer: Customer,
    type: EventType,
    source: str,
    message_id: str,
    occurred_at: datetime.datetime,
    received_at: datetime.datetime,
    channel: Channel | None = None,
    name: str = "",
    properties: Mapping[str, Any] | None = None,
) -> None:
    """Write one event; the same ``(source, message_id)`` again changes nothing. Joins the caller's transaction.

    The customer is judged anew for it a moment after the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TRACK,
            {
                "digest": message_digest(source, message_id),
                "public_id": uuid.uuid4(),
                "customer": customer.pk,
                "type": type.value,
                "name": name[:200],
                "channel": channel.pk if channel else None,
                "occurred_at": occurred_at,
                "received_at": received_at,
                "source": source,
                "message_id": message_id,
                "properties": json.dumps(dict(properties or {}), cls=DjangoJSONEncoder),
            },
        )

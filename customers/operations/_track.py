"""Put something that happened on a customer's timeline, once."""

import datetime
from collections.abc import Mapping
from typing import Any

from ..models import Channel, Customer, Event
from ..rules.timeline import EventType


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
    """Write one event; the same ``(source, message_id)`` again changes nothing. Joins the caller's transaction."""
    Event.objects.bulk_create(
        [
            Event(
                customer=customer,
                type=type.value,
                name=name,
                channel=channel,
                occurred_at=occurred_at,
                received_at=received_at,
                source=source,
                message_id=message_id,
                properties=dict(properties or {}),
            )
        ],
        ignore_conflicts=True,
    )

"""Forget the answers kept for repeated calls; and everything kept for partners that mentions something."""

import datetime
from collections.abc import Sequence

from django.db import connection

from ..models import IdempotentReply, WebhookMessage

KEPT = datetime.timedelta(days=30)


def forget_old_replies(*, now: datetime.datetime, most: int = 5000) -> int:
    """Delete replies older than ``KEPT``, at most ``most`` at once so that no lock is held for long; how many."""
    old = IdempotentReply.objects.filter(created_at__lt=now - KEPT).order_by("created_at").values("pk")[:most]
    return IdempotentReply.objects.filter(pk__in=old).delete()[0]


# Without a table of who is mentioned where: this is asked rarely, and both tables keep a month.
_REPLIES = """
DELETE FROM integrations_idempotentreply WHERE mentions && %(marks)s::uuid[]
"""
_MESSAGES = """
SELECT m.id FROM integrations_webhookmessage m
WHERE EXISTS (SELECT 1 FROM unnest(%(marks)s::text[]) AS mark WHERE strpos(m.data::text, mark) > 0)
"""


def forget_mentions(marks: Sequence[str]) -> dict[str, int]:
    """Delete the answers and webhook messages, sent or not, that mention one of the ids ``marks`` (UUIDs); how many of each.

    Joins the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REPLIES, {"marks": list(marks)})
        replies = cursor.rowcount
        cursor.execute(_MESSAGES, {"marks": list(marks)})
        messages = [pk for (pk,) in cursor.fetchall()]
    WebhookMessage.objects.filter(pk__in=messages).delete()
    return {"replies": replies, "webhooks": len(messages)}

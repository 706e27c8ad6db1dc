"""Forget the answers kept for repeated calls."""

import datetime

from ..models import IdempotentReply

KEPT = datetime.timedelta(days=30)


def forget_old_replies(*, now: datetime.datetime, most: int = 5000) -> int:
    """Delete replies older than ``KEPT``, at most ``most`` at once so that no lock is held for long; how many."""
    old = IdempotentReply.objects.filter(created_at__lt=now - KEPT).order_by("created_at").values("pk")[:most]
    return IdempotentReply.objects.filter(pk__in=old).delete()[0]

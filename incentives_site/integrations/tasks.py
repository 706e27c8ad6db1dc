"""Scheduled work of integrations."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task(name="integrations.tasks.forget_old_replies")
def forget_old_replies(**_ignored: Any) -> None:
    """Daily: delete the answers kept for repeated calls once their 30 days are over."""
    while operations.forget_old_replies(now=timezone.now()):
        pass

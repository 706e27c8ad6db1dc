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


@shared_task(name="integrations.tasks.deliver_webhooks")
def deliver_webhooks(**_ignored: Any) -> None:
    """After something was told, and every few seconds: what is due, what failed before, what a crash left behind."""
    operations.deliver_alone(clock=timezone.now)


@shared_task(name="integrations.tasks.forget_old_messages")
def forget_old_messages(**_ignored: Any) -> None:
    """Daily: delete the messages of webhooks that are older than 30 days."""
    while operations.forget_old_messages(now=timezone.now()):
        pass

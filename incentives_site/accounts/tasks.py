"""Scheduled work around signing in."""

from typing import Any

from celery import shared_task
from django.core.management import call_command


@shared_task(name="accounts.tasks.clear_sessions")
def clear_sessions(**_ignored: Any) -> None:
    """Daily: delete sessions that have expired."""
    call_command("clearsessions")

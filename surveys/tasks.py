"""What surveys do in the background; each task finds by itself what is due and is safe to run twice."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def advance(**_surplus: Any) -> int:
    """Closes waves whose window is over and opens those that are due."""
    done = operations.advance_surveys(now=timezone.now())
    return done.closed + done.opened


@shared_task
def invite(**_surplus: Any) -> int:
    """Sends invitations and reminders that are due."""
    now = timezone.now()
    return operations.send_invitations(now=now) + operations.send_reminders(now=now)


@shared_task
def follow_up(**_surplus: Any) -> int:
    """What comes after a close: rewards, and the results by e-mail."""
    now = timezone.now()
    return operations.give_rewards(now=now) + operations.send_digests(now=now)


@shared_task
def ask(**_surplus: Any) -> int:
    """Asks customers who used something of a campaign that a survey is about."""
    return operations.ask_redeemers(now=timezone.now())


@shared_task
def purge(**_surplus: Any) -> int:
    """Forgets what has been kept long enough."""
    return sum(operations.purge_surveys(now=timezone.now()).values())


@shared_task
def import_employees(import_id: int, **_surplus: Any) -> None:
    """After a file of employees was sent or validated: reads it, and imports it or says what it would change."""
    operations.import_employees(import_id=import_id, clock=timezone.now)


@shared_task
def go_on_with_imports(**_surplus: Any) -> None:
    """Imports that a crash has left; files that were validated and not imported are deleted."""
    operations.tidy_employee_imports(now=timezone.now())
    for import_id in operations.unfinished_employee_imports(now=timezone.now()):
        operations.import_employees(import_id=import_id, clock=timezone.now)

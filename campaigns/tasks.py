"""Slow and scheduled work. Every task is safe to run twice and tolerates arguments of newer callers."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from customers.models import Customer

from . import operations
from .models import Campaign


@shared_task(name="campaigns.tasks.target_audience")
def target_audience(*, campaign_id: int, **_ignored: Any) -> None:
    """After a launch: note down whom the campaign addresses."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    if campaign is not None:
        operations.target_audience(campaign=campaign, now=timezone.now())


@shared_task(name="campaigns.tasks.advance")
def advance(**_ignored: Any) -> None:
    """Every minute: start and end campaigns by the clock."""
    operations.advance(now=timezone.now())


@shared_task(name="campaigns.tasks.target_audiences")
def target_audiences(**_ignored: Any) -> None:
    """Hourly: new members of live audiences, and what a crash between a launch and its task left undone."""
    for campaign in Campaign.objects.filter(status="live"):
        operations.target_audience(campaign=campaign, now=timezone.now())


@shared_task(name="campaigns.tasks.expire_grants")
def expire_grants(**_ignored: Any) -> None:
    """Every few minutes: mark grants whose time is over."""
    while operations.expire_grants(now=timezone.now()):
        pass


@shared_task(name="campaigns.tasks.make_codes")
def make_codes(*, batch_id: int, **_ignored: Any) -> None:
    """After a batch was asked for or resumed: make its codes."""
    operations.make_codes(batch_id=batch_id, clock=timezone.now)


@shared_task(name="campaigns.tasks.import_codes")
def import_codes(*, batch_id: int, **_ignored: Any) -> None:
    """After a file of codes was sent: take its codes."""
    operations.import_codes(batch_id=batch_id, clock=timezone.now)


@shared_task(name="campaigns.tasks.make_missing_codes")
def make_missing_codes(**_ignored: Any) -> None:
    """Every minute: batches and imports that a crash left unfinished. One that a worker has in hand is left to it."""
    for batch_id in operations.unfinished_imports():
        operations.import_codes(batch_id=batch_id, clock=timezone.now)
    for batch_id in operations.unfinished_batches():
        operations.make_codes(batch_id=batch_id, clock=timezone.now)


@shared_task(name="campaigns.tasks.tidy_batches")
def tidy_batches(**_ignored: Any) -> None:
    """Hourly: codes of cancelled batches, and texts that are to be forgotten."""
    operations.tidy_batches(now=timezone.now())


@shared_task(name="campaigns.tasks.send_links")
def send_links(*, customer_id: int, **_ignored: Any) -> None:
    """After somebody asked for them: new links to the wallet and the preferences, by e-mail."""
    customer = Customer.objects.filter(pk=customer_id, forwarded_to=None, erased_at=None).first()
    if customer is not None:
        operations.send_links(customer=customer)

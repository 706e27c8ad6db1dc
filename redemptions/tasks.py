"""Scheduled work on the ledger. Every task is safe to run twice and tolerates arguments of newer callers."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from customers.models import Customer

from . import operations

MOST_BATCHES = 50  # of a run: what is left is found by the next


@shared_task(name="redemptions.tasks.activate_points")
def activate_points(**_ignored: Any) -> None:
    """Every few minutes: points whose return window is over become usable."""
    while operations.activate_due(now=timezone.now()):
        pass


@shared_task(name="redemptions.tasks.earn_for_purchases")
def earn_for_purchases(**_ignored: Any) -> None:
    """Every few minutes: what purchases from elsewhere earn."""
    for _batch in range(MOST_BATCHES):
        if not operations.earn_due(now=timezone.now()):
            return


@shared_task(name="redemptions.tasks.refresh_tiers")
def refresh_tiers(**_ignored: Any) -> None:
    """Daily: who has reached, or no longer keeps, a tier."""
    after: int | None = 0
    while after is not None:
        after = operations.refresh_tiers(now=timezone.now(), after=after)


@shared_task(name="redemptions.tasks.refresh_tier")
def refresh_tier(*, customer: int, **_ignored: Any) -> None:
    """After points were earned."""
    operations.refresh_tier(customer=Customer.objects.get(pk=customer), now=timezone.now())


@shared_task(name="redemptions.tasks.remind_of_ending")
def remind_of_ending(**_ignored: Any) -> None:
    """Hourly: which points end soon, once each."""
    while operations.remind_of_ending(now=timezone.now()):
        pass


@shared_task(name="redemptions.tasks.expire_value")
def expire_value(**_ignored: Any) -> None:
    """Hourly: end points and credit whose last usable day is over."""
    now = timezone.now()
    while operations.expire_due(today=operations.today_of_the_programme(now), now=now):
        pass


@shared_task(name="redemptions.tasks.check_ledger")
def check_ledger(**_ignored: Any) -> None:
    """Nightly: prove the books."""
    operations.check_ledger(now=timezone.now())


@shared_task(name="redemptions.tasks.expire_reservations")
def expire_reservations(**_ignored: Any) -> None:
    """Every minute: let go of what reservations hold whose time is over."""
    while operations.expire_reservations(now=timezone.now()):
        pass

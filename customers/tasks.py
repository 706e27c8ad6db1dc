"""What customers does in the background; each task finds by itself what is due and is safe to run twice."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def process_events(**_surplus: Any) -> int:
    """Works through what waits, in case the process that always does so is not there."""
    done, total = operations.process_events(now=timezone.now()), 0
    while done is not None and done.requests:
        total += done.events
        done = operations.process_events(now=timezone.now())
    return total


@shared_task
def follow_up_merges(**_surplus: Any) -> int:
    """Moves what came to customers while they were being merged."""
    return operations.follow_up_merges(now=timezone.now())


@shared_task
def refresh_insight(**_surplus: Any) -> int:
    """What is known of everybody, as time passes also where nothing happens."""
    return operations.refresh_all(now=timezone.now())


@shared_task
def tend_partitions(**_surplus: Any) -> int:
    """Makes the months of the timeline ahead of time, and lets go of those kept long enough."""
    return operations.tend_partitions(now=timezone.now())

"""What customers does in the background; each task finds by itself what is due and is safe to run twice."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def process_events(**_surplus: Any) -> int:
    """Works through what waits, and judges who changed, in case the process that always does so is not there."""
    done, total = operations.process_events(now=timezone.now()), 0
    while done is not None and done.requests:
        total += done.events
        done = operations.process_events(now=timezone.now())
    operations.judge_changed(now=timezone.now())
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


@shared_task
def count_segment(segment: int, **_surplus: Any) -> str:
    """Counts a segment that waits, then whatever else does: a worker that was busy when it was asked is relieved of it so."""
    outcome = operations.count_segment(segment=segment).outcome
    _count_waiting()
    return outcome


@shared_task
def tend_segments(**_surplus: Any) -> int:
    """Puts right what a crash left, and counts what waits."""
    return _count_waiting()


@shared_task
def call_for_counts(**_surplus: Any) -> int:
    """Has segments counted anew, since time passes also where nothing happens."""
    called = operations.call_for_counts(now=timezone.now())
    _count_waiting()
    return called


def _count_waiting() -> int:
    done, tried = 0, set[int]()
    while waiting := [pk for pk in operations.tend_segments(now=timezone.now()) if pk not in tried]:
        tried.add(waiting[0])
        done += operations.count_segment(segment=waiting[0]).outcome == "good"
    return done


@shared_task(name="customers.tasks.work_import")
def work_import(*, import_id: int, **_surplus: Any) -> None:
    """After a check or a run was asked for: works through the file."""
    operations.work_import(import_id=import_id, clock=timezone.now)


@shared_task(name="customers.tasks.go_on_with_imports")
def go_on_with_imports(**_surplus: Any) -> None:
    """Imports that a crash has left; one that a worker has in hand is left to it. Files that nobody goes on with are deleted."""
    operations.tidy_imports(now=timezone.now())
    for import_id in operations.unfinished_imports(now=timezone.now()):
        operations.work_import(import_id=import_id, clock=timezone.now)

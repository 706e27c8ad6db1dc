"""What runs by the clock. Schedules are database rows that operators may change; only what is missing is made.

Each task is safe to run twice and finds by itself what is due, so a beat that was down for a while only starts late.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Schedule:
    """``every`` so many ``period``s (words of django-celery-beat)."""

    name: str
    task: str
    every: int
    period: str
    description: str


SCHEDULES = (
    Schedule("Campaigns: start and end", "campaigns.tasks.advance", 1, "minutes", "Starts and ends campaigns by the clock."),
    Schedule("Campaigns: audiences", "campaigns.tasks.target_audiences", 1, "hours", "Notes whom live campaigns address."),
    Schedule("Events: processing", "customers.tasks.process_events", 5, "seconds", "In case its own process is not there."),
    Schedule("Customers: insight", "customers.tasks.refresh_insight", 1, "days", "Facts that age: windows, stages, scores."),
    Schedule("Events: months", "customers.tasks.tend_partitions", 1, "days", "Partitions ahead of time; old ones let go."),
    Schedule("Segments: unfinished", "customers.tasks.tend_segments", 1, "minutes", "Goes on after a crash; counts what waits."),
    Schedule("Segments: due", "customers.tasks.call_for_counts", 10, "minutes", "Hourly where time changes them, else daily."),
    Schedule("Customers: unfinished imports", "customers.tasks.go_on_with_imports", 1, "minutes", "Goes on after a crash."),
    Schedule("Customers: late for a merge", "customers.tasks.follow_up_merges", 5, "minutes", "Moves what came meanwhile."),
    Schedule("Grants: expiry", "campaigns.tasks.expire_grants", 5, "minutes", "Marks grants whose time is over."),
    Schedule("Codes: unfinished batches", "campaigns.tasks.make_missing_codes", 1, "minutes", "Goes on after a crash."),
    Schedule("Codes: forgetting", "campaigns.tasks.tidy_batches", 1, "hours", "Deletes cancelled codes and texts due."),
    Schedule("Reservations: expiry", "redemptions.tasks.expire_reservations", 1, "minutes", "Lets go of what is held too long."),
    Schedule("Ledger: purchases earn", "redemptions.tasks.earn_for_purchases", 5, "minutes", "Awards for orders of any channel."),
    Schedule("Ledger: points become usable", "redemptions.tasks.activate_points", 5, "minutes", "After the return window."),
    Schedule("Ledger: reminders", "redemptions.tasks.remind_of_ending", 1, "hours", "Tells the timeline which points end soon."),
    Schedule("Ledger: value ends", "redemptions.tasks.expire_value", 1, "hours", "Ends points and credit after their last day."),
    Schedule("Tiers: reached and lost", "redemptions.tasks.refresh_tiers", 1, "days", "Tiers by points or money, with grace."),
    Schedule("Ledger: proof", "redemptions.tasks.check_ledger", 1, "days", "Recomputes all; the back office shows faults."),
    Schedule("Surveys: waves", "surveys.tasks.advance", 1, "minutes", "Closes and opens waves by the clock."),
    Schedule("Surveys: messages", "surveys.tasks.invite", 1, "minutes", "Invitations, and reminders to those missing."),
    Schedule("Surveys: customers", "surveys.tasks.ask", 1, "hours", "Asks who used something of a campaign how it was."),
    Schedule("Surveys: after the close", "surveys.tasks.follow_up", 5, "minutes", "Rewards for answering; results to HR."),
    Schedule("Partners: old replies", "integrations.tasks.forget_old_replies", 1, "days", "Deletes replies kept for 30 days."),
    Schedule(
        "Webhooks: deliver", "integrations.tasks.deliver_webhooks", 5, "seconds", "What is due, also again, or left by a crash."
    ),
    Schedule("Webhooks: old messages", "integrations.tasks.forget_old_messages", 1, "days", "Deletes messages kept for 30 days."),
    Schedule("Surveys: unfinished imports", "surveys.tasks.go_on_with_imports", 1, "minutes", "Goes on after a crash."),
    Schedule("Surveys: forgetting", "surveys.tasks.purge", 1, "days", "Deletes what has been kept long enough."),
    Schedule("Sign-in: old sessions", "accounts.tasks.clear_sessions", 1, "days", "Deletes expired sessions."),
)


def make_missing(**_signal: Any) -> None:
    """Make the schedules that no row is named after; leave those that exist as they are. Runs after every migration."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask  # here: models are loaded by then

    if PeriodicTask._meta.db_table not in connection.introspection.table_names():
        return  # only some apps were migrated so far
    known = set(PeriodicTask.objects.values_list("name", flat=True))
    for schedule in SCHEDULES:
        if schedule.name not in known:
            interval, _new = IntervalSchedule.objects.get_or_create(every=schedule.every, period=schedule.period)
            PeriodicTask.objects.create(
                name=schedule.name, task=schedule.task, interval=interval, description=schedule.description
            )

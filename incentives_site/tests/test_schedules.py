"""What runs by the clock exists, names a task that is there, and is left alone once an operator changed it."""

import datetime

import pytest
from celery import current_app
from django.core.management.sql import emit_post_migrate_signal
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from campaigns.models import Campaign, Grant, GrantState, Status
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory
from incentives_site import schedules
from incentives_site.integrations.models import IdempotentReply, Partner
from incentives_site.integrations.operations import forget_old_replies

pytestmark = pytest.mark.django_db
NOW = datetime.datetime.now(datetime.UTC)


def run(task: str, **arguments: object) -> None:
    current_app.tasks[task].apply(kwargs=arguments, throw=True)


def test_every_schedule_names_a_task_that_tolerates_newer_callers() -> None:
    for schedule in schedules.SCHEDULES:
        run(schedule.task, something_new=1)


def test_they_are_made_by_migrating() -> None:
    PeriodicTask.objects.all().delete()
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert set(PeriodicTask.objects.values_list("name", flat=True)) == {schedule.name for schedule in schedules.SCHEDULES}


def test_missing_ones_are_made_and_changed_ones_left_alone() -> None:
    schedules.make_missing()
    assert set(PeriodicTask.objects.values_list("name", flat=True)) >= {schedule.name for schedule in schedules.SCHEDULES}
    slower = IntervalSchedule.objects.create(every=7, period="minutes")
    PeriodicTask.objects.filter(name=schedules.SCHEDULES[0].name).update(interval=slower, enabled=False)
    schedules.make_missing()
    changed = PeriodicTask.objects.get(name=schedules.SCHEDULES[0].name)
    assert (changed.interval, changed.enabled) == (slower, False)


def test_the_clock_starts_and_ends_campaigns() -> None:
    hour = datetime.timedelta(hours=1)
    due = CampaignFactory(status=Status.SCHEDULED, starts_at=NOW - hour)
    later = CampaignFactory(status=Status.SCHEDULED, starts_at=NOW + hour)
    over = CampaignFactory(live=True, starts_at=NOW - 2 * hour, ends_at=NOW - hour)
    IncentiveFactory(campaign=due)
    for _twice in range(2):
        run("campaigns.tasks.advance")
    assert [Campaign.objects.get(pk=row.pk).status for row in (due, later, over)] == ["live", "scheduled", "ended"]


def test_grants_whose_time_is_over_are_marked() -> None:
    over, held = GrantFactory(ends_at=NOW - datetime.timedelta(1)), GrantFactory(ends_at=NOW + datetime.timedelta(1))
    run("campaigns.tasks.expire_grants")
    assert [Grant.objects.get(pk=row.pk).state for row in (over, held)] == [GrantState.EXPIRED, GrantState.HELD]


def test_replies_are_kept_for_thirty_days() -> None:
    partner = Partner.objects.create(key="shop", name="Shop")
    for n, days in enumerate((29, 31)):
        reply = IdempotentReply.objects.create(partner=partner, key=str(n), fingerprint=b"x")
        IdempotentReply.objects.filter(pk=reply.pk).update(created_at=NOW - datetime.timedelta(days=days))
    assert forget_old_replies(now=NOW) == 1
    assert IdempotentReply.objects.get().key == "0"

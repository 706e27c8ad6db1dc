"""Launch, pause, resume and end a campaign; let the clock start and end what is due."""

import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from customers.rules.faults import Fault
from incentives_site.shared import jobs
from incentives_site.shared.audit import acting

from .. import queries
from ..models import Campaign, Claim, Code, Incentive, Status, TargetedCustomer
from ..rules import lifecycle
from ..rules.lifecycle import LaunchFacts, Step
from ._announce import announce_campaign
from ._problems import WrongStatus, invalid


def launch(*, campaign: Campaign, by: str, now: datetime.datetime) -> Campaign:
    """Make the promise: the campaign becomes live, or scheduled when it starts later.

    Raises ``WrongStatus``, and ``Invalid`` naming everything that stands in the way.
    """
    with transaction.atomic(), acting(by=by, why="launch"):
        locked = _take(campaign, Step.LAUNCH)
        if found := lifecycle.obstacles(_launch_facts(locked), now):
            raise invalid(found)
        locked.starts_at = locked.starts_at or now
        locked.status = lifecycle.status_at(locked.starts_at, locked.ends_at, now)
        locked.launched_at = now
        locked.save(update_fields=["starts_at", "status", "launched_at"])
        announce_campaign("campaign.launched", locked, now)
        if locked.status == Status.LIVE:
            jobs.enqueue("campaigns.tasks.target_audience", campaign_id=locked.pk)
    return locked


def pause(*, campaign: Campaign, by: str) -> Campaign:
    """Stop giving and redeeming at once, until it is resumed. Raises ``WrongStatus``."""
    with transaction.atomic(), acting(by=by, why="pause"):
        locked = _set_status(_take(campaign, Step.PAUSE), Status.PAUSED)
        announce_campaign("campaign.paused", locked)
        return locked


def resume(*, campaign: Campaign, by: str, now: datetime.datetime) -> Campaign:
    """Go on after a pause, by the clock: live, scheduled, or ended when its time has passed. Raises ``WrongStatus``."""
    with transaction.atomic(), acting(by=by, why="resume"):
        locked = _take(campaign, Step.RESUME)
        if found := lifecycle.obstacles(_launch_facts(locked), now):
            raise invalid(found)
        _set_status(locked, lifecycle.status_at(locked.starts_at, locked.ends_at, now))
        announce_campaign("campaign.ended" if locked.status == Status.ENDED else "campaign.resumed", locked, now)
        if locked.status == Status.LIVE:
            jobs.enqueue("campaigns.tasks.target_audience", campaign_id=locked.pk)
        return locked


def end(*, campaign: Campaign, by: str, now: datetime.datetime) -> Campaign:
    """End it for good; what customers still hold of it can no longer be used. Raises ``WrongStatus``."""
    with transaction.atomic(), acting(by=by, why="end"):
        locked = _take(campaign, Step.END)
        locked.ended_at = now
        locked.save(update_fields=["ended_at"])
        _set_status(locked, Status.ENDED)
        announce_campaign("campaign.ended", locked, now)
        return locked


def advance(*, now: datetime.datetime) -> int:
    """Start the scheduled campaigns whose time has come and end those whose time is over; how many changed. Safe to repeat."""
    with transaction.atomic(), acting(by="system", why="advance"):
        over = Q(ends_at__lte=now)
        open_ones = Campaign.objects.filter(status__in=[Status.SCHEDULED, Status.LIVE, Status.PAUSED])
        ended = _move(open_ones.filter(over), Status.ENDED, now, ended_at=now)
        started = _move(Campaign.objects.filter(status=Status.SCHEDULED, starts_at__lte=now), Status.LIVE, now)
        for campaign in started:
            jobs.enqueue("campaigns.tasks.target_audience", campaign_id=campaign.pk)
    return len(ended) + len(started)


def _move(due: QuerySet[Campaign], status: Status, now: datetime.datetime, **fields: object) -> list[Campaign]:
    """Those that were due when they were locked, in their new status, with partners told."""
    campaigns = list(due.select_for_update().order_by("pk"))
    Campaign.objects.filter(pk__in=[campaign.pk for campaign in campaigns]).update(status=status, **fields)
    for campaign in campaigns:
        campaign.status = status
        announce_campaign("campaign.ended" if status == Status.ENDED else "campaign.started", campaign, now)
    return campaigns


def target_audience(*, campaign: Campaign, now: datetime.datetime) -> int:
    """Note down whom a live campaign addresses: its audience as it is now. How many were added; safe to repeat.

    A campaign whose incentives all have to be granted addresses those it grants to, and nobody beforehand. Who has opted out is
    addressed by nobody.
    """
    if campaign.status != Status.LIVE or not campaign.incentives.exclude(claim=Claim.GRANT).exists():
        return 0
    before = TargetedCustomer.objects.filter(campaign=campaign).count()
    ids = queries.addressed(campaign).exclude(pk__in=TargetedCustomer.objects.filter(campaign=campaign).values("customer"))
    batch = []
    for customer_id in ids.values_list("pk", flat=True).iterator(chunk_size=5000):
        batch.append(TargetedCustomer(campaign=campaign, customer_id=customer_id, targeted_at=now))
        if len(batch) == 5000:
            TargetedCustomer.objects.bulk_create(batch, ignore_conflicts=True)
            batch = []
    TargetedCustomer.objects.bulk_create(batch, ignore_conflicts=True)
    return TargetedCustomer.objects.filter(campaign=campaign).count() - before


def _take(campaign: Campaign, step: Step) -> Campaign:
    """The campaign, locked, in a status from which the step may be made."""
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.status not in lifecycle.MOVES[step]:
        raise WrongStatus(
            _("It is %(status)s now.") % {"status": locked.get_status_display().lower()},
            extras={"campaign_status": locked.status},
        )
    return locked


def _set_status(campaign: Campaign, status: str) -> Campaign:
    campaign.status = status
    campaign.save(update_fields=["status"])
    return campaign


def obstacles(*, campaign: Campaign, now: datetime.datetime) -> list[Fault]:
    """What stands in the way of a launch now, with pointers; empty when nothing does. Changes nothing."""
    return lifecycle.obstacles(_launch_facts(campaign), now)


def _launch_facts(campaign: Campaign) -> LaunchFacts:
    channels = list(campaign.channels.all())
    incentives = Incentive.objects.filter(campaign=campaign)
    return LaunchFacts(
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        channels=len(channels),
        redeeming_channels=sum(channel.can_redeem for channel in channels),
        incentives=incentives.count(),
        incentives_without_value=incentives.filter(effect__type="recorded").count(),
        code_incentives_without_code=incentives.filter(
            ~Exists(Code.objects.filter(incentive=OuterRef("pk"))), claim=Claim.CODE
        ).count(),
    )

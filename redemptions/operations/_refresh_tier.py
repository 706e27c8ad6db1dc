"""Find out which tier a customer stands in now, and tell what changed (``docs/ledger.md``, Tiers)."""

import datetime
from collections.abc import Sequence

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import queries as campaign_queries
from campaigns.models import LoyaltyProgramme, Tier
from campaigns.operations import grant
from campaigns.rules.tiers import NONE, StepDown, Terms, tier_at
from customers.models import Customer
from customers.operations import learn, track
from customers.rules.timeline import EventType
from incentives_site.shared.problems import Problem

from .. import queries
from ..models import CustomerTier

AT_ONCE = 200
log = structlog.get_logger(__name__)


def refresh_tier(*, customer: Customer, now: datetime.datetime, by: str = "system") -> Tier | None:
    """The tier of ``customer`` now. A change is written as facts and on the timeline; rising grants rewards. Safe to repeat."""
    programme = campaign_queries.active_programme()
    tiers = campaign_queries.tiers_of(programme) if programme else []
    if programme is None or not tiers:
        return None
    return _refresh(customer, programme, tiers, by, now)


def refresh_tiers(*, now: datetime.datetime, after: int = 0, most: int = AT_ONCE) -> int | None:
    """Refresh up to ``most`` customers not looked at today, by id above ``after``; the last of them, ``None`` at the end."""
    programme = campaign_queries.active_programme()
    tiers = campaign_queries.tiers_of(programme) if programme else []
    if programme is None or not tiers:
        return None
    last = None
    for customer in queries.customers_to_refresh(on=campaign_queries.today_of(programme, now), after=after)[:most]:
        _refresh(customer, programme, tiers, "system", now)
        last = customer.pk
    return last


def _refresh(
    customer: Customer, programme: LoyaltyProgramme, tiers: Sequence[Tier], by: str, now: datetime.datetime
) -> Tier | None:
    today = campaign_queries.today_of(programme, now)
    terms = Terms(programme.tier_months, programme.grace_days, StepDown(programme.step_down))
    with transaction.atomic():
        CustomerTier.objects.get_or_create(customer=customer, defaults={"since_at": now, "refreshed_on": today})
        # Two that refresh the same customer: the second sees what the first has told.
        row = CustomerTier.objects.select_for_update().get(customer=customer)
        history = queries.counted_for_tiers(customer, programme)
        level = tier_at(history, [tier.threshold for tier in tiers], on=today, terms=terms)
        before = next((position for position, tier in enumerate(tiers) if tier.pk == row.tier_id), NONE)
        tier = tiers[level] if level > NONE else None
        row.refreshed_on = today
        if level != before:
            row.tier, row.since_at, row.changes = tier, now, row.changes + 1
            _tell(customer, tier, tiers[before] if before > NONE else None, row, now)
            for reached in tiers[before + 1 : level + 1]:
                _reward(customer, reached, row, by, now)
        row.save()
        _learn(customer, tier, now)
    return tier


def _learn(customer: Customer, tier: Tier | None, now: datetime.datetime) -> None:
    # A fact is a number of JSON. Three decimals survive that: the award reads the shortest decimal text of it.
    facts = {"tier": tier.key if tier else None, "tier_multiplier": float(tier.multiplier) if tier else None}
    known = Customer.objects.values_list("facts", flat=True).get(pk=customer.pk)
    if any(known.get(name) != value for name, value in facts.items()):
        learn(customer=customer, facts=facts, now=now)


def _tell(customer: Customer, tier: Tier | None, before: Tier | None, row: CustomerTier, now: datetime.datetime) -> None:
    name = _("tier %(name)s") % {"name": tier.name} if tier else _("no tier any more")
    track(
        customer=customer,
        type=EventType.TRACK,
        source="redemptions",
        message_id=f"tier:{customer.public_id}:{row.changes}",
        occurred_at=now,
        received_at=now,
        name=name,
        properties={"tier": tier.key if tier else None, "before": before.key if before else None},
    )


def _reward(customer: Customer, tier: Tier, row: CustomerTier, by: str, now: datetime.datetime) -> None:
    """What is given may be over, or be given nowhere: then the tier still stands, and nothing is given."""
    incentive = tier.reward
    if incentive is None:
        return
    channel = incentive.campaign.channels.filter(can_grant=True, is_active=True).order_by("pk").first()
    if channel is None:
        return
    try:
        grant(
            customer=customer,
            incentive=incentive,
            channel=channel,
            by=by,
            now=now,
            occasion=f"tier:{tier.key}:{row.changes}",
            reason="tier",
        )
    except Problem as problem:
        log.warning("tier_reward_not_granted", tier=tier.key, customer=str(customer.public_id), reason=problem.code)

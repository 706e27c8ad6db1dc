"""Put an incentive into a customer's wallet, once per occasion; take it back; let it expire."""

import datetime
import secrets

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Channel, Customer
from customers.operations import track
from customers.rules.consent import Why, from_data
from customers.rules.faults import Fault
from customers.rules.timeline import EventType
from incentives_site.shared.problems import Kind, Problem

from .. import sealing
from ..models import Campaign, Claim, Code, Grant, GrantState, Incentive, Status, TargetedCustomer
from ..rules import codes
from ..rules.kinds import kinds_of
from ..rules.language import promise_of
from ._announce import announce_granted
from ._problems import invalid


class NotGrantable(Problem):
    code = "not-grantable"
    title = gettext_lazy("This incentive cannot be granted now")
    kind = Kind.CONFLICT


class NotHeld(Problem):
    code = "not-held"
    title = gettext_lazy("This grant is not held any more")
    kind = Kind.CONFLICT


class OptedOut(Problem):
    code = "opted-out"
    title = gettext_lazy("The customer does not want to be addressed")
    kind = Kind.CONFLICT


# Why a grant is owed: the customer has done something for it, and gets it whatever else is wanted.
EARNED = frozenset({"award", "survey", "tier"})


def grant(
    *,
    customer: Customer,
    incentive: Incentive,
    channel: Channel,
    by: str,
    now: datetime.datetime,
    occasion: str = "default",
    reason: str = "campaign",
    ends_at: datetime.datetime | None = None,
) -> tuple[Grant, bool]:
    """Give ``incentive`` to ``customer`` in ``channel``; the grant, and whether it is new.

    The same occasion again gives back the first grant. Valid from now to the earliest of ``ends_at``, the incentive's days and
    the campaign's end. What is earned (by a purchase, by a tier, by answering a survey) is given to everybody; anything else only
    to those who want it.
    Raises ``NotGrantable`` (not live, not a wallet incentive, wrong channel), ``OptedOut``, ``Invalid``.
    """
    if not 1 <= len(occasion) <= 100 or "\x00" in occasion:
        raise invalid([Fault("/occasion", "bad-text", _("An occasion has 1 to 100 characters."))])
    with transaction.atomic():
        first = Grant.objects.filter(customer=customer, incentive=incentive, occasion=occasion).first()
        if first is not None:
            return first, False
        campaign = Campaign.objects.get(pk=incentive.campaign_id)
        _check_grantable(campaign, incentive, channel, now)
        if reason not in EARNED:
            _check_wanted(customer, incentive, channel)
        ends = [end for end in (ends_at, campaign.ends_at, _days_after(now, incentive.valid_days)) if end is not None]
        if ends and min(ends) <= now:
            raise invalid([Fault("/ends_at", "ends-in-the-past", _("It would already have expired."))])
        row = Grant(
            customer=customer,
            incentive=incentive,
            channel=channel,
            occasion=occasion,
            reason=reason,
            starts_at=now,
            ends_at=min(ends) if ends else None,
            granted_at=now,
        )
        Grant.objects.bulk_create([row], ignore_conflicts=True)
        stored = Grant.objects.get(customer=customer, incentive=incentive, occasion=occasion)
        if stored.public_id != row.public_id:
            return stored, False
        text = codes.spell(secrets.token_bytes(16 * codes.LENGTH))
        Code.objects.create(incentive=incentive, grant=stored, digest=sealing.digest(text), sealed=sealing.seal(text))
        TargetedCustomer.objects.bulk_create(
            [TargetedCustomer(campaign=campaign, customer=customer, targeted_at=now)], ignore_conflicts=True
        )
        track(
            customer=customer,
            type=EventType.GRANTED,
            source="campaigns",
            message_id=f"granted:{stored.public_id}",
            occurred_at=now,
            received_at=now,
            channel=channel,
            name=incentive.name,
            properties={"grant": str(stored.public_id), "campaign": campaign.name, "reason": reason, "by": by},
        )
        announce_granted(stored, campaign)
    return stored, True


def _check_grantable(campaign: Campaign, incentive: Incentive, channel: Channel, now: datetime.datetime) -> None:
    if campaign.status != Status.LIVE or (campaign.ends_at is not None and campaign.ends_at <= now):
        raise NotGrantable(_("Its campaign is not live."))
    if incentive.claim != Claim.GRANT:
        raise NotGrantable(_("It is not kept in a wallet: it is claimed differently."))
    if not channel.can_grant or not campaign.channels.filter(pk=channel.pk).exists():
        raise NotGrantable(_("It is not given in the channel “%(channel)s”.") % {"channel": channel.name})


def _check_wanted(customer: Customer, incentive: Incentive, channel: Channel) -> None:
    """By what holds when it is given, not when the customer was read."""
    said = Customer.objects.values_list("consent", flat=True).get(pk=customer.pk)
    if not said:
        return
    wishes = from_data(said)
    effect, awards = promise_of(incentive.effect, incentive.awards)
    answer = wishes.may(channel=channel.key, kinds=kinds_of(effect, awards))
    if answer.allowed:
        return
    if answer.why is Why.KIND_REFUSED:
        raise OptedOut(_("The customer does not want incentives of this kind."))
    if answer.why is Why.CHANNEL_REFUSED:
        raise OptedOut(_("The customer does not want to be addressed in the channel “%(channel)s”.") % {"channel": channel.name})
    raise OptedOut(_("The customer has opted out of all marketing."))


def _days_after(now: datetime.datetime, days: int | None) -> datetime.datetime | None:
    return None if days is None else now + datetime.timedelta(days=days)


def withdraw(*, grant: Grant, by: str, now: datetime.datetime, reason: str = "") -> None:
    """Take a held grant back. Raises ``NotHeld``."""
    with transaction.atomic():
        if not Grant.objects.filter(pk=grant.pk, state=GrantState.HELD).update(state=GrantState.WITHDRAWN):
            raise NotHeld(_("It was used, has expired or was withdrawn before."))
        track(
            customer=grant.customer,
            type=EventType.WITHDRAWN,
            source="campaigns",
            message_id=f"withdrawn:{grant.public_id}",
            occurred_at=now,
            received_at=now,
            name=grant.incentive.name,
            properties={"grant": str(grant.public_id), "reason": reason, "by": by},
        )


def expire_grants(*, now: datetime.datetime, most: int = 10_000) -> int:
    """Mark held grants whose time is over; how many. Using one is refused by its dates anyway, so this only tidies up."""
    due = Grant.objects.filter(state=GrantState.HELD, ends_at__lte=now).order_by("ends_at").values("pk")[:most]
    return Grant.objects.filter(pk__in=due, state=GrantState.HELD).update(state=GrantState.EXPIRED)

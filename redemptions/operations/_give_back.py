"""Take a whole redemption back: the goods return, and so do uses, budget and grants where the campaign says so."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.operations import Demand, give_back_grants, restore
from customers.operations import track
from customers.rules.timeline import EventType
from incentives_site.shared.problems import Kind, Problem

from ..models import AppliedIncentive, Redemption, Return


class AlreadyReturned(Problem):
    code = "already-returned"
    title = gettext_lazy("This redemption was returned before")
    kind = Kind.CONFLICT


class RecordedElsewhere(Problem):
    code = "recorded-elsewhere"
    title = gettext_lazy("This redemption was made in another system")
    kind = Kind.CONFLICT


def give_back(*, redemption: Redemption, by: str, now: datetime.datetime, reason: str = "") -> Return:
    """Return everything of ``redemption``. Raises ``AlreadyReturned``, and ``RecordedElsewhere`` when another system made it."""
    with transaction.atomic():
        if redemption.basket.get("recorded"):
            raise RecordedElsewhere(_("Return it where it was made."))
        if not Redemption.objects.filter(pk=redemption.pk, returned_at__isnull=True).update(returned_at=now):
            raise AlreadyReturned(_("Nothing of it is left to return."))
        given = Return.objects.create(
            redemption=redemption, amount=redemption.payable or 0, everything=True, reason=reason[:200], actor=by, returned_at=now
        )
        applied = list(
            AppliedIncentive.objects.filter(redemption=redemption, returned_at__isnull=True).select_related("campaign")
        )
        AppliedIncentive.objects.filter(pk__in=[row.pk for row in applied]).update(returned_at=now)
        restorable = [row for row in applied if row.campaign.restores_on_return]
        _tell_timeline(redemption, given, now)
        give_back_grants(grant_ids=[row.grant_id for row in restorable if row.grant_id], now=now)
        restore([Demand(*consumed) for row in restorable for consumed in row.consumed])
    redemption.returned_at = now
    return given


def _tell_timeline(redemption: Redemption, given: Return, now: datetime.datetime) -> None:
    if redemption.customer is None:
        return
    track(
        customer=redemption.customer,
        type=EventType.RETURNED,
        source="redemptions",
        message_id=f"returned:{given.public_id}",
        occurred_at=now,
        received_at=now,
        channel=redemption.channel,
        name=redemption.order_key,
        properties={"redemption": str(redemption.public_id), "amount": given.amount, "currency": redemption.currency},
    )

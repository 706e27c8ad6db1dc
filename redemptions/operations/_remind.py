"""Tell the timeline which points end soon, once for each lot (``docs/ledger.md``, Lots)."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import queries as campaign_queries
from customers.operations import track
from customers.rules.timeline import EventType

from ..models import AccountKind, Lot
from ._ledger import today_of_the_programme

AT_ONCE = 500


def remind_of_ending(*, now: datetime.datetime, most: int = AT_ONCE) -> int:
    """Mark the lots of points whose end is within the programme's ``reminder_days``, and write an event each; how many lots.

    Safe to repeat and to run beside itself. Without a programme there are no reminders.
    """
    programme = campaign_queries.active_programme()
    if programme is None:
        return 0
    today = today_of_the_programme(now)
    soon = today + datetime.timedelta(days=programme.reminder_days)
    with transaction.atomic():
        due = Lot.objects.select_for_update(of=("self",), skip_locked=True).filter(
            account__kind=AccountKind.POINTS,
            remaining__gt=0,
            reminded_at__isnull=True,
            last_usable_on__gte=today,
            last_usable_on__lte=soon,
        )
        lots = list(due.select_related("account__customer").order_by("last_usable_on", "id")[:most])
        for lot in lots:
            if lot.account.customer is None or lot.last_usable_on is None:
                continue
            track(
                customer=lot.account.customer,
                type=EventType.TRACK,
                source="redemptions",
                message_id=f"points-ending:{lot.pk}",
                occurred_at=now,
                received_at=now,
                name=_("points end soon"),
                properties={"points": lot.remaining, "last_usable_on": lot.last_usable_on.isoformat()},
            )
        Lot.objects.filter(pk__in=[lot.pk for lot in lots]).update(reminded_at=now)
    return len(lots)

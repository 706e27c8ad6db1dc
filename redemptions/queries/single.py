"""Reads of one redemption."""

import contextlib
import datetime
import uuid
from typing import Any

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import NotFound
from redemptions.models import Entry, PostingKind, Redemption


class RedemptionUnknown(NotFound):
    code = "redemption-unknown"
    title = _("There is no such redemption")


def redemption_by_public_id(public_id: object, *, source: str | None = None) -> Redemption:
    """The redemption, only one of ``source`` when that is given (a partner sees its own). Raises ``RedemptionUnknown``."""
    try:
        wanted = uuid.UUID(str(public_id))
    except ValueError:
        raise RedemptionUnknown from None
    found = Redemption.objects.select_related("customer", "channel", "store").filter(public_id=wanted)
    if source is not None:
        found = found.filter(source=source)
    redemption = found.first()
    if redemption is None:
        raise RedemptionUnknown
    return redemption


def receipts(words: str, *, now: datetime.datetime) -> QuerySet[Redemption]:
    """Redemptions by order, receipt number (its beginning is enough for those of the last 90 days), or all, newest first."""
    found = Redemption.objects.select_related("customer", "store", "channel").order_by("-redeemed_at", "-id")
    words = words.strip().replace("\x00", "")[:100]
    if not words:
        return found
    matches = Q(order_key__iexact=words)
    with contextlib.suppress(ValueError):
        matches |= Q(public_id=uuid.UUID(words))
    recent = found.filter(redeemed_at__gte=now - datetime.timedelta(days=90)).annotate(number=Cast("public_id", CharField()))
    matches |= Q(pk__in=recent.filter(number__istartswith=words.lower()).values("pk"))
    return found.filter(matches)


def value_moved(redemption: Redemption) -> dict[str, Any]:
    """What a redemption spent of stored value and what it booked: ``paid_with`` and ``earned``."""
    tenders = redemption.tenders.order_by("position").values_list("kind", "amount", "units")
    entries = Entry.objects.filter(posting__redemption=redemption, posting__kind=PostingKind.EARN, amount__gt=0)
    booked = entries.order_by("id").values_list("account__kind", "account__contest", "amount")
    return {
        "paid_with": [{"type": kind, "amount": amount, "units": units} for kind, amount, units in tenders],
        "earned": [{"type": kind, "units": units, **({"contest": name} if name else {})} for kind, name, units in booked],
    }

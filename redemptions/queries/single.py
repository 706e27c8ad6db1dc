"""Reads of one redemption."""

import contextlib
import datetime
import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from incentives_site.shared.problems import Kind, NotFound, Problem
from redemptions import sealing
from redemptions.models import Entry, PostingKind, Redemption, RedemptionLine


class RedemptionUnknown(NotFound):
    code = "redemption-unknown"
    title = _("There is no such redemption")


class RedemptionOfAnotherStore(Problem):
    code = "redemption-of-another-store"
    title = _("This receipt belongs to another store")
    kind = Kind.FORBIDDEN


def redemption_by_public_id(public_id: object, *, source: str | None = None, stores: Collection[str] | None = None) -> Redemption:
    """The redemption, only one of ``source`` when that is given (a partner sees its own), only in ``stores`` (keys) when given.

    Raises ``RedemptionUnknown``, ``RedemptionOfAnotherStore``. An order without a store, such as one on the web, is in none.
    """
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
    if stores is not None and (redemption.store is None or redemption.store.key not in stores):
        raise RedemptionOfAnotherStore(_("Return it there, or ask someone who may serve every store."))
    return redemption


def redemption_by_reference(typed: str) -> Redemption | None:
    """The redemption whose receipt was scanned; ``None`` for what is no reference of ours."""
    number = sealing.number_of(typed)
    return Redemption.objects.filter(pk=number).first() if number is not None else None


def order_lines(redemption: Redemption) -> list[RedemptionLine]:
    """The order's lines, in its order. Those of an order older than their table come from its decision and are not saved."""
    rows = list(RedemptionLine.objects.filter(redemption=redemption).order_by("position"))
    if rows or redemption.basket.get("recorded"):
        return rows
    bought = {line["id"]: line for line in redemption.basket.get("lines", [])}
    return [
        RedemptionLine(
            redemption=redemption,
            position=position,
            line=paid["line"],
            sku=bought[paid["line"]]["sku"],
            name=bought[paid["line"]].get("name") or "",
            quantity=bought[paid["line"]]["quantity"],
            unit_price=bought[paid["line"]]["unit_price"],
            discount=paid["discount"],
            stored_value=paid.get("stored_value", 0),
            payable=paid["payable"],
        )
        for position, paid in enumerate(redemption.decision["lines"])
    ]


def receipts(words: str, *, now: datetime.datetime, stores: Collection[str] | None = None) -> QuerySet[Redemption]:
    """Redemptions by order, receipt number (its beginning is enough for those of the last 90 days), or all, newest first.

    Only those of ``stores`` (keys) when given.
    """
    found = Redemption.objects.select_related("customer", "store", "channel").order_by("-redeemed_at", "-id")
    if stores is not None:
        found = found.filter(store__key__in=stores)
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
    if not any(item.get("stored_value") or item.get("awards") for item in redemption.decision.get("applied", [])):
        # Nothing is spent or booked but what was decided, and most orders are asked about right after they were written.
        return {"paid_with": [], "earned": []}
    tenders = redemption.tenders.order_by("position").values_list("kind", "amount", "units")
    entries = Entry.objects.filter(posting__redemption=redemption, posting__kind=PostingKind.EARN, amount__gt=0)
    booked = entries.order_by("id").values_list("account__kind", "account__contest", "amount")
    return {
        "paid_with": [{"type": kind, "amount": amount, "units": units} for kind, amount, units in tenders],
        "earned": [{"type": kind, "units": units, **({"contest": name} if name else {})} for kind, name, units in booked],
    }


def ids_of_source(customer: Customer, source: str) -> QuerySet[Any]:
    """The public ids, as text, of the customer's redemptions by one partner."""
    found = Redemption.objects.filter(customer=customer, source=source)
    return found.annotate(named=Cast("public_id", CharField())).values("named")

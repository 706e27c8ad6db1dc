"""Reads: a customer by identity, the timeline, channels, what is known of customers."""

import contextlib
import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import NotFound

from ..models import Channel, Customer, Event, Identity, Segment, Store
from ..rules.faults import Misunderstood
from ._identities import normalised


class CustomerUnknown(NotFound):
    code = "customer-unknown"
    title = _("No customer is known by that")


class ChannelUnknown(NotFound):
    code = "channel-unknown"
    title = _("There is no such channel")


class StoreUnknown(NotFound):
    code = "store-unknown"
    title = _("There is no such store")


def by_public_id(public_id: str | uuid.UUID) -> Customer:
    """The customer with this public id, or whom it has become part of. Raises ``CustomerUnknown``."""
    try:
        customer = Customer.objects.select_related("forwarded_to").get(public_id=uuid.UUID(str(public_id)))
    except (ValueError, Customer.DoesNotExist):
        raise CustomerUnknown from None
    return customer.forwarded_to or customer


def by_identity(kind: object, value: object) -> Customer:
    """The customer with this identity, as normalised. Raises ``CustomerUnknown``, or ``Misunderstood`` for junk."""
    kind, value = normalised(kind, value)
    identity = Identity.objects.select_related("customer").filter(kind=kind, value=value).first()
    if identity is None:
        raise CustomerUnknown
    return identity.customer


@dataclass(frozen=True, slots=True)
class Named:
    """A customer as a request names one, not yet looked up, so that a larger question can look it up in one go.

    ``condition`` is about the table ``customers_customer`` under the alias ``c``; its values are ``parameters``.
    """

    condition: str
    parameters: Mapping[str, Any]


def named_by_id(pk: int) -> Named:
    return Named("c.id = %(who)s", {"who": pk})


def named_by_public_id(public_id: str) -> Named:
    """Raises ``CustomerUnknown`` for what is no public id."""
    try:
        who = uuid.UUID(public_id)
    except ValueError:
        raise CustomerUnknown from None
    # A customer who became part of another leads there.
    condition = "c.id = (SELECT COALESCE(f.forwarded_to_id, f.id) FROM customers_customer f WHERE f.public_id = %(who)s)"
    return Named(condition, {"who": who})


def named_by_identity(kind: object, value: object) -> Named:
    """By an identity as normalised. Raises ``Misunderstood`` for junk."""
    kind, value = normalised(kind, value)
    return Named(
        "c.id = (SELECT i.customer_id FROM customers_identity i WHERE i.kind = %(who_kind)s AND i.value = %(who_value)s)",
        {"who_kind": kind, "who_value": value},
    )


def at_counter(typed: str) -> Customer | None:
    """Whom a card, an address or a number typed at a counter belongs to; ``None`` when to nobody."""
    typed = typed.strip()[:320]
    kinds = ["email"] if "@" in typed else ["loyalty_card", "phone", "user_id"]
    for kind in kinds:
        with contextlib.suppress(Misunderstood, CustomerUnknown):
            return by_identity(kind, typed)
    with contextlib.suppress(CustomerUnknown):
        return by_public_id(typed)
    return None


def search(words: str) -> QuerySet[Customer]:
    """Customers whose name contains the words, or who have them (or a part of a card) as an identity."""
    words = words.strip().replace("\x00", "")[:200]
    if not words:
        return Customer.objects.none()
    compact = words.replace(" ", "").replace("-", "")
    by_identity = Identity.objects.filter(
        Q(value__iexact=words) | Q(value__iexact=compact) | Q(value__istartswith=compact)
    ).values("customer")
    found = Q(display_name__icontains=words) | Q(pk__in=by_identity)
    with contextlib.suppress(ValueError):
        found |= Q(public_id=uuid.UUID(words))
    return Customer.objects.filter(found, forwarded_to=None).prefetch_related("identities").order_by("display_name", "pk")


def newest() -> QuerySet[Customer]:
    """Those who are there, the latest to come first: nobody who became part of another or was erased."""
    return Customer.objects.filter(forwarded_to=None, erased_at=None).prefetch_related("identities").order_by("-id")


def timeline(customer: Customer) -> QuerySet[Event]:
    """The customer's events, newest first."""
    return Event.objects.filter(customer=customer).select_related("channel").order_by("-occurred_at", "-id")


Place = tuple[datetime.datetime, int]


def timeline_piece(found: QuerySet[Event], *, after: Place | None, most: int) -> tuple[list[Event], Place | None]:
    """The ``most`` events of a timeline that come after a place in it, and the place of the last, where there are more.

    By the index of the timeline, so that the thousandth piece costs as much as the first.
    """
    if after is not None:
        at, pk = after
        found = found.filter(Q(occurred_at__lt=at) | Q(pk__lt=pk), occurred_at__lte=at)
    events = list(found[: most + 1])
    if len(events) <= most:
        return events, None
    last = events[most - 1]
    return events[:most], (last.occurred_at, last.pk)


def known_of(customer: Customer | None) -> dict[str, Any]:
    """What conditions may ask about a customer: traits, overlaid by facts."""
    if customer is None:
        return {}
    known = {**customer.traits, **{k: v for k, v in customer.facts.items() if v is not None}}
    if "segments" in customer.traits and customer.facts.get("segments") is None:
        del known["segments"]  # nobody becomes a member by saying so
    return known


def channel(key: str) -> Channel:
    """Raises ``ChannelUnknown``."""
    found = Channel.objects.filter(key=key, is_active=True).first()
    if found is None:
        raise ChannelUnknown
    return found


# For statements that ask for a store beside other things: the active one with the key ``%(store)s``, as ``store_from`` reads it.
ACTIVE_STORE = "(SELECT to_jsonb(s) FROM customers_store s WHERE s.key = %(store)s AND s.is_active)"


def store_from(answer: Mapping[str, Any] | None) -> Store:
    """The store that ``ACTIVE_STORE`` has found. Raises ``StoreUnknown``."""
    if answer is None:
        raise StoreUnknown
    return Store.from_db("default", list(answer), list(answer.values()))


def audience_vocabulary() -> dict[str, list[str]]:
    """The traits and facts that customers really have, with the values of those that have few: for pages to offer."""
    found: dict[str, set[str]] = {}
    for known in _newest_known():
        for name, value in known.items():
            found.setdefault(name, set()).add(str(value))
    vocabulary = {name: sorted(values) if len(values) <= 30 else [] for name, values in sorted(found.items())}
    vocabulary.pop("segments", None)
    if keys := list(Segment.objects.filter(archived_at=None).order_by("key").values_list("key", flat=True)):
        vocabulary["segments"] = keys
    return vocabulary


def numeric_facts() -> frozenset[str]:
    """The traits and facts that are numbers, so that a page knows what a typed ``2`` means."""
    numbers = (name for known in _newest_known() for name, value in known.items() if type(value) in (int, float))
    return frozenset(numbers)


def _newest_known() -> list[dict[str, Any]]:
    rows = Customer.objects.order_by("-id").values_list("traits", "facts")[:2000]
    return [{**traits, **facts} for traits, facts in rows]

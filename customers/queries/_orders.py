"""Whose order an event tells of. A partner that may read customers sees its own orders, and no other partner's."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from ..models import Customer, Event
from ..rules.timeline import EventType
from ._reading import timeline

# By which an event tells of an order, whatever it is called.
NAMES = ("order", "order_id", "orderId", "order_key", "redemption", "checkout_id")
TYPES = (EventType.REDEEMED, EventType.RETURNED, EventType.BOUGHT)

# The ids of a partner's own redemptions of a customer, as text.
OwnRedemptions = Callable[[Customer, str], QuerySet[Any]]
_own_redemptions: list[OwnRedemptions] = []


def register_own_redemptions(found: OwnRedemptions) -> None:
    """Called by the app that has them, which stands to the right."""
    _own_redemptions[:] = [found]


def timeline_for(customer: Customer, partner: str) -> QuerySet[Event]:
    """The customer's events, newest first, without those that tell of another partner's order.

    An order is the partner's own when the source of the event has its key, or when it was redeemed with a key of its own.
    """
    own = Q(source=partner)
    for found in _own_redemptions:
        own |= Q(redemption__in=found(customer, partner))
    of_orders = Q(type__in=TYPES) | Q(properties__has_any_keys=NAMES)
    named = timeline(customer).annotate(redemption=KeyTextTransform("redemption", "properties"))
    return named.filter(own | ~of_orders)

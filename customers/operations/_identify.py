"""Find the customer behind an identity, or begin a new profile."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..models import Customer
from ..queries import identity_rules, normalised
from ._resolve import Signal, resolve_all


def identify(*, kind: str, value: str, display_name: str = "", traits: Mapping[str, Any] | None = None) -> tuple[Customer, bool]:
    """The customer known by ``(kind, value)`` and whether it was made now.

    Two callers that name the same new identity at once get one customer. Raises ``Misunderstood`` for junk.
    """
    identifier = normalised(kind, value, identity_rules())
    now = timezone.now()
    with transaction.atomic():
        (resolved,) = resolve_all([Signal((identifier,), now)], by="system", now=now)
        customer = Customer.objects.get(pk=resolved.customer_id)
        if resolved.is_new and (display_name or traits):
            customer.display_name, customer.traits = display_name, dict(traits or {})
            customer.save(update_fields=["display_name", "traits"])
        return customer, resolved.is_new

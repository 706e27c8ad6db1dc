"""Find the customer behind an identity, or begin a new profile."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from ..models import Customer, Identity
from ..rules.identities import normalise


def identify(*, kind: str, value: str, display_name: str = "", traits: Mapping[str, Any] | None = None) -> tuple[Customer, bool]:
    """The customer known by ``(kind, value)`` and whether it was made now.

    Two callers that name the same new identity at once get one customer: the loser of the unique constraint takes the winner's.
    Raises ``Misunderstood`` for junk.
    """
    kind, value = normalise(kind, value)
    with transaction.atomic():
        identity = Identity.objects.select_related("customer").filter(kind=kind, value=value).first()
        if identity is not None:
            return identity.customer, False
        customer = Customer.objects.create(display_name=display_name, traits=dict(traits or {}))
        Identity.objects.bulk_create([Identity(customer=customer, kind=kind, value=value)], ignore_conflicts=True)
        winner = Identity.objects.select_related("customer").get(kind=kind, value=value).customer
        if winner.pk != customer.pk:
            customer.delete()
        return winner, winner.pk == customer.pk

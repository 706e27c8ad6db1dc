"""Find the customer behind an identity, or begin a new profile."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import Kind, Problem

from ..models import Customer
from ..queries import identity_rules, normalised, suppressed
from ._judge import note_changed
from ._resolve import Signal, hold, resolve_all


class Suppressed(Problem):
    code = "customer-erased"
    title = gettext_lazy("This customer was erased and stays out")
    kind = Kind.CONFLICT


def identify(*, kind: str, value: str, display_name: str = "", traits: Mapping[str, Any] | None = None) -> tuple[Customer, bool]:
    """The customer known by ``(kind, value)`` and whether it was made now.

    Two callers that name the same new identity at once get one customer. Raises ``Misunderstood`` for junk, and ``Suppressed``.
    """
    identifier = normalised(kind, value, identity_rules())
    now = timezone.now()
    with transaction.atomic():
        hold([identifier])
        if suppressed([identifier]):
            raise Suppressed(_("Who had this identifier asked to be forgotten. An operator can let it in again."))
        (resolved,) = resolve_all([Signal((identifier,), now)], by="system", now=now)
        customer = Customer.objects.get(pk=resolved.customer_id)
        if resolved.is_new and (display_name or traits):
            customer.display_name, customer.traits = display_name, dict(traits or {})
            customer.save(update_fields=["display_name", "traits"])
        if resolved.is_new:
            note_changed(customers=[customer.pk], now=now)
        return customer, resolved.is_new

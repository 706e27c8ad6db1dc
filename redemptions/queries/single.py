"""Reads of one redemption."""

import uuid

from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import NotFound
from redemptions.models import Redemption


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

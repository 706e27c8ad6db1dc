"""The one place that says whether a campaign may be changed now, and locks it for that."""

from django.utils.translation import gettext as _

from ..models import Campaign, Status
from ._problems import WrongStatus

REVISABLE = frozenset({Status.DRAFT, Status.SCHEDULED, Status.PAUSED})


def check_revisable(campaign: Campaign) -> None:
    """Raises ``WrongStatus`` with what to do instead, when the campaign may not be changed in its status."""
    if campaign.status in REVISABLE:
        return
    raise WrongStatus(
        _("It has ended: draft a new one.") if campaign.status == Status.ENDED else _("Pause the campaign before you change it."),
        extras={"campaign_status": campaign.status},
    )


def take_revisable(campaign: Campaign) -> Campaign:
    """The campaign as it is now, locked until the transaction ends. Raises ``WrongStatus``."""
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    check_revisable(locked)
    return locked

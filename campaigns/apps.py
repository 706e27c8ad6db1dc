"""What was promised: campaigns, incentives, limits, codes and grants."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from customers import operations as customers  # here: models are loaded by then

        from .operations import TARGETED, WALLET
        from .queries import secret_codes

        customers.register(WALLET, TARGETED)
        customers.register_secrets("campaigns", secret_codes)

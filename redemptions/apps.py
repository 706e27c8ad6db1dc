"""What happened: redemptions and returns."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RedemptionsConfig(AppConfig):
    name = "redemptions"
    verbose_name = _("Redemptions")

    def ready(self) -> None:
        from customers import operations as customers  # here: models are loaded by then
        from customers.queries import register_own_redemptions

        from .models import Access
        from .operations import ACCOUNTS, REDEMPTIONS, TIERS
        from .queries import ids_of_source, secret_cards

        register_own_redemptions(ids_of_source)
        customers.register_secrets("gift cards", secret_cards)
        customers.register(REDEMPTIONS, ACCOUNTS, TIERS, customers.rows("accesses", _("what was opened for it"), Access))

"""Who: channels, customers, their identities and their timeline."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from . import operations  # here: models are loaded by then
        from .models import Event, Identity, Purchase

        operations.register(
            operations.rows("identities", _("identifiers"), Identity),
            operations.rows("events", _("events"), Event),
            operations.rows("purchases", _("purchases"), Purchase),
            operations.CONSENT,
        )

"""Who: channels, customers, their identities and their timeline."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from . import operations  # here: models are loaded by then
        from .models import DataRequest, Event, Identity, Purchase

        operations.register(
            operations.rows("identities", _("identifiers"), Identity, erase=operations.erase_identities, has_worth=False),
            operations.rows("events", _("events"), Event, erase=operations.erase_events, has_worth=False),
            operations.rows(
                "purchases",
                _("purchases"),
                Purchase,
                erase=operations.erase_purchases,
                marks=operations.marks_of_purchases,
            ),
            operations.CONSENT,
            operations.SEGMENTS,
            operations.rows("data_requests", _("requests about data"), DataRequest, erase=operations.erase_data_requests),
        )

"""The project's own application: system checks, management commands, the home page."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SiteConfig(AppConfig):
    name = "incentives_site"
    label = "site"
    verbose_name = _("Site")

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks)

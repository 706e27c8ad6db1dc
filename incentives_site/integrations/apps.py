"""Partners, their keys, and what makes calls safe to repeat."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "incentives_site.integrations"
    label = "integrations"
    verbose_name = _("Partners")

"""What happened: redemptions and returns."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RedemptionsConfig(AppConfig):
    name = "redemptions"
    verbose_name = _("Redemptions")

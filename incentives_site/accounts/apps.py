"""People who sign in, and the roles that open doors to them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "incentives_site.accounts"
    label = "accounts"
    verbose_name = _("People who sign in")

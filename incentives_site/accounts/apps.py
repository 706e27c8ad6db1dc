"""People who sign in, and the roles that open doors to them."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "incentives_site.accounts"
    label = "accounts"
    verbose_name = _("People who sign in")

    def ready(self) -> None:
        from allauth.account import signals

        signals.user_logged_in.connect(_signed_in, dispatch_uid="accounts-signed-in")
        signals.password_changed.connect(_password_replaced, dispatch_uid="accounts-password-changed")
        signals.password_reset.connect(_password_reset, dispatch_uid="accounts-password-reset")


def _signed_in(*, request: Any, user: Any, **_ignored: Any) -> None:
    request.known_here = user


def _password_replaced(*, request: Any, user: Any, **_ignored: Any) -> None:
    """Other sessions end by themselves, as they were made with another password; other browsers are strangers again."""
    from . import devices, operations

    operations.forget_devices(user=user, but=devices.token_of(request))


def _password_reset(*, request: Any, user: Any, **_ignored: Any) -> None:
    """Who reads the owner's mail is the owner: this browser is known from now on, also while strangers go on guessing."""
    from . import operations

    _password_replaced(request=request, user=user)
    operations.lift_locks(user=user)
    request.known_here = user

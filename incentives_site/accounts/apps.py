"""People who sign in, and the roles that open doors to them."""

from functools import partial
from typing import Any

from django.apps import AppConfig
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.security_log import note

METHODS = "account_authentication_methods"  # where allauth keeps in the session how somebody has proved who they are


class AccountsConfig(AppConfig):
    name = "incentives_site.accounts"
    label = "accounts"
    verbose_name = _("People who sign in")

    def ready(self) -> None:
        from allauth.account import signals
        from allauth.mfa import signals as mfa_signals
        from django.contrib.auth.signals import user_logged_in, user_logged_out

        user_logged_in.connect(_session_begun, dispatch_uid="accounts-session-begun")
        user_logged_out.connect(_signed_out, dispatch_uid="accounts-signed-out")
        signals.user_logged_in.connect(_signed_in, dispatch_uid="accounts-signed-in")
        signals.password_changed.connect(_password_replaced, dispatch_uid="accounts-password-changed")
        signals.password_set.connect(_password_replaced, dispatch_uid="accounts-password-set")
        signals.password_reset.connect(_password_reset, dispatch_uid="accounts-password-reset")
        for signal, event in (
            (mfa_signals.authenticator_added, "second_factor_added"),
            (mfa_signals.authenticator_removed, "second_factor_removed"),
            (mfa_signals.authenticator_reset, "second_factor_renewed"),
        ):
            signal.connect(partial(_factor_changed, event=event), dispatch_uid=f"accounts-{event}", weak=False)


def _session_begun(*, request: Any, user: Any, **_ignored: Any) -> None:
    """However somebody was signed in: the session knows since when it lasts."""
    from .sessions import SIGNED_IN_AT

    request.session[SIGNED_IN_AT] = int(timezone.now().timestamp())
    ways = [str(way.get("type") or way["method"]) for way in request.session.get(METHODS, [])]
    note("signed_in", account=user.pk, methods=ways)


def _signed_out(*, user: Any, **_ignored: Any) -> None:
    if user is not None:
        note("signed_out", account=user.pk)


def _factor_changed(*, user: Any, authenticator: Any, event: str, **_ignored: Any) -> None:
    """By its owner; what operators do is noted where they do it."""
    note(event, account=user.pk, by=user.pk, kind=str(authenticator.type))


def _signed_in(*, request: Any, user: Any, **_ignored: Any) -> None:
    request.known_here = user


def _password_replaced(*, request: Any, user: Any, **_ignored: Any) -> None:
    """Other sessions end by themselves, as they were made with another password; other browsers are strangers again."""
    from . import devices, operations

    note("password_changed", account=user.pk, by=user.pk)
    operations.forget_devices(user=user, but=devices.token_of(request))


def _password_reset(*, request: Any, user: Any, **_ignored: Any) -> None:
    """Who reads the owner's mail is the owner: this browser is known from now on, also while strangers go on guessing."""
    from . import operations

    _password_replaced(request=request, user=user)
    operations.lift_locks(user=user)
    request.known_here = user

"""allauth's forms that ask for a secret, each counted as the sign-in is; and the one that makes a passkey."""

from typing import Any

from allauth.account import forms as account_forms
from allauth.core import context
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.addresses import client_address

from . import operations
from .devices import token_of


class ChangePasswordForm(account_forms.ChangePasswordForm):
    """Who finds a browser signed in may not guess the password there either."""

    def clean_oldpassword(self) -> str:
        attempt = operations.begin_password_try(login=self.user.email, user=self.user, **_where())
        return str(_counted(attempt, super().clean_oldpassword))


class CodeForm(mfa_forms.AuthenticateForm):
    def clean_code(self) -> str:
        return str(_counted(operations.begin_factor_try(user=self.user, **_where()), super().clean_code))


class CodeAgainForm(mfa_forms.ReauthenticateForm):
    def clean_code(self) -> str:
        return str(_counted(operations.begin_factor_try(user=self.user, **_where()), super().clean_code))


class NewPasskeyForm(AddWebAuthnForm):
    """A passkey unless one asks for a key that only comes after the password."""

    passwordless = forms.BooleanField(
        label=_("Sign in with this passkey alone, without a password"),
        required=False,
        initial=True,
        help_text=_("Your device asks for your fingerprint, face or PIN. Clear this for a security key that has none of them."),
    )


def _where() -> dict[str, Any]:
    request = context.request
    return {"address": client_address(request), "device": token_of(request), "now": timezone.now()}


def _counted(attempt: operations.Try, check: Any) -> Any:
    try:
        value = check()
    except forms.ValidationError:
        attempt.fail()
        raise
    attempt.succeed()
    return value

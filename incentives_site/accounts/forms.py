"""allauth's forms that ask for a secret, each counted as the sign-in is; and the one that makes a passkey."""

from typing import Any

from allauth.account import forms as account_forms
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, LoginWebAuthnForm
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.addresses import client_address
from incentives_site.shared.security_log import note

from . import operations
from .devices import token_of


class ChangePasswordForm(account_forms.ChangePasswordForm):
    """Who finds a browser signed in may not guess the password there either."""

    def clean_oldpassword(self) -> str:
        attempt = operations.begin_password_try(login=self.user.email, user=self.user, **_where())
        return str(_counted(attempt, super().clean_oldpassword))


class _OneTime(mfa_forms.BaseAuthenticateForm):
    """Counts a code as passwords are counted, and lets one of an authenticator app through once."""

    def clean_code(self) -> str:
        return str(_counted(operations.begin_factor_try(user=self.user, **_where()), self._once))

    def _once(self) -> str:
        app = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).first()
        try:
            code = super().clean_code()
        except forms.ValidationError:
            # The cache may have known it, which answers as for a wrong one.
            if (step := self._step(app)) is not None and operations.is_totp_step_used(user=self.user, step=step):
                operations.totp_reused(user=self.user, now=timezone.now())
            raise
        if self.authenticator.type == Authenticator.Type.TOTP:
            step = self._step(app)
            if step is None or not operations.use_totp_step(user=self.user, step=step):
                operations.totp_reused(user=self.user, now=timezone.now())
                raise get_mfa_adapter().validation_error("incorrect_code")
        return str(code)

    def _step(self, app: Authenticator | None) -> int | None:
        """The time step of the typed code."""
        secret = get_mfa_adapter().decrypt(app.data["secret"]) if app else ""
        return operations.totp_step(secret=secret, code=self.cleaned_data["code"]) if secret else None


class CodeForm(_OneTime, mfa_forms.AuthenticateForm):
    pass


class CodeAgainForm(_OneTime, mfa_forms.ReauthenticateForm):
    pass


class NewAppForm(ActivateTOTPForm):
    """The code that sets an app up is used up by that."""

    def clean_code(self) -> str:
        code = str(super().clean_code())
        step = operations.totp_step(secret=self.secret, code=code)
        if step is not None:
            operations.use_totp_step(user=self.user, step=step)
        return code


class PasskeyForm(LoginWebAuthnForm):
    """Signs in with a passkey alone. It cannot be guessed, so it is not counted; one that is refused is logged."""

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except forms.ValidationError:
            note("sign_in_failed", method="passkey", account=None, address=client_address(context.request))
            raise


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

"""allauth's hooks: accounts are made by an operator, never by strangers, and every password is tried through the same count."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone

from incentives_site.shared.addresses import client_address, client_ip

from . import operations
from .devices import token_of

UNKNOWN_ADDRESS = "::"  # a Unix socket whose proxy is not counted in TRUSTED_PROXY_HOPS


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or UNKNOWN_ADDRESS

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Who has this password, if anyone. Raises ``SignInPaused`` before it is checked after too many wrong ones."""
        login = str(credentials.get("email") or credentials.get("username") or "")
        named = filter_users_by_email(login, prefer_verified=True, for_login=True)
        attempt = operations.begin_password_try(
            login=login,
            user=named[0] if named else None,
            address=client_address(request),
            device=token_of(request),
            now=timezone.now(),
        )
        user = super().authenticate(request, **credentials)
        if user is None:
            attempt.fail()
        else:
            attempt.succeed()
        return user

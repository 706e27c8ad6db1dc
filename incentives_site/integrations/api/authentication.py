"""Who calls: ``Authorization: Api-Key <key>``."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from ..models import ApiKey, Partner
from ..queries import find_key


@dataclass(frozen=True, slots=True)
class Caller:
    """The partner behind a request, as DRF's ``request.user``."""

    partner: Partner
    key: ApiKey
    is_authenticated: bool = True

    @property
    def pk(self) -> str:
        return self.key.prefix

    def may(self, scope: str) -> bool:
        """Whether the key has the scope."""
        return scope in self.key.scopes

    @property
    def actor(self) -> str:
        """How the audit trail names this caller."""
        return f"key:{self.partner.key}/{self.key.prefix}"


class PartnerKeyAuthentication(authentication.BaseAuthentication):
    """Unknown, revoked and expired keys get the same answer: 401."""

    keyword = "Api-Key"

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey] | None:
        scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        key = find_key(value.strip()) if scheme.lower() == self.keyword.lower() else None
        if key is None:
            raise exceptions.AuthenticationFailed(_("This key is unknown, revoked or expired."), code="key-not-accepted")
        return Caller(key.partner, key), key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class PartnerKeyScheme(OpenApiAuthenticationExtension):
    target_class = "incentives_site.integrations.api.authentication.PartnerKeyAuthentication"
    name = "PartnerKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`",
        }

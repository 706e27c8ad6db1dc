"""Sessions of which a stolen table opens none: their rows have no cookie's value, and what they remember is sealed.

A browser's cookie is the key of the row with a signature, which is worked out and stored nowhere. ``SECRET_KEY`` signs; its
fallbacks are accepted while it is rotated.
"""

import base64
import binascii
import json
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from incentives_site.shared import sealing

PURPOSE = "sessions"


def _signer() -> Signer:
    return Signer(salt="incentives_site.accounts.sessions", sep=".")


def cookie_of(session_key: str) -> str:
    """What a browser holds of the session with this key."""
    return _signer().sign(session_key)


def key_of(cookie: str | None) -> str | None:
    """The key of the session whose cookie this is; ``None`` for what was not signed here."""
    try:
        return _signer().unsign(cookie) if cookie else None
    except BadSignature:
        return None


class SessionStore(db.SessionStore):
    """Django's, with sealed data. Made from the key of a row, or from a whole cookie."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(key_of(session_key) if session_key and "." in session_key else session_key)

    def encode(self, session_dict: dict[str, Any]) -> str:
        text = json.dumps(session_dict, separators=(",", ":")).encode()
        return base64.b64encode(sealing.seal(PURPOSE, text)).decode()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """What it remembers; nothing when the key that sealed it is gone, which signs the person out."""
        try:
            text = sealing.open_seal(PURPOSE, base64.b64decode(session_data, validate=True))
        except (binascii.Error, ValueError):
            text = None
        found: dict[str, Any] = json.loads(text) if text else {}
        return found


class SignedSessions(SessionMiddleware):
    """Django's, with signed cookies: the key of a row alone opens nothing."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = self.SessionStore(key_of(request.COOKIES.get(settings.SESSION_COOKIE_NAME)))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and cookie.value:
            signed = cookie_of(cookie.value)
            cookie.set(cookie.key, signed, signed)
        return response

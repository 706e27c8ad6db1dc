"""Sessions of which a stolen table opens none: their rows have no cookie's value, and what they remember is sealed.

A browser's cookie is the key of the row with a signature, which is worked out and stored nowhere. ``SECRET_KEY`` signs; its
fallbacks are accepted while it is rotated.

A person stays signed in for ``SESSION_HOURS`` after signing in, and for ``SESSION_IDLE_MINUTES`` after the last request: the
first is remembered in the session, the second is when its row expires, which requests move on.
"""

import base64
import binascii
import datetime
import json
import math
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY as AUTH_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from incentives_site.shared import sealing

PURPOSE = "sessions"
SIGNED_IN_AT = "signed_in_at"  # seconds since 1970
MOVED_AFTER = datetime.timedelta(minutes=1)  # the row of a busy session is not written with every request


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
        self._expires: datetime.datetime | None = None

    def load(self) -> dict[str, Any]:
        """What it remembers; nothing once it is over, also by settings that have become shorter meanwhile."""
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        found = self.decode(row.session_data) if row else {}
        self._expires = row.expire_date if row else None
        if AUTH_KEY in found and self._ends_at(found.get(SIGNED_IN_AT, 0)) <= timezone.now():
            self._session_key = None  # as Django does for what has expired
            return {}
        return found

    @staticmethod
    def _ends_at(signed_in_at: float) -> datetime.datetime:
        """When a signed-in session ends whatever happens. One that does not say since when it lasts (0) has ended."""
        since = datetime.datetime.fromtimestamp(signed_in_at, tz=datetime.UTC)
        return since + datetime.timedelta(hours=settings.SESSION_HOURS)

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Seconds that the cookie lasts: no longer than the session may."""
        age = int(super().get_expiry_age(**kwargs))
        if AUTH_KEY not in self:
            return age
        left = (self._ends_at(self.get(SIGNED_IN_AT, 0)) - timezone.now()).total_seconds()
        return max(0, min(age, math.ceil(left)))

    def get_expiry_date(self, **kwargs: Any) -> datetime.datetime:
        """When the row expires: after being idle for so long, and not later than the session."""
        latest: datetime.datetime = super().get_expiry_date(**kwargs)
        if AUTH_KEY not in self:
            return latest
        idle = timezone.now() + datetime.timedelta(minutes=settings.SESSION_IDLE_MINUTES)
        return min(latest, idle, self._ends_at(self.get(SIGNED_IN_AT, 0)))

    def move_on(self) -> None:
        """Somebody signed in is active: the row expires later. Only this is written, so nothing another request wrote is lost."""
        if self._expires is None or AUTH_KEY not in self:
            return
        expires = self.get_expiry_date()
        step = min(MOVED_AFTER, datetime.timedelta(minutes=settings.SESSION_IDLE_MINUTES) / 10)
        if expires - self._expires >= step:
            self.model.objects.filter(session_key=self.session_key).update(expire_date=expires)

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
        if request.session.accessed and not request.session.modified:
            request.session.move_on()  # type: ignore[attr-defined]
        response = super().process_response(request, response)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and cookie.value:
            signed = cookie_of(cookie.value)
            cookie.set(cookie.key, signed, signed)
        return response

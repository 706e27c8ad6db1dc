"""The cookie by which a browser is known again (``operations._devices``)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from . import operations
from .models import User
from .operations._devices import REMEMBERED

# A path of its own, so not ``__Host-``, which asks for all of the site.
COOKIE = "__Secure-device" if settings.SESSION_COOKIE_SECURE else "device"


def token_of(request: HttpRequest) -> str:
    """The token the browser holds; empty when it is new here, or sends what is none of ours."""
    token = request.COOKIES.get(COOKIE, "")
    return token if token.isascii() and len(token) <= 64 else ""


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    token = operations.remember_device(user=user, token=token_of(request), now=timezone.now())
    response.set_cookie(
        COOKIE, token, max_age=REMEMBERED, httponly=True, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax", path="/accounts/"
    )

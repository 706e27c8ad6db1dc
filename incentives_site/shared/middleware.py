"""Small middleware: bounds of bodies, optional slashes for the API, languages, the admin's content policy, refusals as pages."""

from collections.abc import Callable
from typing import Any

import structlog
from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django_structlog.middlewares import RequestMiddleware
from pghistory.middleware import HistoryMiddleware

from .addresses import client_ip
from .kept_files import FileTooLarge, refuse_oversized
from .logs import request_id
from .masking import masked_path
from .problem_pages import problem_page
from .problems import Problem

# Unfold's Alpine needs eval and inline styles; Swagger UI writes inline styles.
RELAXED = {
    "/admin/": {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]},
    "/api/docs/": {"style-src": [UNSAFE_INLINE]},
}
Respond = Callable[[HttpRequest], HttpResponse]


class RequestLog(RequestMiddleware):
    """The log lines of a request, with the address the rest of the product goes by: the package's own trusts any header."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_ip(request))


class SlashOptionalApi:
    """Paths below ``/api/`` answer with and without a trailing slash, never by a redirect: clients lose a redirected POST."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/v1/") and request.path_info.endswith("/"):
            request.path_info = request.path_info.rstrip("/")
        return self.get_response(request)


class BoundedBodies:
    """A page whose form or file is larger than it may take is refused before a byte of it is read (``kept_files``).

    It stands before the check of the token of a form, which would read the body. The API and the doors for events bound theirs
    themselves, in the words of those who call them.
    """

    ELSEWHERE = ("/api/", "/v1/", "/beacon/")

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        if request.path_info.startswith(self.ELSEWHERE):
            return None
        try:
            refuse_oversized(request, view)
        except FileTooLarge as problem:
            return problem_page(request, problem)
        return None


class LanguageOfThePage:
    """Customers' pages and the API speak every language of customers; the workspace only those in which it has all its words."""

    PUBLIC = ("/wallet/", "/preferences/", "/s/", "/api/v1/")

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = translation.get_language()
        if not request.path_info.startswith(self.PUBLIC) and language not in settings.WORKSPACE_LANGUAGES:
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        return self.get_response(request)


class PrivateAnswers:
    """Nothing personal is kept by a browser, a proxy or a shared till: every answer is ``private, no-store`` unless it is named.

    ``PUBLIC`` are addresses whose answer is the same for everybody who is not signed in. Static files are answered before this.
    """

    PUBLIC = ("api-schema", "api-docs", "problems", "problem", "wallet-worker")
    PRIVATE = "private, no-store"

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        is_public = match is not None and match.view_name in self.PUBLIC and response.status_code < 400
        # A page that looked who is signed in shows them their navigation. (The API's own pages set the user to none.)
        if not is_public or (request.session.accessed and getattr(request.user, "is_authenticated", False)):
            response["Cache-Control"] = self.PRIVATE
        return response


class AdminContentSecurity:
    """Third-party pages get what they cannot do without, below their own prefix only."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for prefix, update in RELAXED.items():
            if request.path.startswith(prefix):
                response._csp_update = update  # type: ignore[attr-defined]
        return response


class History(HistoryMiddleware):
    """Keeps with each change in the history which page made it, without the secret part of its address."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_context(request), "url": masked_path(request.path)}


class ProblemPages:
    """A refusal raised by a page becomes that page's answer, with its own status; every answer names its request."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if number := request_id():
            response["X-Request-ID"] = number
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return problem_page(request, exception) if isinstance(exception, Problem) else None

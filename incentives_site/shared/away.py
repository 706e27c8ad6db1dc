"""What happens when a server we stand on is away: 503 at every door, in the words of that door, with when to come back.

Errors of the database that time mends (it is stopped, starting, out of connections, a statement took too long) and a full disk
are no bugs of ours. Everything else stays a 500.
"""

import errno
from collections.abc import Iterator

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from .logs import request_id

RETRY_AFTER = 10  # seconds
DISK_FULL = "53100"
log = structlog.get_logger(__name__)


def code_of(error: BaseException | None) -> str:
    """``database-away`` or ``storage-full`` where that is why a request failed; empty otherwise."""
    for cause in _causes(error):
        if getattr(cause, "sqlstate", None) == DISK_FULL or (isinstance(cause, OSError) and cause.errno in _FULL):
            return "storage-full"
    if any(isinstance(cause, OperationalError | InterfaceError) for cause in _causes(error)):
        return "database-away"
    return ""


_FULL = {errno.ENOSPC, errno.EDQUOT}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def answer(request: HttpRequest, code: str) -> HttpResponse:
    """503 with ``Retry-After``: problem details for the API, what sources expect for events, a page for everybody else."""
    sentences = {
        "database-away": _("The service cannot be reached at the moment. Try again in a few seconds."),
        "storage-full": _("The service has no room left to store this. An operator has to free disk space."),
    }
    path = request.path_info
    if path.startswith("/api/"):
        title = {"database-away": _("Service unavailable"), "storage-full": _("Storage is full")}[code]
        response: HttpResponse = JsonResponse(
            {
                "type": f"{settings.BASE_URL}/problems/{code}",
                "title": title,
                "status": 503,
                "code": code,
                "detail": sentences[code],
                "errors": [],
                "request_id": request_id(),
            },
            status=503,
            content_type="application/problem+json",
        )
    elif path.startswith(("/v1/", "/beacon/")):
        # Both words: one of the clients sends a refused batch again for ever when either is missing.
        response = JsonResponse({"success": False, "code": code, "message": sentences[code]}, status=503)
        response["Access-Control-Allow-Origin"] = "*"
    else:
        response = render(request, "errors/503.html", {"request_id": request_id(), "code": code}, status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    log.warning("service_away", code=code)
    return response

"""Where sources send events: the paths, answers and tolerance that the official clients of the Segment protocol expect.

Plain views, as this is not the partners' API: another way to say who one is, other answers, and thousands of events a second.
"""

import base64
import binascii
import time
import zlib

import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from customers import operations
from customers.models import Intake, Source
from customers.rules import protocol

log = structlog.get_logger(__name__)

SOURCES_KEPT = 5.0  # seconds: so long a revoked key may still send, and no longer
MOST_WAITING = 20_000  # requests; beyond, sources are told to come back later
LOOK_EVERY = 1.0  # seconds between two looks at how many wait

_sources: dict[str, tuple[float, Source | None]] = {}
_backlog = [0.0, False]


@csrf_exempt
def ingest(request: HttpRequest, route: str) -> HttpResponse:
    """Exactly ``200 {"success": true}`` once everything is on disk; anything else is a refusal, or a request to come back."""
    if route not in protocol.ROUTES:
        return _refusal(request, 404, "unknown-route", _("Events are sent to /v1/batch, or to the route of their type."))
    if request.method == "OPTIONS":
        return _cors(request, HttpResponse(status=204))
    if request.method != "POST":
        return _refusal(request, 405, "method-not-allowed", _("Events are sent with POST."))
    try:
        return _cors(request, _ingest(request, protocol.ROUTES[route]))
    except DatabaseError as error:
        log.error("events_not_taken", reason=type(error).__name__)
        return _later(request, 503, 5)


def _ingest(request: HttpRequest, kind: str) -> HttpResponse:
    if _is_flooded():
        return _later(request, 429, 10)
    body = _body(request)
    if body is None:
        return _refusal(request, 413, "too-large", _("A request has at most 4 MiB, unpacked."))
    if not body:
        return _refusal(request, 400, "not-json", _("The body has to be a JSON object in UTF-8."))
    key = _key_of_header(request)
    try:
        data, _is_strict = protocol.parse(body)
    except ValueError:
        if key is None or _source(key) is None:
            return _unknown(request)
        return _refusal(request, 400, "not-json", _("The body has to be a JSON object in UTF-8."))
    if key is None and isinstance(data, dict) and isinstance(data.get("writeKey"), str):
        key = data["writeKey"]
    source = _source(key or request.GET.get("writeKey", ""))
    if source is None:
        return _unknown(request)
    try:
        operations.keep(source=source, kind=kind, data=data, body=body, now=timezone.now())
    except operations.NotJson as problem:
        return _refusal(request, 400, problem.code, str(problem.detail))
    return JsonResponse({"success": True})


def _body(request: HttpRequest) -> bytes | None:
    """The body, unpacked; ``None`` when it is too large, however small it was packed."""
    packed = request.read(protocol.LARGEST_BATCH + 1)
    if len(packed) > protocol.LARGEST_BATCH:
        return None
    if "gzip" not in request.headers.get("Content-Encoding", "") and not packed.startswith(b"\x1f\x8b"):
        return packed
    unpacking = zlib.decompressobj(wbits=31)
    try:
        body = unpacking.decompress(packed, protocol.LARGEST_BATCH + 1)
    except zlib.error:
        return b""
    if len(body) > protocol.LARGEST_BATCH:
        return None
    return body if unpacking.eof else b""


def _key_of_header(request: HttpRequest) -> str | None:
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _source(key: str) -> Source | None:
    """The active source with this write key, as it was a moment ago."""
    if not key or len(key) > 64 or "\x00" in key:
        return None
    now = time.monotonic()
    kept = _sources.get(key)
    if kept is not None and kept[0] > now:
        return kept[1]
    found = Source.objects.filter(write_key=key, is_active=True).first()
    if len(_sources) > 1_000:
        _sources.clear()
    _sources[key] = (now + SOURCES_KEPT, found)
    return found


def _is_flooded() -> bool:
    """Whether more waits than can be worked through soon; looked at once a second."""
    now = time.monotonic()
    if now > _backlog[0]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(id) - min(id) FROM customers_intake")
            span = cursor.fetchone()[0]
        _backlog[:] = [now + LOOK_EVERY, span is not None and span > MOST_WAITING and Intake.objects.count() > MOST_WAITING]
    return bool(_backlog[1])


def _unknown(request: HttpRequest) -> HttpResponse:
    return _refusal(request, 401, "unknown-write-key", _("No active source has this write key."))


def _refusal(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    # Both words: one of the clients sends a refused batch again for ever when either is missing.
    return _cors(request, JsonResponse({"success": False, "code": code, "message": message}, status=status))


def _later(request: HttpRequest, status: int, seconds: int) -> HttpResponse:
    response = _refusal(request, status, "busy", _("Send it again later."))
    response["Retry-After"] = str(seconds)
    return response


def _cors(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Shops send from the browser, from any address; the key allows nothing but sending, and no cookie is looked at."""
    response["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Content-Encoding, AnonymousId"
        response["Access-Control-Max-Age"] = "86400"
    return response

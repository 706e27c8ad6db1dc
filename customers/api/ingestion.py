"""Where sources send events: the paths, answers and tolerance that the official clients of the Segment protocol expect.

Plain views, as this is not the partners' API: another way to say who one is, other answers, and thousands of events a second.
"""

import base64
import binascii
import math
import re
import time
import zlib
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from customers import operations
from customers.models import Intake, Source, digest_of_key
from customers.rules import protocol, trust
from customers.rules.trust import Trust
from incentives_site.shared.addresses import client_address
from incentives_site.shared.rates import MINUTE, Bucket, seconds_to_wait, short

log = structlog.get_logger(__name__)

SOURCES_KEPT = 5.0  # seconds: so long a revoked key may still send, and no longer
MOST_WAITING = 20_000  # requests; beyond, sources are told to come back later
HEADER_NAMES = re.compile(r"[A-Za-z0-9-]{1,60}( ?, ?[A-Za-z0-9-]{1,60}){0,30}")
MOST_VISITORS = 20  # in a request with a public key
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
        return _ingest(request, protocol.ROUTES[route])
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
    of_header = _key_of_header(request)
    try:
        data, _is_strict = protocol.parse(body)
    except ValueError:
        if of_header is None or _source(of_header) is None:
            return _unknown(request)
        return _refusal(request, 400, "not-json", _("The body has to be a JSON object in UTF-8."))
    # Segment's own client for Python says the key of the header again in the body, where no log and no proxy sees it.
    of_body = _key_of_body(data)
    in_sight = [key for key in (of_body if of_body != of_header else "", request.GET.get("writeKey", "")) if key]
    source = _source(of_header or next(iter(in_sight), ""))
    if source is None:
        return _unknown(request)
    refused = _misplaced(request, source, in_sight) or _too_many(request, source, data, kind)
    if refused is not None:
        return refused
    try:
        operations.keep(source=source, kind=kind, data=data, body=body, now=timezone.now())
    except operations.NotJson as problem:
        return _refusal(request, 400, problem.code, str(problem.detail))
    response = JsonResponse({"success": True})
    return response if source.trust == Trust.SERVER else _cors(request, response)


def _misplaced(request: HttpRequest, source: Source, in_sight: Sequence[str]) -> HttpResponse | None:
    """The refusal, where a key may not be used in this way. A secret key in a page or an address has leaked: its owner
    learns so, and a stranger who found it there can do nothing with it. ``in_sight`` are the keys of address and body.
    """
    if any(one is not None and one.trust == Trust.SERVER for one in map(_source, in_sight)):
        message = _("The key of a server source belongs into the Authorization header, and never into an address or a body.")
        return JsonResponse({"success": False, "code": "secret-key-misplaced", "message": message}, status=403)
    # Some requests of a page have no Origin, but then browsers say otherwise that it is one of theirs.
    origin = request.headers.get("Origin", "" if "Sec-Fetch-Site" in request.headers else None)
    if not trust.may_send(Trust(source.trust), origin, source.origins):
        message = _("This key may not be used from this origin.")
        return JsonResponse({"success": False, "code": "origin-not-allowed", "message": message}, status=403)
    return None


def _too_many(request: HttpRequest, source: Source, data: object, kind: str) -> HttpResponse | None:
    """Public keys are counted: by visitor, by address, and altogether."""
    if source.trust == Trust.SERVER:
        return None
    events = protocol.events_of(data, kind) or []
    visitors: dict[str, int] = {}
    for event in events:
        if isinstance(event, dict):
            visitor = short(str(event.get("anonymousId"))[: protocol.LONGEST_ID])
            visitors[visitor] = visitors.get(visitor, 0) + 1
    if len(visitors) > MOST_VISITORS:
        return _refusal(request, 400, "too-many-visitors", _("A browser or a device sends for one visitor."))
    per_visitor, per_address, per_key = settings.PUBLIC_EVENTS_PER_MINUTE
    counts = [(f"{source.pk}:{visitor}", per_visitor, many) for visitor, many in visitors.items()]
    if address := client_address(request):
        counts.append((f"address:{short(address)}", per_address, len(events)))
    counts.append((f"key:{source.pk}", per_key, len(events)))
    # A batch of more than may ever come at once passes when nothing else has come.
    wait = seconds_to_wait(
        [Bucket.of(f"rate:events:{name}", most, per=MINUTE, many=min(many, most)) for name, most, many in counts]
    )
    return _later(request, 429, math.ceil(wait)) if wait else None


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


def _key_of_body(data: object) -> str:
    said = data.get("writeKey") if isinstance(data, dict) else None
    return said if isinstance(said, str) else ""


def _source(key: str) -> Source | None:
    """The active source with this write key, as it was a moment ago."""
    if not key or len(key) > 64 or not key.isascii() or "\x00" in key:
        return None
    now = time.monotonic()
    kept = _sources.get(key)
    if kept is not None and kept[0] > now:
        return kept[1]
    found = Source.objects.filter(write_key_digest=digest_of_key(key), is_active=True).first()
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
    """Shops send from the browser; the key allows nothing but sending, and no cookie is looked at.

    A browser asks before it sends, without the key: that any page may ask says nothing about whose events are taken.
    """
    response["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        # Clients add headers of their own from version to version; which ones they ask for says what they will send.
        asked = request.headers.get("Access-Control-Request-Headers", "")
        response["Access-Control-Allow-Headers"] = asked if HEADER_NAMES.fullmatch(asked) else "Authorization, Content-Type"
        response["Access-Control-Max-Age"] = "86400"
    return response

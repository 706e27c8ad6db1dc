"""What a source may say: the Segment protocol as its official clients speak it (``docs/ingestion.md``).

``read_event`` takes one event of a batch apart. A bad one is refused with a reason, and its neighbours are not touched.
"""

import datetime
import enum
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from .timeline import EventType

LARGEST_EVENT = 32 * 1024  # bytes of JSON
LARGEST_BATCH = 4 * 1024 * 1024  # bytes of JSON, unpacked: what RudderStack's clients send at most; Segment's send 500 KiB
DEEPEST = 32
LONGEST_ID = 320
LONGEST_MESSAGE_ID = 100
LONGEST_NAME = 200
TOKEN = "customerToken"  # noqa: S105  (the name of a field of the context)
LONGEST_TOKEN = 4_096
FUTURE = datetime.timedelta(days=1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SECONDS_FROM, MILLISECONDS_FROM = 10**9, 10**11

TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias"})
ROUTES = {
    **{name: name for name in TYPES},
    **{name[0]: name for name in TYPES},
    "batch": "",
    "b": "",
}
# Kinds that ``context.externalIds`` may name as such; every other type is an identity of its source's own.
OWN_KINDS = frozenset({"user_id", "loyalty_card", "email", "phone", "device_id", "anonymous_id"})
KIND_WORD = re.compile(r"[^a-z0-9_.-]+")


class Refusal(enum.StrEnum):
    """Why an event is not taken."""

    NOT_AN_OBJECT = "not-an-object"
    UNKNOWN_TYPE = "unknown-type"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    NOT_A_NUMBER = "not-a-number"
    BAD_TEXT = "bad-text"
    BAD_MESSAGE_ID = "bad-message-id"
    NO_NAME = "no-name"
    BAD_FIELD = "bad-field"
    NO_IDENTITY = "no-identity"
    IN_THE_FUTURE = "in-the-future"
    BEFORE_1970 = "before-1970"
    NOT_PROCESSED = "not-processed"
    UNPROVEN = "unproven-identity"


SENTENCES = {
    Refusal.NOT_AN_OBJECT: "An event is a JSON object.",
    Refusal.UNKNOWN_TYPE: "The type is one of track, identify, page, screen, group, alias.",
    Refusal.TOO_LARGE: "An event has at most 32 KiB.",
    Refusal.TOO_DEEP: "An event is at most 32 levels deep.",
    Refusal.NOT_A_NUMBER: "NaN and Infinity are not numbers of JSON.",
    Refusal.BAD_TEXT: "A text contains a null character or half a character (a lone surrogate).",
    Refusal.BAD_MESSAGE_ID: "A messageId is a text of at most 100 characters.",
    Refusal.NO_NAME: "A track event has a name of at most 200 characters in “event”.",
    Refusal.BAD_FIELD: "context, properties and traits are objects.",
    Refusal.NO_IDENTITY: "Nothing identifies anybody: userId or anonymousId is needed, and null, 0 or guest is nobody.",
    Refusal.IN_THE_FUTURE: "It lies more than a day in the future.",
    Refusal.BEFORE_1970: "It lies before 1970.",
    Refusal.NOT_PROCESSED: "It could not be processed; the log of the server says why.",
    Refusal.UNPROVEN: "A public key identifies visitors by anonymousId, and customers only by a signed customer token.",
}


class NotTaken(ValueError):
    """An event is refused for ``reason``."""

    def __init__(self, reason: Refusal) -> None:
        self.reason = reason
        super().__init__(SENTENCES[reason])


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event that is understood. ``named`` are identifiers as said (kind, value), not yet normalised; instants are UTC.

    ``visitor`` is the id that a browser or device gave itself; ``token`` a customer token, which ``context`` no longer contains.
    """

    type: EventType
    name: str
    message_id: str
    occurred_at: datetime.datetime
    named: tuple[tuple[str, object], ...]
    properties: Mapping[str, Any]
    context: Mapping[str, Any]
    traits: Mapping[str, Any] = field(default_factory=dict)
    visitor: str | None = None
    token: str = ""


def parse(body: bytes) -> tuple[Any, bool]:
    """The JSON of a body, and whether it is strict JSON. Raises ``ValueError`` for what is not even what Python's own clients
    write (``NaN``, half characters).
    """
    try:
        return orjson.loads(body), True
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body.decode("utf-8", "surrogatepass")), False
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error)) from None


def events_of(data: object, kind: str) -> list[Any] | None:
    """The events of a request to a route that means ``kind`` (empty: a batch); ``None`` when it has no such shape."""
    if not isinstance(data, dict):
        return None
    if not kind or "batch" in data:
        batch = data.get("batch")
        return batch if isinstance(batch, list) else None
    return [{**data, "type": data.get("type") or kind}]


def instant(text: object) -> datetime.datetime | None:
    """An ISO 8601 instant as UTC; without a zone it is UTC. A number is seconds (from 2001 on) or milliseconds since 1970.

    ``None`` for everything else.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        return _since_1970(text)
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        at = datetime.datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _since_1970(number: float) -> datetime.datetime | None:
    if not number >= SECONDS_FROM:
        return None
    try:
        return EPOCH + datetime.timedelta(seconds=number / 1000 if number >= MILLISECONDS_FROM else number)
    except (OverflowError, ValueError):
        return None


def occurred(
    *,
    received_at: datetime.datetime,
    sent_at: datetime.datetime | None,
    original_at: datetime.datetime | None,
    offset_ms: object = None,
) -> datetime.datetime:
    """When it happened by our clock: ``received − (sent − original)``, which takes the device's wrong clock out.

    Without ``sent``, the device's word is taken; ``offset_ms`` says how long ago it was; without anything it is now.
    """
    try:
        if original_at is not None:
            return received_at - (sent_at - original_at) if sent_at is not None else original_at
        if isinstance(offset_ms, int | float) and not isinstance(offset_ms, bool) and math.isfinite(offset_ms) and offset_ms >= 0:
            return received_at - datetime.timedelta(milliseconds=offset_ms)
    except OverflowError:
        return EPOCH - datetime.timedelta(days=1)
    return received_at


def read_event(
    raw: object,
    *,
    received_at: datetime.datetime,
    sent_at: datetime.datetime | None = None,
    envelope: Mapping[str, Any] | None = None,
    is_strict: bool = True,
) -> Incoming:
    """One event, with the ``context`` of its envelope under its own. Raises ``NotTaken``."""
    if not isinstance(raw, dict):
        raise NotTaken(Refusal.NOT_AN_OBJECT)
    _check_size(raw, is_strict)
    kind = raw.get("type")
    if kind not in TYPES:
        raise NotTaken(Refusal.UNKNOWN_TYPE)
    context, properties, traits = _object(raw, "context"), _object(raw, "properties"), _object(raw, "traits")
    if envelope:
        context = {**envelope, **context}
    token = context.get(TOKEN)
    context = {name: value for name, value in context.items() if name != TOKEN}
    if kind == "identify":
        inner = context.get("traits")
        traits = traits or (inner if isinstance(inner, dict) else {})
    original_at = instant(raw.get("originalTimestamp")) or instant(raw.get("timestamp"))
    sent_at = instant(raw.get("sentAt")) or sent_at
    occurred_at = occurred(received_at=received_at, sent_at=sent_at, original_at=original_at, offset_ms=raw.get("offset"))
    if occurred_at > received_at + FUTURE:
        raise NotTaken(Refusal.IN_THE_FUTURE)
    if occurred_at < EPOCH:
        raise NotTaken(Refusal.BEFORE_1970)
    times = {"originalAt": original_at, "sentAt": sent_at}
    return Incoming(
        type=EventType(kind),
        name=_name(kind, raw),
        message_id=_message_id(raw),
        occurred_at=occurred_at,
        named=tuple(_named(kind, raw, context, traits)),
        properties=_properties(kind, raw, properties, traits),
        context=context | {name: at.isoformat() for name, at in times.items() if at is not None},
        traits=traits if kind == "identify" else {},
        visitor=_visitor(kind, raw),
        token=token if isinstance(token, str) and len(token) <= 2 * LONGEST_TOKEN else "",
    )


def _visitor(kind: str, raw: dict[str, Any]) -> str | None:
    """What a browser or device calls its visitor; an alias of old clients says it as ``previousId``."""
    anonymous = _id(raw.get("anonymousId"))
    return _id(raw.get("previousId")) if anonymous is None and kind == "alias" else anonymous


def without_token(raw: object) -> object:
    """An event as it may be kept: a customer token is a secret for as long as it is valid."""
    context = raw.get("context") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(context, dict) or TOKEN not in context:
        return raw
    return {**raw, "context": {name: value for name, value in context.items() if name != TOKEN}}


def _check_size(raw: dict[str, Any], is_strict: bool) -> None:
    try:
        text = orjson.dumps(raw)
    except (orjson.JSONEncodeError, RecursionError) as error:
        # Half characters, numbers beyond 64 bits, and what is nested deeper than the writer goes.
        raise NotTaken(Refusal.TOO_DEEP if "ecursion" in str(error) else Refusal.BAD_TEXT) from None
    if len(text) > LARGEST_EVENT:
        raise NotTaken(Refusal.TOO_LARGE)
    if text.count(b"{") + text.count(b"[") > DEEPEST and _depth(raw) > DEEPEST:
        raise NotTaken(Refusal.TOO_DEEP)
    if b"\\u0000" in text and _any(raw, lambda item: isinstance(item, str) and "\x00" in item):
        raise NotTaken(Refusal.BAD_TEXT)
    if not is_strict and _any(raw, lambda item: isinstance(item, float) and not math.isfinite(item)):
        raise NotTaken(Refusal.NOT_A_NUMBER)


def _depth(raw: object) -> int:
    deepest, waiting = 0, [(raw, 1)]
    while waiting:
        item, depth = waiting.pop()
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            break
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        waiting += [(child, depth + 1) for child in inner if isinstance(child, dict | list)]
    return deepest


def _any(raw: object, is_so: Any) -> bool:
    waiting = [raw]
    while waiting:
        item = waiting.pop()
        if is_so(item):
            return True
        if isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
    return False


def _object(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotTaken(Refusal.BAD_FIELD)
    return value


def _name(kind: str, raw: dict[str, Any]) -> str:
    if kind == "track":
        name = raw.get("event")
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
            raise NotTaken(Refusal.NO_NAME)
        return name.strip()
    if kind in {"page", "screen"}:
        parts = [raw.get("category"), raw.get("name")]
        return " · ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())[:LONGEST_NAME]
    return ""


def _message_id(raw: dict[str, Any]) -> str:
    """The client's, which stays equal when it sends again; without one, what the event says names it."""
    given = raw.get("messageId")
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given) if abs(given) < 10**LONGEST_MESSAGE_ID else None  # as ids of people: numbers are texts
    if given is None or (isinstance(given, str) and not given.strip()):
        said = {name: value for name, value in raw.items() if name not in {"sentAt", "receivedAt"}}
        return "content-" + hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]
    if not isinstance(given, str) or len(given) > LONGEST_MESSAGE_ID:
        raise NotTaken(Refusal.BAD_MESSAGE_ID)
    return given.strip()


def _named(kind: str, raw: dict[str, Any], context: Mapping[str, Any], traits: Mapping[str, Any]) -> list[tuple[str, object]]:
    said: list[tuple[str, object]] = []
    user = _id(raw.get("userId"))
    if user is not None:
        said.append(("user_id", user))
    anonymous = _id(raw.get("anonymousId"))
    if anonymous is not None:
        said.append(("anonymous_id", anonymous))
    if kind == "alias":
        # Who was somebody unknown until now. A second user id would be somebody else.
        previous = _id(raw.get("previousId"))
        if previous is not None and previous != user:
            said.append(("anonymous_id" if user is not None else "user_id", previous))
    about = [traits] if kind == "identify" else []
    inner = context.get("traits")
    if isinstance(inner, dict):
        about.append(inner)
    for found in about:
        said += [
            (key, value)
            for key in ("email", "phone")
            if (value := _id(found.get(key))) is not None and not _is_unverified(key, found)
        ]
    device = context.get("device")
    if isinstance(device, dict) and (value := _id(device.get("id"))) is not None:
        said.append(("device_id", value))
    external = context.get("externalIds")
    if isinstance(external, list):
        for item in external[:20]:
            if isinstance(item, dict) and isinstance(item.get("type"), str) and (value := _id(item.get("id"))) is not None:
                external_kind = _external_kind(item["type"])
                # Who acts is said by userId; another beside it is somebody else.
                if external_kind != "user_id" or user is None:
                    said.append((external_kind, value))
    return said


_VERIFIED = {
    "email": ("email_verified", "emailVerified"),
    "phone": ("phone_number_verified", "phone_verified", "phoneVerified"),
}


def _is_unverified(kind: str, traits: Mapping[str, Any]) -> bool:
    """Whether the source says, by the claims of OpenID Connect, that the address is not verified: it identifies no one then."""
    return any(traits.get(name) is False for name in _VERIFIED[kind])


def _external_kind(type: str) -> str:
    word = KIND_WORD.sub("_", type.strip().lower())[:64]
    return word if word in OWN_KINDS else f"external:{word or 'other'}"


def _id(value: object) -> str | None:
    """Numbers are texts; null, true and false are nobody."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else None
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID else None


def _properties(kind: str, raw: dict[str, Any], properties: dict[str, Any], traits: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case "identify":
            return dict(traits)
        case "group":
            return {"groupId": _id(raw.get("groupId")), **traits}
        case "alias":
            return {"previousId": _id(raw.get("previousId"))}
    return properties


def write_traits(
    traits: dict[str, Any], said_at: dict[str, str], said: Mapping[str, Any], at: datetime.datetime
) -> tuple[dict[str, Any], dict[str, str]]:
    """The traits after ``said`` at ``at``: the later write wins, trait by trait; ``null`` removes, an empty text does not.

    A removed trait keeps its instant, so that an older word about it does not bring it back.
    """
    traits, said_at = dict(traits), dict(said_at)
    now = at.isoformat()
    for name, value in said.items():
        if value == "" or len(name) > LONGEST_NAME or said_at.get(name, "") > now:
            continue
        if value is None:
            traits.pop(name, None)
        else:
            traits[name] = value
        said_at[name] = now
    return traits, said_at

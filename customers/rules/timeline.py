"""What can stand on a timeline."""

import enum
import hashlib
import re
import unicodedata
import uuid


class EventType(enum.StrEnum):
    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"
    SEEN = "seen"
    CLICKED = "clicked"
    BOUGHT = "bought"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REDEEMED = "redeemed"
    RETURNED = "returned"
    ANSWERED = "answered"
    OPTED_OUT = "opted_out"
    MERGED = "merged"
    SPLIT = "split"
    ENTERED = "entered"
    LEFT = "left"
    IMPORTED = "imported"
    UNVERIFIED = "unverified"  # an order or a statement of consent that a public key told of: it counts for nothing


def message_digest(source: str, message_id: str) -> uuid.UUID:
    """What a source's message is known by, whatever its text: 128 bits of SHA-256."""
    return uuid.UUID(bytes=hashlib.sha256(f"{source}\x1f{message_id}".encode()).digest()[:16])


# --- Names that only the product gives ------------------------------------------------------------------------------------

_SENT = {EventType.TRACK, EventType.IDENTIFY, EventType.PAGE, EventType.SCREEN, EventType.GROUP, EventType.ALIAS}
# Sources of what the product itself writes.
OWN_SOURCES = frozenset({"customers", "campaigns", "redemptions", "surveys"})
# What the product calls its own events of the type ``track``; a test compares the list with what is written.
OWN_NAMES = (
    *("Consent Given", "Consent Withdrawn", "Preferences Changed"),
    *("Data Copy Requested", "Erasure Requested", "Data Request Withdrawn"),
    *("Data Request Refused", "Data Request Carried Out"),
    *("points end soon", "no tier any more"),
)
_WORDS = "|".join(re.escape(kind.value.replace("_", " ")) for kind in EventType if kind not in _SENT)
# A tier's name follows; the other types are shown as a word, or as a word with a colon and a name.
_OWN = re.compile(rf"tier( .*)?|(?:{_WORDS})( ?[^\w\s].*)?|" + "|".join(re.escape(name.casefold()) for name in OWN_NAMES))


def _as_read(name: str) -> str:
    """The name as a reader takes it in: without invisible characters, in one spelling of its letters, spaces and underscores."""
    text = "".join(" " if c == "_" else c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return " ".join(text.split()).strip(" .!:").casefold()


def is_own_name(name: str) -> bool:
    """Whether a reader of the timeline would take an event of this name for one that the product wrote."""
    return _OWN.fullmatch(_as_read(name)) is not None


def name_from(source: str, name: str) -> str:
    """The name of an event as a source may give it: one of the product's own gets the source in front."""
    return f"{source}: {name}"[:200] if is_own_name(name) else name

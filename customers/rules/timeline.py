"""What can stand on a timeline."""

import enum
import hashlib
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

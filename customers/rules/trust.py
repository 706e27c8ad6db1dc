"""What a source may say, by how its key is kept (``docs/profiles.md``, Sources and evidence).

A key in a web page or an app package is public: a stranger can send anything with it. What such a source says about who a visitor
is, what they agreed to and what they paid is therefore a claim, and a claim joins, grants and counts for nothing.
"""

import enum
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .resolution import VISITOR

LARGEST_CLAIMS = 8 * 1024  # bytes of JSON that are kept of one profile's claims
LONGEST_CLAIM = 500
MOST_CLAIMS = 50
MOST_ORIGINS = 50


class Trust(enum.StrEnum):
    """How a source keeps its key."""

    SERVER = "server"
    BROWSER = "browser"
    DEVICE = "device"


class Proof(enum.StrEnum):
    """By what an event says whom it is about."""

    SERVER = "server"  # a source that keeps its key says so
    TOKEN = "token"  # noqa: S105  (a customer token that the shop's server signed)
    VISITOR = "visitor"  # nothing but the id that a browser gave itself


class TokenState(enum.StrEnum):
    """What became of the customer token of an event."""

    VALID = "valid"
    EXPIRED = "expired"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whom an event is about: ``proven`` identifiers may identify and join, ``visitor`` is one browser's own id, and ``claimed``
    ones identify no one.
    """

    proof: Proof
    proven: tuple[tuple[str, object], ...] = ()
    visitor: str | None = None
    claimed: tuple[tuple[str, object], ...] = ()

    @property
    def named(self) -> tuple[tuple[str, object], ...]:
        return self.proven if self.visitor is None else (*self.proven, (VISITOR, self.visitor))


def evidence(
    trust: Trust, named: Iterable[tuple[str, object]], *, visitor: str | None, token: Mapping[str, str] | None = None
) -> Evidence:
    """Weighs what an event of a source with this trust says: ``named`` are all identifiers it mentions, ``visitor`` is its
    anonymous id, ``token`` the identifiers of a valid customer token by kind.
    """
    if trust is Trust.SERVER:
        return Evidence(Proof.SERVER, proven=tuple(named))
    proven = tuple((token or {}).items())
    known = {*proven, (VISITOR, visitor)}
    return Evidence(
        Proof.TOKEN if proven else Proof.VISITOR,
        proven=proven,
        visitor=visitor,
        claimed=tuple(item for item in named if item not in known),
    )


# Names of events about money or consent, compared by their letters alone, as clients spell them in many ways.
_WEIGHTY = frozenset(
    {
        *("ordercompleted", "orderupdated", "orderrefunded", "ordercancelled", "ordercanceled", "orderplaced", "orderpaid"),
        *("purchase", "purchased", "purchasecompleted", "paymentcompleted", "checkoutcompleted", "refund", "refunded"),
        *("subscribed", "unsubscribed", "emailmarkedasspam"),
    }
)
_LETTERS = re.compile(r"[\W_]+")


def is_weighty(name: str) -> bool:
    """Whether an event of this name says something about orders or consent."""
    return _LETTERS.sub("", name).casefold() in _WEIGHTY


def counts_as_order(trust: Trust) -> bool:
    """Whether an order or refund of such a source is a purchase: what a browser says was paid is not what was paid."""
    return trust is Trust.SERVER


def may_name_freely(trust: Trust) -> bool:
    """Whether such a source may call its events as the product calls its own."""
    return trust is Trust.SERVER


def writes_attributes(trust: Trust) -> bool:
    """Whether traits of such a source are attributes that conditions ask about; else they are claims."""
    return trust is Trust.SERVER


def may_speak_of_consent(proof: Proof) -> bool:
    """Whether statements of consent are the customer's own."""
    return proof is not Proof.VISITOR


def kept_claims(known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The claims after ``said``: bounded texts, numbers and yes or no; ``None`` removes one. What does not fit is left out."""
    kept = dict(known)
    for name, value in said.items():
        if len(name) > 100:
            continue
        if value is None:
            kept.pop(name, None)
        elif _is_claim(value) and (name in kept or len(kept) < MOST_CLAIMS):
            kept[name] = value
    return kept if sum(len(name) + len(str(value)) for name, value in kept.items()) <= LARGEST_CLAIMS else dict(known)


def _is_claim(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and 0 < len(value) <= LONGEST_CLAIM)


def origin_of(text: str) -> str | None:
    """A web origin (RFC 6454) as browsers send it: ``https://shop.example``; ``None`` for anything else."""
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or parts.path or parts.query or parts.fragment or parts.username:
        return None
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def may_send(trust: Trust, origin: str | None, allowed: Collection[str]) -> bool:
    """Whether a request with this ``Origin`` header (``None``: without one) may use the key of such a source.

    A browser adds the header to whatever a page of another site sends, so a server's key never comes with one. A list of origins
    stops other sites from using a browser's key in their visitors' browsers; it cannot stop a program, which sends what it likes.
    """
    match trust:
        case Trust.SERVER:
            return origin is None
        case Trust.BROWSER:
            return not allowed or (origin is not None and origin_of(origin) in allowed)
    return origin is None or origin_of(origin) in allowed

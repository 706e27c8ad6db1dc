"""Customer tokens, by which a shop's server tells a browser or app who has signed in (``docs/ingestion.md``, Customer tokens)."""

import datetime
from collections.abc import Mapping, Sequence

import jwt

from incentives_site.shared import sealing

from ..models import Source
from ..rules.protocol import LONGEST_TOKEN, TOKEN
from ..rules.trust import TokenState

PURPOSE = "customer tokens"

ALGORITHM = "HS256"
LONGEST = datetime.timedelta(hours=24)
LEEWAY = datetime.timedelta(minutes=2)  # clocks of two servers
NAMES: Mapping[str, str] = {"sub": "user_id", "email": "email", "phone_number": "phone"}
LONGEST_VALUE = 320


def seal_tokens(data: object, events: Sequence[object]) -> int:
    """Seals the customer tokens of a request in place, before it is on disk: each signs somebody in for as long as it is valid.

    A token anywhere but in the context of the request or of an event is not read, and is taken out. Returns how many there were.
    """
    found, sealed = 0, set[int]()
    for part in (data, *events):
        if not isinstance(part, dict):
            continue
        found += part.pop(TOKEN, None) is not None
        context = part.get("context")
        # A request of one event is that event: its context is sealed once.
        if isinstance(context, dict) and TOKEN in context and id(context) not in sealed:
            sealed.add(id(context))
            token = context.pop(TOKEN)
            found += 1
            if isinstance(token, str) and len(token) <= LONGEST_TOKEN:
                context[TOKEN] = sealing.seal(PURPOSE, token.encode("utf-8", "replace")).decode()
    return found


def read_token(source: Source, sealed: str, *, at: datetime.datetime) -> tuple[TokenState, dict[str, str]]:
    """Whom a customer token, as ``seal_tokens`` left it, names by kind and value, if it was valid ``at`` (UTC) the instant it was
    received; else nobody.

    A JSON Web Token (RFC 7519), signed with HS256 by the secret of this source, with ``sub`` (the user id), ``iat`` and
    ``exp`` at most 24 hours apart, and optionally ``email`` and ``phone_number``, which the shop has verified. Raises nothing.
    """
    token = sealing.open_seal(PURPOSE, sealed.encode())
    if token is None:
        return TokenState.INVALID, {}
    try:
        # Time is judged here, by the instant at which the event came, however long it has waited since.
        claims = jwt.decode(
            token,
            source.token_secret,
            algorithms=[ALGORITHM],
            options={
                "require": ["sub", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
        issued, ends = (_instant(claims[name]) for name in ("iat", "exp"))
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError):
        return TokenState.INVALID, {}
    if ends - issued > LONGEST or issued > at + LEEWAY or not claims["sub"]:
        return TokenState.INVALID, {}
    if claims.get("aud", source.key) != source.key:
        return TokenState.INVALID, {}
    if at >= ends:
        return TokenState.EXPIRED, {}
    told = {kind: claims[name] for name, kind in NAMES.items() if name in claims}
    if not all(isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE for value in told.values()):
        return TokenState.INVALID, {}
    return TokenState.VALID, told


def _instant(seconds: object) -> datetime.datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)

"""Customer tokens, by which a shop's server tells a browser or app who has signed in (``docs/ingestion.md``, Customer tokens)."""

import datetime
from collections.abc import Mapping

import jwt

from ..models import Source
from ..rules.trust import TokenState

ALGORITHM = "HS256"
LONGEST = datetime.timedelta(hours=24)
LEEWAY = datetime.timedelta(minutes=2)  # clocks of two servers
NAMES: Mapping[str, str] = {"sub": "user_id", "email": "email", "phone_number": "phone"}
LONGEST_VALUE = 320


def read_token(source: Source, token: str, *, at: datetime.datetime) -> tuple[TokenState, dict[str, str]]:
    """Whom a customer token names, as kind → value, if it was valid ``at`` (UTC) the instant it was received; else nobody.

    A JSON Web Token (RFC 7519), signed with HS256 by the secret of this source, with ``sub`` (the user id), ``iat`` and
    ``exp`` at most 24 hours apart, and optionally ``email`` and ``phone_number``, which the shop has verified. Raises nothing.
    """
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

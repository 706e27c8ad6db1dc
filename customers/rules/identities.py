"""Identities: how a name of a customer is normalised, and what is refused as junk."""

import re

from .faults import Fault, Misunderstood

KIND = re.compile(r"[a-z][a-z0-9_]{1,31}(:[a-z0-9_-]{1,31})?")
JUNK = frozenset({"", "-1", "null", "none", "undefined", "anonymous", "guest", "unknown", "n/a"})
ZEROS = re.compile(r"[0-]*")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST = 320


def normalise(kind: object, value: object) -> tuple[str, str]:
    """``(kind, value)`` as stored and compared. Raises ``Misunderstood`` for a malformed kind or value, and for junk."""
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        raise Misunderstood([Fault("/kind", "unknown-kind", "A kind is a short word such as email, phone or loyalty_card.")])
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > LONGEST or "\x00" in value:
        raise Misunderstood([Fault("/value", "bad-value", f"A text of at most {LONGEST} characters is expected.")])
    text = value.strip()
    if kind == "email":
        text = text.lower()
        if not EMAIL.fullmatch(text):
            raise Misunderstood([Fault("/value", "bad-email", "This is not an e-mail address.")])
    elif kind == "phone":
        text = ("+" if text.startswith("+") else "") + re.sub(r"\D", "", text)
        if not 5 <= len(text) <= 16:
            raise Misunderstood([Fault("/value", "bad-phone", "This is not a telephone number.")])
    elif kind == "loyalty_card":
        text = re.sub(r"[\s-]", "", text).upper()
    if text.lower() in JUNK or ZEROS.fullmatch(text):
        raise Misunderstood([Fault("/value", "junk", "This value identifies nobody.")])
    return kind, text

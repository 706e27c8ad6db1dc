"""Identifiers: their kinds, how a value is written, and what is refused as junk (``docs/profiles.md``, Identifiers)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import phonenumbers

from .faults import Fault, Misunderstood

KIND = re.compile(r"[a-z][a-z0-9_]{1,31}(:[a-z0-9_.-]{1,64})?")
JUNK = frozenset(
    {
        *("", "-1", "null", "none", "nil", "undefined", "anonymous", "guest", "unknown", "n/a", "nan", "true", "false"),
        "[object object]",
        # What was meant to be replaced by somebody's, and what stands for nobody being signed in.
        *("id", "user_id", "userid", "distinct_id", "distinctid", "email", "phone", "not_authenticated", "not authenticated"),
    }
)
QUOTES = "\"'` "
# A template that nobody filled in.
UNFILLED = re.compile(r"\{\{|\}\}|\$\{|%%")
# Digits as fingers find them.
ROWS_OF_DIGITS = ("01234567890", "09876543210")
# Addresses that many people have typed, none of whom can be written to at them.
JUNK_MAILBOXES = frozenset({"test", "noreply", "no-reply", "none", "null", "undefined", "anonymous", "guest", "unknown", "fake"})
ZEROS = re.compile(r"[0-]*")
NOT_PLAIN = re.compile(r"[^\w@]|_")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST = 320


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """How many of a kind a customer may have (of those first seen in the last ``window_days``), and what it says: rank 1 most.

    ``junk`` are further values that identify nobody; ``*`` in them stands for anything.
    """

    limit: int
    rank: int
    window_days: int | None = None
    junk: tuple[str, ...] = ()


STANDARD: Mapping[str, IdentityRule] = {
    "user_id": IdentityRule(1, 1),
    "loyalty_card": IdentityRule(1, 2),
    "email": IdentityRule(5, 3),
    "phone": IdentityRule(5, 4),
    "external": IdentityRule(1, 5),
    "device_id": IdentityRule(5, 6),
    "anonymous_id": IdentityRule(5, 7, window_days=7),
}
OTHER = IdentityRule(5, 8)


def rule_of(kind: str, rules: Mapping[str, IdentityRule] = STANDARD) -> IdentityRule:
    """The rule of a kind; ``external:shop`` has one of its own or that of ``external``."""
    return rules.get(kind) or rules.get(kind.partition(":")[0]) or OTHER


def normalise(
    kind: object, value: object, *, region: str | None = None, rules: Mapping[str, IdentityRule] = STANDARD
) -> tuple[str, str]:
    """``(kind, value)`` as stored and compared. Raises ``Misunderstood`` for a malformed kind or value, and for junk.

    ``region`` (ISO 3166) is the country of a telephone number that names none.
    """
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        raise Misunderstood([Fault("/kind", "unknown-kind", "A kind is a short word such as email, phone or loyalty_card.")])
    if isinstance(value, int) and not isinstance(value, bool):
        # Long enough for any identifier; Python refuses to write out numbers of thousands of digits.
        value = str(value) if abs(value) < 10**100 else None
    if not isinstance(value, str) or len(value) > LONGEST or not _can_be_stored(value):
        raise Misunderstood([Fault("/value", "bad-value", f"A text of at most {LONGEST} characters is expected.")])
    text = value.strip()
    if _is_junk(text, kind, rules):
        raise Misunderstood([Fault("/value", "junk", "This value identifies nobody.")])
    if kind == "email":
        text = text.lower()
        if not EMAIL.fullmatch(text):
            raise Misunderstood([Fault("/value", "bad-email", "This is not an e-mail address.")])
        if text.partition("@")[0] in JUNK_MAILBOXES:
            raise Misunderstood([Fault("/value", "junk", "This value identifies nobody.")])
    elif kind == "phone":
        text = _phone(text, region)
    elif kind == "loyalty_card":
        text = re.sub(r"[\s-]", "", text).upper()
    return kind, text


# What is shorter stands in too many texts that are about somebody else.
SHORTEST_TELLING = 8


def plain(text: str) -> str:
    """Without what is only a way of writing: a telephone number has spaces for some and none for others."""
    return NOT_PLAIN.sub("", text.casefold())


def telling(kind: str, value: str) -> str | None:
    """The plain text that says who it is wherever it stands; ``None`` for what may as well be a price or a number of pieces."""
    text = plain(value)
    return text if kind in {"email", "phone"} or len(text) >= SHORTEST_TELLING else None


def _can_be_stored(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _is_junk(text: str, kind: str, rules: Mapping[str, IdentityRule]) -> bool:
    lower = text.lower().strip(QUOTES)
    if lower in JUNK or ZEROS.fullmatch(text.strip(QUOTES)) or UNFILLED.search(text):
        return True
    return any(_like(lower, pattern.lower()) for pattern in rule_of(kind, rules).junk)


def _like(text: str, pattern: str) -> bool:
    """Whether ``pattern``, in which ``*`` stands for anything, is all of ``text``; without going back more than once a piece."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _phone(text: str, region: str | None) -> str:
    """E.164. A number whose country nobody knows stays as its digits, so that it still equals itself."""
    dialled = re.sub(r"\D", "", text)
    if len(set(dialled)) == 1 or any(len(dialled) > 4 and dialled in row for row in ROWS_OF_DIGITS):
        raise Misunderstood([Fault("/value", "junk", "This value identifies nobody.")])
    if region is None and text.startswith("00"):
        text = "+" + text[2:]  # as it is dialled from most countries
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    digits = ("+" if text.startswith("+") else "") + re.sub(r"\D", "", text)
    if not 5 <= len(digits) <= 16:
        raise Misunderstood([Fault("/value", "bad-phone", "This is not a telephone number.")])
    return digits

"""The short reference of a receipt, printed as its QR code: signed, so that nobody makes one up, and it says nothing of how many
orders there are.

``R`` and 16 characters stand for 10 bytes: a 40 bit tag of the order's number, and the number masked by what the tag opens (the
construction of a synthetic initialisation vector). A reference opens a page for people who are signed in, nothing else.
"""

import base64
import functools
import hashlib
import hmac

from django.conf import settings

from campaigns.rules.codes import normalise

PREFIX = "R"
HALF = 5  # bytes: numbers up to 10^12, and one guess in 10^12 is right


@functools.lru_cache(maxsize=4)
def _keys(secret: str) -> tuple[bytes, bytes]:
    tag = hmac.digest(secret.encode(), b"receipts: tag", hashlib.sha256)
    mask = hmac.digest(secret.encode(), b"receipts: mask", hashlib.sha256)
    return tag, mask


def reference(number: int) -> str:
    """``R-AB2C-…``: the reference of the order with this number (its primary key)."""
    tag_key, mask_key = _keys(settings.CODES_KEY)
    plain = number.to_bytes(HALF)
    tag = hmac.digest(tag_key, plain, hashlib.sha256)[:HALF]
    text = base64.b32encode(tag + _masked(plain, tag, mask_key)).decode()
    return "-".join([PREFIX, *(text[i : i + 4] for i in range(0, len(text), 4))])


def number_of(typed: str) -> int | None:
    """The order's number, however the reference was typed or scanned; ``None`` for anything else."""
    text = normalise(typed)
    if len(text) != len(PREFIX) + 16 or not text.startswith(PREFIX):
        return None
    tag_key, mask_key = _keys(settings.CODES_KEY)
    try:
        raw = base64.b32decode(text[len(PREFIX) :])
    except ValueError:
        return None
    tag = raw[:HALF]
    plain = _masked(raw[HALF:], tag, mask_key)
    if not hmac.compare_digest(tag, hmac.digest(tag_key, plain, hashlib.sha256)[:HALF]):
        return None
    return int.from_bytes(plain)


def _masked(part: bytes, tag: bytes, key: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(part, hmac.digest(key, tag, hashlib.sha256), strict=False))

"""How identifiers of erased customers are remembered: by a keyed hash, so that the table names nobody."""

import functools
import hashlib
import hmac

from django.conf import settings


@functools.lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"customers: suppression", hashlib.sha256)


def digest(kind: str, value: str) -> bytes:
    """32 bytes that stand for a normalised identifier. Keyed by ``CODES_KEY``, which never changes."""
    return hmac.digest(_key(settings.CODES_KEY), f"{kind}\x1f{value}".encode(), hashlib.sha256)

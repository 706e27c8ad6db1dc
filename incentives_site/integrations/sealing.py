"""How webhook secrets are kept: sealed, since they have to be read again to sign with. Who steals the table can sign nothing."""

import base64
import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


@functools.lru_cache(maxsize=4)
def _cipher(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"webhooks: seal", hashlib.sha256)))


def seal(secret: bytes) -> bytes:
    return _cipher(settings.CODES_KEY).encrypt(secret)


def open_seal(sealed: bytes | memoryview) -> bytes | None:
    """``None`` when it was sealed with another key."""
    try:
        return _cipher(settings.CODES_KEY).decrypt(bytes(sealed))
    except InvalidToken:
        return None

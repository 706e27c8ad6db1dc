"""How secrets are kept."""

import base64
import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


@functools.lru_cache(maxsize=64)
def _fernet(secret: str, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)))


def seal(purpose: str, text: bytes) -> bytes:
    return _fernet(settings.CODES_KEY, purpose).encrypt(text)


def open_seal(purpose: str, sealed: bytes | memoryview) -> bytes | None:
    try:
        return _fernet(settings.CODES_KEY, purpose).decrypt(bytes(sealed))
    except InvalidToken:
        return None


def digest(purpose: str, text: str) -> bytes:
    key = hmac.digest(settings.CODES_KEY.encode(), purpose.encode(), hashlib.sha256)
    return hmac.digest(key, text.encode(), hashlib.sha256)

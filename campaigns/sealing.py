"""How codes are kept: a keyed hash to look one up, the text sealed. Who steals the table can redeem nothing."""

import base64
import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from .rules.codes import normalise


@functools.lru_cache(maxsize=4)
def _keys(secret: str) -> tuple[bytes, Fernet]:
    look_up = hmac.digest(secret.encode(), b"codes: look-up", hashlib.sha256)
    seal_key = hmac.digest(secret.encode(), b"codes: seal", hashlib.sha256)
    return look_up, Fernet(base64.urlsafe_b64encode(seal_key))


def digest(code: str) -> bytes:
    """32 bytes by which a code, typed in any way, is found."""
    return hmac.digest(_keys(settings.CODES_KEY)[0], normalise(code).encode(), hashlib.sha256)


def seal(code: str) -> bytes:
    return _keys(settings.CODES_KEY)[1].encrypt(code.encode())


def open_seal(sealed: bytes | memoryview) -> str:
    """The code's text; empty when it was sealed with another key."""
    try:
        return _keys(settings.CODES_KEY)[1].decrypt(bytes(sealed)).decode()
    except InvalidToken:
        return ""

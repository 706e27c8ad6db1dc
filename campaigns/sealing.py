"""How codes are kept: a keyed hash to look one up, the text sealed. Who steals the table can redeem nothing.

Single codes are sealed with Fernet. Batches are not: Fernet takes 9 µs and 120 bytes for a code, and a batch has a million. Each
has a key of its own, derived from ``CODES_KEY`` and the batch's public id, for AES-SIV (RFC 5297): 1 µs, and 16 bytes more than
the text. It is authenticated and needs no nonce, so a batch that goes on after a crash cannot use one twice; that equal texts are
sealed equally says nothing, since the codes of a batch differ.
"""

import base64
import functools
import hashlib
import hmac
import uuid
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
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


# --- Batches --------------------------------------------------------------------------------------------------------------


def digester() -> Callable[[bytes], bytes]:
    """``digest`` for many codes that are normalised and encoded already: the key is hashed once, not for every code."""
    keyed = hmac.new(_keys(settings.CODES_KEY)[0], digestmod=hashlib.sha256)

    def digest_of(normalised: bytes) -> bytes:
        own = keyed.copy()
        own.update(normalised)
        return own.digest()

    return digest_of


@functools.lru_cache(maxsize=64)
def _batch_cipher(secret: str, batch: uuid.UUID) -> AESSIV:
    return AESSIV(hmac.digest(secret.encode(), b"codes: batch seal: " + batch.bytes, hashlib.sha256))


def batch_sealer(batch: uuid.UUID) -> Callable[[bytes], bytes]:
    """Seals the texts of the batch with this public id."""
    encrypt = _batch_cipher(settings.CODES_KEY, batch).encrypt
    return lambda text: encrypt(text, None)


def open_batch_seal(batch: uuid.UUID, sealed: bytes | memoryview) -> str:
    """The code's text; empty when it was forgotten, or sealed with another key."""
    if not sealed:
        return ""
    try:
        return _batch_cipher(settings.CODES_KEY, batch).decrypt(bytes(sealed), None).decode()
    except InvalidTag:
        return ""

"""How codes are kept: a keyed hash to look one up, the text sealed. Who steals the table can redeem nothing.

Single codes are sealed with Fernet. Batches are not: Fernet takes 9 µs and 120 bytes for a code, and a batch has a million. Each
has a key of its own, derived from ``CODES_KEY`` and the batch's public id, for AES-SIV (RFC 5297): 1 µs, and 16 bytes more than
the text. It is authenticated and needs no nonce, so a batch that goes on after a crash cannot use one twice; that equal texts are
sealed equally says nothing, since the codes of a batch differ.
"""

import functools
import hashlib
import hmac
import uuid
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings

from incentives_site.shared import sealing

from .rules.codes import normalise

LOOK_UP = "codes: look-up"
SEAL = "codes: seal"


def digest(code: str) -> bytes:
    """32 bytes by which a code, typed in any way, is found."""
    return sealing.digest(LOOK_UP, normalise(code))


def seal(code: str) -> bytes:
    return sealing.seal(SEAL, code.encode())


def open_seal(sealed: bytes | memoryview) -> str:
    """The code's text; empty when it was sealed with a key that is not known any more."""
    return (sealing.open_seal(SEAL, sealed) or b"").decode()


# --- Batches --------------------------------------------------------------------------------------------------------------


def digester() -> Callable[[bytes], bytes]:
    """``digest`` for many codes that are normalised and encoded already: the key is hashed once, not for every code."""
    return sealing.digester(LOOK_UP)


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

"""How secrets are kept: sealed where they have to be read again, as a keyed hash where they are only looked up, masked where
people read them. ``docs/secrets.md`` lists every secret and which of these it is.

Seals are made with ``SEALING_KEY`` and opened with it, its fallbacks or ``CODES_KEY``; ``manage.py reseal`` makes old seals
again with the present key. Every purpose has a key of its own, derived from these, so no seal opens anything but its own kind.
"""

import base64
import functools
import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings

MASK = "…"
SHOWN = 4  # characters of a masked secret, and never more than a third of it


def keys() -> tuple[str, ...]:
    """What seals are opened with; the first also makes them."""
    return tuple(dict.fromkeys(filter(None, [settings.SEALING_KEY, *settings.SEALING_KEY_FALLBACKS, settings.CODES_KEY])))


# --- Fernet: for what is sealed now and then --------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _fernet(secrets: tuple[str, ...], purpose: str) -> MultiFernet:
    derived = (hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256) for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def seal(purpose: str, text: bytes) -> bytes:
    """``text`` sealed for ``purpose``; twice the same text are two different seals."""
    return _fernet(keys(), purpose).encrypt(text)


def open_seal(purpose: str, sealed: bytes | memoryview) -> bytes | None:
    """The text; ``None`` when it was sealed with a key that is not known any more, or for another purpose."""
    try:
        return _fernet(keys(), purpose).decrypt(bytes(sealed))
    except InvalidToken:
        return None


# --- AES-SIV: for what every request waits for ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _siv(secrets: tuple[str, ...], purpose: str) -> tuple[AESSIV, ...]:
    return tuple(AESSIV(hmac.digest(secret.encode(), purpose.encode(), hashlib.sha512)) for secret in secrets)


def seal_for(purpose: str, about: bytes, text: bytes) -> bytes:
    """``text`` sealed so that it opens only beside ``about``, the name of its row: a seal copied to another row stays shut.

    AES-SIV (RFC 5297) takes a tenth of Fernet's time and 16 bytes more than the text. It needs no nonce; rows have different
    names, so equal texts are not seen to be equal.
    """
    return _siv(keys(), purpose)[0].encrypt(text, [about])


def open_for(purpose: str, about: bytes, sealed: bytes | memoryview) -> bytes | None:
    """What ``seal_for`` sealed; ``None`` when no known key opens it beside ``about``."""
    for cipher in _siv(keys(), purpose):
        try:
            return cipher.decrypt(bytes(sealed), [about])
        except InvalidTag:
            continue
    return None


# --- Looking up, and showing ------------------------------------------------------------------------------------------------


def digest(purpose: str, text: str) -> bytes:
    """32 bytes by which a secret is found without being kept. Keyed by ``CODES_KEY``, which never changes."""
    return hmac.digest(_look_up_key(settings.CODES_KEY, purpose), text.encode(), hashlib.sha256)


def digester(purpose: str) -> Callable[[bytes], bytes]:
    """``digest`` for many texts that are encoded already: the key is hashed once, not for every text."""
    keyed = hmac.new(_look_up_key(settings.CODES_KEY, purpose), digestmod=hashlib.sha256)

    def digest_of(text: bytes) -> bytes:
        own = keyed.copy()
        own.update(text)
        return own.digest()

    return digest_of


@functools.lru_cache(maxsize=64)
def _look_up_key(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)


def masked(secret: str) -> str:
    """``…`` and the last characters, by which its holder knows a secret again: four, and never more than a third of it.

    What is masked already stays as it is.
    """
    if secret.startswith(MASK) and len(secret) <= 1 + SHOWN:
        return secret
    text = "".join(character for character in secret if character.isalnum())
    shown = min(SHOWN, len(text) // 3)
    return MASK + text[len(text) - shown :]


def sealed_again(purpose: str, sealed: bytes | memoryview) -> bytes | None:
    """The same text sealed with the present key; ``None`` when no known key opens it."""
    try:
        return _fernet(keys(), purpose).rotate(bytes(sealed))
    except InvalidToken:
        return None

"""The keys that open the ballots of a wave: never in the database, gone when the ballots are counted.

Anyone who has the wave's row can seal a ballot, as it holds the public key. The private key is worked out from two parts that lie
in different places: a file of 32 random bytes in ``SURVEY_KEYS_DIR``, and ``CODES_KEY``. The file is destroyed when the wave has
been counted. Then no copy of the database, with whatever other keys, opens a ballot any more (``docs/anonymity.md``).

X25519, HKDF with SHA-256 and AES-GCM, put together as in HPKE (RFC 9180): a key pair for each ballot, whose public half stands in
front of it.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

SIZE = 32  # bytes of a key, and of the part in the file
ONE_USE = bytes(12)  # each key seals one ballot


class KeyLost(Exception):
    """The file that opens the ballots of a wave is not there."""


def create(wave: uuid.UUID) -> bytes:
    """A key for a wave; its private part is written to its file before this returns. The public key, 32 bytes.

    Raises ``OSError`` where the file cannot be written.
    """
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(_file(wave), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SIZE))
        file.flush()
        os.fsync(file.fileno())
    _write_through(folder)
    return private_key(wave).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def private_key(wave: uuid.UUID) -> X25519PrivateKey:
    """Raises ``KeyLost``."""
    try:
        part = _file(wave).read_bytes()
    except FileNotFoundError:
        raise KeyLost(str(wave)) from None
    secret = hmac.digest(settings.CODES_KEY.encode(), b"surveys: ballots " + wave.bytes + part, hashlib.sha256)
    return X25519PrivateKey.from_private_bytes(secret)


def destroy(wave: uuid.UUID) -> None:
    """Overwrites and removes the file. Safe to run twice."""
    with contextlib.suppress(FileNotFoundError):
        with _file(wave).open("r+b") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        _file(wave).unlink()
        _write_through(_folder())


def kept() -> dict[uuid.UUID, float]:
    """Waves that have a file, and when it was written (seconds since 1970)."""
    if not _folder().exists():
        return {}
    return {uuid.UUID(file.name): file.stat().st_mtime for file in _folder().iterdir() if len(file.name) == 36}


def seal(public_key: bytes, text: bytes) -> bytes:
    """The text for the holder of the private key alone: 48 bytes longer."""
    once = X25519PrivateKey.generate()
    mine = once.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared = once.exchange(X25519PublicKey.from_public_bytes(public_key))
    return mine + AESGCM(_derived(shared, mine, public_key)).encrypt(ONE_USE, text, None)


def opened(key: X25519PrivateKey, sealed: bytes) -> bytes:
    """Raises ``cryptography.exceptions.InvalidTag`` for a ballot that was sealed for another key or changed."""
    theirs, text = sealed[:SIZE], sealed[SIZE:]
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared = key.exchange(X25519PublicKey.from_public_bytes(theirs))
    return AESGCM(_derived(shared, theirs, public)).decrypt(ONE_USE, text, None)


def _derived(shared: bytes, mine: bytes, public_key: bytes) -> bytes:
    return HKDF(SHA256(), SIZE, salt=mine + public_key, info=b"surveys: a ballot").derive(shared)


def _folder() -> Path:
    return Path(settings.SURVEY_KEYS_DIR)


def _file(wave: uuid.UUID) -> Path:
    return _folder() / str(wave)


def _write_through(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

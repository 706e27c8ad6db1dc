"""How ballots are kept until they are counted, and what an invitation's link is made of.

Each wave has a key of its own, whose private half is not in the database and is destroyed when its ballots are counted
(``ballot_keys``). Ballots are filled up to whole steps of a length, so that a long comment does not show.
"""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from . import ballot_keys

STEP = 8_192  # bytes


def _derived(purpose: str) -> bytes:
    return hmac.digest(settings.CODES_KEY.encode(), f"surveys: {purpose}".encode(), hashlib.sha256)


def seal_ballot(wave_key: bytes | memoryview, ballot: dict[str, Any]) -> bytes:
    """With the public key of its wave, which opens nothing."""
    text = json.dumps(ballot, separators=(",", ":")).encode()
    filled = text + b" " * (-len(text) % STEP)
    if _is_of_before(wave_key):
        return _cipher(wave_key).encrypt_at_time(filled, 0)
    return ballot_keys.seal(bytes(wave_key), filled)


def open_ballots(wave: uuid.UUID, wave_key: bytes | memoryview, sealed: list[bytes]) -> list[dict[str, Any]]:
    """Of the wave with this public id. Raises ``ballot_keys.KeyLost``."""
    if _is_of_before(wave_key):
        cipher = _cipher(wave_key)
        return [json.loads(cipher.decrypt(one)) for one in sealed]
    key = ballot_keys.private_key(wave) if sealed else None
    return [json.loads(ballot_keys.opened(key, one)) for one in sealed if key]


def _is_of_before(wave_key: bytes | memoryview) -> bool:
    """A wave that was open when keys left the database has its key in its row, sealed, until it closes."""
    return len(wave_key) != ballot_keys.SIZE


def _cipher(wave_key: bytes | memoryview) -> Fernet:
    return Fernet(Fernet(base64.urlsafe_b64encode(_derived("wave keys"))).decrypt(bytes(wave_key)))


def invitation_token(invitation: uuid.UUID) -> str:
    """The secret part of an invitation's link: 256 bits that are worked out, and stored nowhere."""
    mac = hmac.digest(_derived("invitations"), invitation.bytes, hashlib.sha256)
    return base64.urlsafe_b64encode(invitation.bytes + mac).rstrip(b"=").decode()


def invitation_code(invitation: uuid.UUID) -> str:
    """What is typed at a shared device instead: ten letters and digits, 50 bits, worked out as well."""
    mac = hmac.digest(_derived("codes"), invitation.bytes, hashlib.sha256)
    text = base64.b32encode(mac).decode()[:10]
    return f"{text[:5]}-{text[5:]}"


def token_digest(token: str) -> bytes:
    return hmac.digest(_derived("links"), token.encode(), hashlib.sha256)


def new_thread_key() -> str:
    """What only the author of a comment holds, to read replies."""
    return secrets.token_urlsafe(18)


def thread_digest(key: str, question: int) -> bytes:
    """Of the comment to the question at this place: another for each, so that nobody sees that one person wrote two of them."""
    return hmac.digest(_derived("threads"), f"{question}:{key}".encode(), hashlib.sha256)


def claim_code(survey: uuid.UUID) -> str:
    """What whoever answered openly may claim a promise with: chance, and a mark of the survey. Stored nowhere; 40 and 64 bits."""
    chance = secrets.token_bytes(5)
    text = base64.b32encode(chance + _claim_mark(survey, chance)).decode().rstrip("=")
    return "-".join(text[n : n + 7] for n in range(0, len(text), 7))


def is_claim_code(survey: uuid.UUID, code: str) -> bool:
    """Whether this survey gave the code (``plain_code`` first)."""
    try:
        known = base64.b32decode(code + "=" * (-len(code) % 8))
    except ValueError:
        return False
    return len(known) == 13 and hmac.compare_digest(_claim_mark(survey, known[:5]), known[5:])


def plain_code(code: str) -> str:
    """A code as it was made, however it was typed."""
    return (
        "".join(c for c in code[:80].upper() if c.isascii() and c.isalnum()).replace("0", "O").replace("1", "I").replace("8", "B")
    )


def claim_digest(code: str) -> bytes:
    return hmac.digest(_derived("used claims"), code.encode(), hashlib.sha256)


def _claim_mark(survey: uuid.UUID, chance: bytes) -> bytes:
    return hmac.digest(_derived("claims"), survey.bytes + chance, hashlib.sha256)[:8]


# --- One-on-ones ------------------------------------------------------------------------------------------------------------


def _notes(series: uuid.UUID) -> Fernet:
    """A key for each series, worked out from a secret that nothing but these pages uses."""
    secret = settings.MEETINGS_KEY.encode()
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret, b"one-on-one: " + series.bytes, hashlib.sha256)))


def seal_note(series: uuid.UUID, text: str) -> bytes:
    return _notes(series).encrypt_at_time(text.encode(), 0)


def open_note(series: uuid.UUID, sealed: bytes | memoryview) -> str:
    """The text; empty when it was sealed with another key."""
    try:
        return _notes(series).decrypt(bytes(sealed)).decode()
    except InvalidToken:
        return ""

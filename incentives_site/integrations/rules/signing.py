"""Signatures of Standard Webhooks 1.0: symmetric, ``v1``."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32  # the standard allows 24 to 64


def spell(secret: bytes) -> str:
    return PREFIX + base64.b64encode(secret).decode()


def headers(*, message_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The three headers for ``body``; one signature for each secret, so that the receiver may know any of them."""
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    signatures = [base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }

"""What integrations keeps sealed: secrets of webhooks, which are read to sign with, and answers that may be asked for again."""

from incentives_site.shared import sealing

SECRETS = "webhooks: seal"
REPLIES = "replies: seal"


def seal(secret: bytes) -> bytes:
    return sealing.seal(SECRETS, secret)


def open_seal(sealed: bytes | memoryview) -> bytes | None:
    """``None`` when it was sealed with a key that is not known any more."""
    return sealing.open_seal(SECRETS, sealed)


def seal_reply(partner: int, key: str, body: bytes) -> bytes:
    """The answer given to a partner's ``Idempotency-Key``, as JSON: it may hold codes and links."""
    return sealing.seal_for(REPLIES, _name(partner, key), body)


def open_reply(partner: int, key: str, sealed: bytes | memoryview) -> bytes | None:
    """``None`` when it was sealed with a key that is not known any more."""
    return sealing.open_for(REPLIES, _name(partner, key), sealed)


def _name(partner: int, key: str) -> bytes:
    return f"{partner}\x1f{key}".encode()

"""How identifiers of erased customers are remembered: by a keyed hash, so that the table names nobody."""

from incentives_site.shared import sealing

SUPPRESSION = "customers: suppression"


def digest(kind: str, value: str) -> bytes:
    """32 bytes that stand for a normalised identifier. Keyed by ``CODES_KEY``, which never changes."""
    return sealing.digest(SUPPRESSION, f"{kind}\x1f{value}")

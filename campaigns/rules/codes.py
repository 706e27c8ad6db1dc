"""Codes: how a typed one is read, and how a new one is spelled."""

import re
import unicodedata

# Without look-alikes: no 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V confusions left on both sides.
ALPHABET = "34679ACDEFGHJKMNPQRTVWXY"
LENGTH = 12  # 24^12 ≈ 3.7 × 10^16 codes: a million issued leave 3.7 × 10^10 wrong guesses for each right one
LONGEST = 64
GENERIC = re.compile(r"[A-Z0-9][A-Z0-9_]{2,39}")


def normalise(typed: str) -> str:
    """The code as compared: no spaces or dashes of any kind, capitals. Empty when nothing is left or it is absurdly long."""
    compact = "".join(c for c in unicodedata.normalize("NFKC", typed[: LONGEST * 4]) if c.isalnum() or c == "_").upper()
    return compact if len(compact) <= LONGEST else ""


def spell(random_numbers: bytes) -> str:
    """A code from random bytes, grouped for reading: ``ACDE-FGHJ-KMNP``. Bytes that would make it uneven are passed over.

    Give at least ``8 × LENGTH`` bytes. Raises ``ValueError`` when too few could be used (practically never).
    """
    fair = 256 - 256 % len(ALPHABET)
    letters = [ALPHABET[byte % len(ALPHABET)] for byte in random_numbers if byte < fair][:LENGTH]
    if len(letters) < LENGTH:
        raise ValueError("not enough random bytes")
    text = "".join(letters)
    return "-".join(text[i : i + 4] for i in range(0, LENGTH, 4))

"""When two e-mail addresses are the same, and when one is written to be taken for another.

Comparing addresses only ever suggests who somebody may be; it opens nothing.
"""

import unicodedata

# Scripts that one word mixes in ordinary writing (UTS 39, Highly Restrictive). Everything else is one script for each part.
TOGETHER = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"CJK", "BOPOMOFO"}),
    frozenset({"CJK", "HANGUL"}),
)
# Small Cyrillic, Greek and Armenian letters that look like Latin ones (from UTS 39, confusables.txt).
LIKE_LATIN = frozenset("аеорсхуіјѕһԁԛԝӏαοινρυγσօսհոց")


def normalised(address: str) -> str:
    """The form in which addresses are compared: NFKC, no white space at the ends, lower case, the domain not in punycode."""
    text = unicodedata.normalize("NFKC", address).strip().lower()
    name, at, domain = text.rpartition("@")
    return f"{name}{at}{'.'.join(_readable(label) for label in domain.split('.'))}"


def looks_alike(address: str) -> bool:
    """Whether a part of the address mixes scripts, or is written in letters that all look like Latin ones."""
    return any(_is_disguised(part) for part in normalised(address).replace("@", ".").split("."))


def _readable(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return unicodedata.normalize("NFKC", label.encode("ascii").decode("idna")).lower()
    except UnicodeError:
        return label


def _is_disguised(part: str) -> bool:
    letters = [character for character in part if character.isalpha()]
    scripts = {_script(letter) for letter in letters}
    if len(scripts) > 1 and not any(scripts <= known for known in TOGETHER):
        return True
    return bool(letters) and scripts != {"LATIN"} and all(letter in LIKE_LATIN for letter in letters)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]

"""Codes: how a typed one is read, how new ones look, how many there could be, and how many guesses a hit takes.

The check character is that of the hybrid systems of ISO/IEC 7064 (MOD 11,10; MOD 27,26; MOD 37,36), whose recursion is here
taken modulo any even number ``n`` of characters: MOD n+1,n. It finds every single wrong character and nearly every swap of two
neighbours. ``n`` is even because doubling has to be reversible modulo ``n + 1``. It covers the characters drawn by chance: the
others are known beforehand.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from customers.rules.faults import Fault

# Without look-alikes: no 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V confusions left on both sides.
ALPHABET = "34679ACDEFGHJKMNPQRTVWXY"
LENGTH = 12  # 24^12 ≈ 3.7 × 10^16 codes: a million issued leave 3.7 × 10^10 wrong guesses for each right one
LONGEST = 64
GENERIC = re.compile(r"[A-Z0-9][A-Z0-9_]{2,39}")

RANDOM = "#"
SPARE = 1_000_000  # codes that open nothing, for each that does
MOST = 10_000_000  # codes in a batch
SMALLEST_ALPHABET = 10
PATTERN = re.compile(r"[A-Z0-9_# -]+")
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# What is read or typed for one another, most of all from paper.
LOOK_ALIKES = ("0O", "1IL", "2Z", "5S", "8B", "UV")
TWINS = {one: frozenset(group) - {one} for group in LOOK_ALIKES for one in group}


def normalise(typed: str) -> str:
    """The code as compared: no spaces or dashes of any kind, capitals. Empty when nothing is left or it is absurdly long."""
    compact = "".join(c for c in unicodedata.normalize("NFKC", typed[: LONGEST * 4]) if c.isalnum() or c == "_").upper()
    return compact if len(compact) <= LONGEST else ""


def spell(random_numbers: bytes) -> str:
    """A code from random bytes, grouped for reading: ``ACDE-FGHJ-KMNP``. Bytes that would make it uneven are passed over.

    Give at least ``8 × LENGTH`` bytes. Raises ``ValueError`` when too few could be used (practically never).
    """
    letters = letters_from(random_numbers, ALPHABET)[:LENGTH].decode()
    if len(letters) < LENGTH:
        raise ValueError("not enough random bytes")
    return "-".join(letters[i : i + 4] for i in range(0, LENGTH, 4))


def letters_from(random_numbers: bytes, alphabet: str) -> bytes:
    """A letter of ``alphabet``, each as likely as the others, for every byte but the few that would make it uneven."""
    size = len(alphabet)
    fair = 256 - 256 % size
    table = bytes(ord(alphabet[byte % size]) for byte in range(256))
    return random_numbers.translate(table, bytes(range(fair, 256)))


# --- How the codes of a batch look -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody meant who typed a code of a shape: ``text`` as compared, empty when it cannot be one (``is_mistyped``)."""

    text: str

    @property
    def is_mistyped(self) -> bool:
        return not self.text


@dataclass(frozen=True)
class Shape:
    """``pattern`` as printed, ``#`` standing for a character drawn from ``alphabet``; with ``has_check`` the last ``#`` is worked
    out of the others."""

    pattern: str
    alphabet: str = ALPHABET
    has_check: bool = False

    @functools.cached_property
    def cells(self) -> str:
        """The pattern as compared: without what only separates."""
        return "".join(c for c in self.pattern if c == RANDOM or c == "_" or c.isalnum())

    @functools.cached_property
    def drawn(self) -> int:
        """How many characters of a code are drawn by chance."""
        return max(0, self.pattern.count(RANDOM) - self.has_check)

    @property
    def capacity(self) -> int:
        """How many codes there could be."""
        return int(len(self.alphabet) ** self.drawn)

    def guesses(self, count: int) -> int:
        """How many guesses find one of ``count`` codes, on average, by somebody who knows the shape."""
        return self.capacity // max(1, count)

    def fill(self, letters: str) -> str:
        """The code as printed. ``letters`` are the ``drawn`` ones."""
        letters += check_character(letters, self.alphabet) if self.has_check else ""
        remaining = iter(letters)
        return "".join(next(remaining) if c == RANDOM else c for c in self.pattern)

    def read(self, typed: str) -> Reading | None:
        """What was meant by ``typed``, look-alikes put right; ``None`` when it has another shape."""
        text = normalise(typed)
        if len(text) != len(self.cells):
            return None
        read, is_readable = "", True
        for wanted, found in zip(self.cells, text, strict=True):
            if wanted != RANDOM:
                if wanted != found and wanted not in TWINS.get(found, ()):
                    return None
                read += wanted
            elif found in self.alphabet:
                read += found
            else:
                twins = [twin for twin in TWINS.get(found, ()) if twin in self.alphabet]
                is_readable &= len(twins) == 1
                read += twins[0] if twins else found
        if not is_readable or (self.has_check and not self._is_whole(read)):
            return Reading("")
        return Reading(read)

    def _is_whole(self, read: str) -> bool:
        letters = "".join(found for wanted, found in zip(self.cells, read, strict=True) if wanted == RANDOM)
        return check_character(letters[:-1], self.alphabet) == letters[-1]


def check_character(letters: str, alphabet: str) -> str:
    """ISO/IEC 7064, hybrid system MOD n+1,n for the ``n`` characters of ``alphabet`` (an even number)."""
    size = len(alphabet)
    steps = _steps(alphabet)
    product = size
    for letter in letters:
        product = steps[letter][product]
    return alphabet[(1 - product) % size]


@functools.lru_cache(maxsize=64)
def _steps(alphabet: str) -> dict[str, list[int]]:
    """For each character, the product that follows on each product."""
    size = len(alphabet)
    return {
        letter: [((product + value) % size or size) * 2 % (size + 1) for product in range(size + 1)]
        for value, letter in enumerate(alphabet)
    }


def pattern_of(prefix: str, length: int) -> str:
    """A pattern of ``length`` random characters in groups of four behind ``prefix``."""
    groups = [RANDOM * min(4, length - start) for start in range(0, length, 4)]
    return "-".join([*([prefix.strip().upper().rstrip("-")] if prefix.strip() else []), *groups])


def faults_of(shape: Shape, count: int) -> list[Fault]:
    """Why codes could not be made so; English, with pointers."""
    faults = []
    if not 1 <= count <= MOST:
        faults.append(Fault("/count", "out-of-range", f"From 1 to {MOST:,} codes."))
    size = len(shape.alphabet)
    if not set(shape.alphabet) <= set(CHARACTERS) or len(set(shape.alphabet)) != size or size < SMALLEST_ALPHABET:
        sentence = f"At least {SMALLEST_ALPHABET} different letters A to Z and digits."
        return [*faults, Fault("/alphabet", "bad-alphabet", sentence)]
    if shape.has_check and size % 2:
        faults.append(Fault("/alphabet", "odd-alphabet", "With a check character it needs an even number of characters."))
    if not PATTERN.fullmatch(shape.pattern) or len(shape.pattern) > LONGEST or RANDOM not in shape.pattern:
        sentence = f"At most {LONGEST} letters A to Z, digits, _, - and spaces, with # for each character drawn by chance."
        return [*faults, Fault("/pattern", "bad-pattern", sentence)]
    if shape.capacity < count * (SPARE + 1):
        missing = 0
        while size ** (shape.drawn + missing) < count * (SPARE + 1):
            missing += 1
        sentence = (
            f"This pattern makes {shape.capacity:,} different codes: too easy to guess. "
            f"{count:,} codes need a million spare ones each: add {missing} more #."
        )
        faults.append(Fault("/pattern", "too-few-codes", sentence))
    return faults


def draw(shape: Shape, entropy: Callable[[int], bytes], most: int) -> Iterator[str]:
    """At most ``most`` new codes as printed, no two the same. ``entropy`` gives as many random bytes as it is asked for."""
    size, drawn = len(shape.alphabet), shape.drawn
    letters = letters_from(entropy(most * drawn * 256 // (256 - 256 % size) + 64), shape.alphabet).decode()
    template = shape.pattern.replace(RANDOM, "{}")
    seen: set[str] = set()
    is_plain = not shape.has_check
    parts = _parts(shape.pattern) if is_plain else []
    for start in range(0, len(letters) - drawn + 1, drawn):
        own = letters[start : start + drawn]
        if own in seen:
            continue
        seen.add(own)
        if is_plain:
            yield "".join([own[part] if isinstance(part, slice) else part for part in parts])
        else:
            yield template.format(*own, check_character(own, shape.alphabet))
        if len(seen) == most:
            return


def _parts(pattern: str) -> Sequence[str | slice]:
    """The pattern as fixed texts and runs of drawn characters: joining a few pieces is quicker than filling each ``#``."""
    found: list[str | slice] = []
    position = 0
    for run in re.findall(f"{RANDOM}+|[^{RANDOM}]+", pattern):
        if run[0] == RANDOM:
            found.append(slice(position, position + len(run)))
            position += len(run)
        else:
            found.append(run)
    return found


# What grants are proved by.
GRANT = Shape("####-####-####")

# --- Codes of other systems ----------------------------------------------------------------------------------------------

SHORTEST_IMPORTED = 6


def fault_of_imported(typed: str) -> str:
    """Why a code of another system is not taken (a short name that never changes); empty when it is."""
    if not typed.strip():
        return "empty"
    if len(typed) > LONGEST * 2 or not (text := normalise(typed)):
        return "too-long" if len(typed) > LONGEST else "bad-characters"
    if len(text) < SHORTEST_IMPORTED:
        return "too-short"
    if not (text.isascii() and all(c.isalnum() or c in "_- ./" for c in typed.strip())):
        return "bad-characters"
    return ""

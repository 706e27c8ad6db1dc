"""Who wins a contest: drawn from a published seed, so that anyone can repeat it (``docs/ledger.md``, Contests)."""

import hashlib
from collections.abc import Mapping
from itertools import accumulate

NUMBERS = 2**256


def commitment_to(seed: str) -> str:
    """What is published beforehand: the seed cannot be told from it, nor be exchanged for another."""
    return hashlib.sha256(seed.encode()).hexdigest()


def digest_of(entries: Mapping[str, int]) -> str:
    """Of the list of entrants: a line ``entrant entries`` each, in the order of their names."""
    return hashlib.sha256("".join(f"{name} {count}\n" for name, count in sorted(entries.items())).encode()).hexdigest()


def drawn(seed: str, entries: Mapping[str, int], winners: int) -> list[str]:
    """The winners in the order they were drawn, each once; every entry (at least one each) is as likely as any other.

    The n-th number is the SHA-256 of seed, digest of the entries and n. Numbers that would make some
    remainders likelier than others are passed over.
    """
    digest = digest_of(entries)
    pool, won, n = sorted(entries.items()), [], 0
    while pool and len(won) < winners:
        sums = list(accumulate(count for _name, count in pool))
        number = int(hashlib.sha256(f"{seed}\n{digest}\n{n}".encode()).hexdigest(), 16)
        n += 1
        if number < NUMBERS - NUMBERS % sums[-1]:
            ticket = number % sums[-1]
            name, _count = pool.pop(next(place for place, total in enumerate(sums) if ticket < total))
            won.append(name)
    return won

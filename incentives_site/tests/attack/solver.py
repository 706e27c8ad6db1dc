"""Which small groups follow from sums over larger ones: exact, and nothing of the product's own.

Whoever has the sums of some groups has the sum of every vector in the space that the groups span. Modulo a prime of 61 bits: a
basis of what is orthogonal to that space is folded into one random number for each person. A set of people whose sum follows has
numbers that add up to nothing; so the small sets are found by looking up the sums of pairs and triples. What is found is checked
against the whole basis: nothing is missed, and nothing is said that is not so.
"""

import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

PRIME = 2**61 - 1


def followed(groups: Sequence[AbstractSet[int]], people: Sequence[int], fewer_than: int) -> set[int] | None:
    """Some set of one to ``fewer_than`` − 1 of the people whose sum follows from those of the groups; ``None``: there is none."""
    places = {person: column for column, person in enumerate(people)}
    rows = [[int(person in group) for person in people] for group in groups]
    orthogonal = _orthogonal(_reduced(rows), len(places))
    chance = random.Random(len(people))
    weights = [chance.randrange(1, PRIME) for _vector in orthogonal]
    number = [sum(w * v[column] for w, v in zip(weights, orthogonal, strict=True)) % PRIME for column in range(len(places))]
    for found in _adding_up_to_nothing(number, fewer_than - 1):
        if all(sum(vector[column] for column in found) % PRIME == 0 for vector in orthogonal):
            return {people[column] for column in found}
    return None


def _adding_up_to_nothing(number: Sequence[int], most: int) -> "list[tuple[int, ...]]":
    """All sets of at most ``most`` (up to nine) places whose numbers add up to nothing: halves that are each other's opposite."""
    columns = range(len(number))
    halves: dict[int, list[tuple[int, ...]]] = {}
    for size in range((most + 1) // 2 + 1):
        for half in combinations(columns, size):
            halves.setdefault(sum(number[c] for c in half) % PRIME, []).append(half)
    found = []
    for size in range(1, most // 2 + 1) if most > 1 else [1]:
        for half in combinations(columns, size):
            for other in halves.get(-sum(number[c] for c in half) % PRIME, ()):
                whole = tuple(sorted({*half, *other}))
                if len(whole) == len(half) + len(other) <= most:
                    found.append(whole)
    return found


def _reduced(rows: list[list[int]]) -> list[tuple[int, list[int]]]:
    """Each with the place of its leading one; no two have anything there."""
    done: list[tuple[int, list[int]]] = []
    for row in rows:
        for at, pivot in done:
            if row[at]:
                row = [(a - row[at] * b) % PRIME for a, b in zip(row, pivot, strict=True)]
        at = next((column for column, value in enumerate(row) if value), -1)
        if at < 0:
            continue
        inverse = pow(row[at], -1, PRIME)
        row = [value * inverse % PRIME for value in row]
        done = [
            (p, [(a - pivot[at] * b) % PRIME for a, b in zip(pivot, row, strict=True)] if pivot[at] else pivot)
            for p, pivot in done
        ]
        done.append((at, row))
    return done


def _orthogonal(reduced: list[tuple[int, list[int]]], columns: int) -> list[list[int]]:
    leading = {at for at, _row in reduced}
    found = []
    for free in range(columns):
        if free not in leading:
            vector = [0] * columns
            vector[free] = 1
            for at, row in reduced:
                vector[at] = -row[free] % PRIME
            found.append(vector)
    return found

"""R4 for all figures together: can any group smaller than k be worked out from what is shown, by adding and subtracting?

Each figure of a group is a sum over its people. Who adds and subtracts figures gets the sum of every set of people whose
indicator lies in the row space of the shown groups. So a family of groups is safe when that space holds no vector of zeros and
ones that marks somebody, but fewer than k. That is the search for a light word of a linear code, done here as information-set
decoding (Lee & Brickell 1988): bring the groups to reduced form on a random choice of people, and look at all sums of at most
two rows. A word of fewer than ten people has at most two of them among the chosen with high probability, and thirty choices
leave no real chance to miss it. Arithmetic is modulo a large prime.
"""

import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

PRIME = 2_147_483_629
TRIES = 30
Matrix = NDArray[np.int64]


def safe_groups(
    groups: Mapping[str, AbstractSet[int]], k: int, *, first: Sequence[str] = (), seed: int = 0, tries: int = TRIES
) -> list[str]:
    """The names of groups that may all be shown, from those named ``first`` (in their order) to the smallest.

    ``groups`` are the people who answered, by number. A group of fewer than k is never shown. Each is added only if nothing
    smaller than k can be worked out from it and those before; the rest stays hidden. Deterministic for a ``seed``.
    """
    order = [name for name in first if name in groups]
    order += sorted((name for name in groups if name not in order), key=lambda name: (-len(groups[name]), name))
    wanted = [name for name in order if len(groups[name]) >= k]
    return _add(wanted, groups, k, seed, tries)


def _add(wanted: Sequence[str], groups: Mapping[str, AbstractSet[int]], k: int, seed: int, tries: int) -> list[str]:
    """All at once if that is safe, else each half by itself upon what is safe of the first."""
    shown: list[str] = []
    waiting = [list(wanted)]
    while waiting:
        piece = waiting.pop(0)
        if not piece:
            continue
        if smallest_disclosed([groups[name] for name in [*shown, *piece]], k, seed=seed, tries=tries) is None:
            shown += piece
        elif len(piece) > 1:
            middle = len(piece) // 2
            waiting[:0] = [piece[:middle], piece[middle:]]
    return shown


def safe_tree(groups: Mapping[str, AbstractSet[int]], k: int) -> list[str]:
    """Like ``safe_groups`` for groups of which any two lie inside one another or apart, however many people there are.

    What can be worked out from such groups are sums of rests: what is left of a group without the shown ones inside it. So each
    rest has to be nobody or k people. The larger are wanted more.
    """
    shown: list[str] = []
    rests: dict[str, set[int]] = {}
    for name in sorted(groups, key=lambda name: (-len(groups[name]), name)):
        people = groups[name]
        around = [other for other in shown if people <= groups[other]]
        nearest = min(around, key=lambda other: len(groups[other]), default=None)
        left = rests[nearest] - people if nearest is not None else set()
        if len(people) < k or 0 < len(left) < k:
            continue
        if nearest is not None:
            rests[nearest] = left
        rests[name] = set(people)
        shown.append(name)
    return shown


def smallest_disclosed(groups: Sequence[AbstractSet[int]], k: int, *, seed: int = 0, tries: int = TRIES) -> set[int] | None:
    """Fewer than k people whose sum follows from the sums of the groups, if such are found; ``None`` when there are none."""
    people = sorted(set().union(*groups)) if groups else []
    if not people:
        return None
    cells, members = _cells(groups, people)
    sizes = np.array([len(found) for found in members], dtype=np.int64)
    chance = random.Random(seed)  # noqa: S311  (repeatable; nothing secret)
    for _turn in range(tries):
        # Small cells first, somewhat: what could be disclosed lies there, and should not be chosen.
        columns = list(range(len(members)))
        chance.shuffle(columns)
        columns.sort(key=lambda column: -int(sizes[column]) if sizes[column] >= k else 0)
        reduced = _reduced(cells[:, columns])
        word = _light(reduced, sizes[columns], k)
        if word is not None:
            return {person for position in word for person in members[columns[position]]}
    return None


def _cells(groups: Sequence[AbstractSet[int]], people: Sequence[int]) -> tuple[Matrix, list[list[int]]]:
    """People who are in the same groups are never told apart: one column for each such cell."""
    members: dict[tuple[int, ...], list[int]] = {}
    belongs: dict[int, list[int]] = {person: [] for person in people}
    for number, group in enumerate(groups):
        for person in group:
            belongs[person].append(number)
    for person, numbers in belongs.items():
        members.setdefault(tuple(numbers), []).append(person)
    matrix = np.zeros((len(groups), len(members)), dtype=np.int64)
    for column, numbers in enumerate(members):  # type: ignore[assignment]
        matrix[list(numbers), column] = 1
    return matrix, list(members.values())


def _reduced(matrix: Matrix) -> Matrix:
    """Reduced row echelon form modulo the prime, without empty rows."""
    rows = matrix.copy() % PRIME
    done = 0
    for column in range(rows.shape[1]):
        if done == rows.shape[0]:
            break
        found = np.flatnonzero(rows[done:, column])
        if not found.size:
            continue
        pivot = done + int(found[0])
        if pivot != done:
            rows[[done, pivot]] = rows[[pivot, done]]
        rows[done] = rows[done] * pow(int(rows[done, column]), -1, PRIME) % PRIME
        others = np.flatnonzero(rows[:, column])
        others = others[others != done]
        if others.size:
            rows[others] = (rows[others] - rows[others, column][:, None] * rows[done][None, :] % PRIME) % PRIME
        done += 1
    return rows[:done]


def _light(rows: Matrix, sizes: Matrix, k: int) -> list[int] | None:
    """The cells of a word of zeros and ones that marks fewer than k people, among single rows and sums of two."""
    for i in range(rows.shape[0]):
        candidates = [rows[i][None, :]]
        if i + 1 < rows.shape[0]:
            candidates.append((rows[i][None, :] + rows[i + 1 :]) % PRIME)
        block = np.concatenate(candidates)
        is_indicator = np.all(block <= 1, axis=1)
        for word in block[is_indicator]:
            people = int((word * sizes).sum())
            if 0 < people < k:
                return [int(position) for position in np.flatnonzero(word)]
    return None

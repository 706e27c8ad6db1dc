"""R4 for all figures together: can any group smaller than k be worked out from what is shown, by adding and subtracting?

Each figure of a group is a sum over its people. Who adds and subtracts figures gets the sum of every set of people whose
indicator lies in the row space of the shown groups. So a family of groups is safe when that space holds no vector of zeros and
ones that marks somebody, but fewer than k: no light word of a linear code.

Most groups lie inside one another or apart. They come to blocks of people, which are judged by their size. What cuts through
blocks (places, years, languages) is judged by what of it can tell at all (``_quotient``); often nothing is left, however many
people there are. What is left is searched by information-set decoding (Lee & Brickell 1988): bring the groups to reduced form on
a random choice of people, and look at all sums of at most two rows. A word of fewer than ten people has at most two of them among
the chosen with high probability, and thirty choices leave no real chance to miss it. Arithmetic is modulo a large prime. Where
too much is left to be searched nothing more is shown.
"""

import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

PRIME = 2_147_483_629
TRIES = 30
MOST_TRIED = 60
MOST_ROWS, MOST_CELLS = 120, 600  # what a search is started on
Matrix = NDArray[np.int64]


def safe_groups(groups: Mapping[str, AbstractSet[int]], k: int, *, first: Sequence[str] = ()) -> list[str]:
    """The names (``dimension:key``) of groups that may all be shown: wanted are those named ``first``, then the largest.

    ``groups`` are people by number. A group of fewer than k is never shown; the others are as long as nothing smaller than k can
    be worked out from all that are. Deterministic.

    Groups are taken in turn. One that consists of blocks, or of blocks and a part of one more, makes finer blocks, each of ``k``
    people or more; any sum that is zeros and ones on people is then one of blocks. One that cuts through several blocks waits for
    the end, where a dimension is shown as far as ``_is_safe_across`` allows.
    """
    everybody = sorted(set().union(*groups.values())) if groups else []
    if len(everybody) < k:
        return []
    place = {person: number for number, person in enumerate(everybody)}
    people = {name: np.array([place[person] for person in group], dtype=np.int64) for name, group in groups.items()}
    order = [name for name in dict.fromkeys(first) if name in groups]
    order += sorted((name for name in groups if name not in order), key=lambda name: (-len(groups[name]), name))
    block, sizes = np.zeros(len(everybody), dtype=np.int64), [len(everybody)]
    shown: list[str] = []
    across: list[str] = []
    for name in order:
        mine = people[name]
        if len(mine) < k:
            continue
        touched, counts = np.unique(block[mine], return_counts=True)
        cut = [(int(at), int(n)) for at, n in zip(touched, counts, strict=True) if n < sizes[at]]
        if len(cut) > 1:
            across.append(name)
        elif all(n >= k and sizes[at] - n >= k for at, n in cut):
            shown.append(name)
            for at, n in cut:
                block[mine[block[mine] == at]] = len(sizes)
                sizes[at] -= n
                sizes.append(n)
    return shown + _add_across(across, people, block, k)


def _add_across(names: Sequence[str], people: Mapping[str, Matrix], block: Matrix, k: int) -> list[str]:
    """All at once if that is safe, else each half upon what is safe of the first. What is not come to in time is not shown."""
    shown: list[str] = []
    waiting = [list(names)]
    for _question in range(MOST_TRIED):
        if not waiting:
            break
        piece = waiting.pop(0)
        if piece and _is_safe_across([*shown, *piece], people, block, k):
            shown += piece
        elif len(piece) > 1:
            middle = len(piece) // 2
            waiting[:0] = [piece[:middle], piece[middle:]]
    return shown


def _is_safe_across(names: Sequence[str], people: Mapping[str, Matrix], block: Matrix, k: int) -> bool:
    """Whether nothing smaller than k follows from blocks and these groups together."""
    labels: dict[str, Matrix] = {}
    for name in names:
        mine = labels.setdefault(name.partition(":")[0], np.zeros(len(block), dtype=np.int64))
        touched, counts = np.unique(mine[people[name]], return_counts=True)
        cut = touched[counts < np.bincount(mine)[touched]]
        if len(cut) > 1:
            return False  # two of one dimension of which neither lies in the other
        for at in cut:
            mine[people[name][mine[people[name]] == at]] = mine.max() + 1
    classes, counts = _quotient(np.stack([block, *labels.values()]), k)
    if not any(row.any() for row in classes):
        return True
    rows = [row == value for row in classes for value in range(int(row.max()) + 1)]
    if len(rows) > MOST_ROWS or len(counts) > MOST_CELLS:
        return False
    return _search(np.array(rows, dtype=np.int64), counts, k, 0, TRIES) is None


def _quotient(labels: Matrix, k: int) -> tuple[Matrix, Matrix]:
    """What is left to look at: for each cell of people who are alike its class in each dimension (a row of ``labels``), and how
    many they are.

    A sum is worth to a person what it is worth in each dimension, added up: w = f₁ + f₂ + … . Suppose it is 0 on all but fewer
    than k people. Two values of a dimension are then worth the same if there are k separate pairs of people who differ in that
    alone: one pair at least has 0 on both sides. From then on they are one value, and more people are alike. What is worth the
    same in every dimension is the same on everybody. So a sum that tells of fewer than k is one of classes, and is found among
    them or nowhere.
    """
    cells, counts = _gathered(labels, np.ones(labels.shape[1], dtype=np.int64))
    merged = True
    while merged:
        merged = False
        for dimension in range(len(cells)):
            joined = _joined(_numbered(np.delete(cells, dimension, axis=0)), cells[dimension], counts, k)
            if joined is not None:
                cells[dimension] = joined[cells[dimension]]
                cells, counts = _gathered(cells, counts)
                merged = True
    return cells, counts


def _numbered(rows: Matrix) -> Matrix:
    """One number for each column, the same for columns that are alike."""
    numbers: Matrix = np.zeros(rows.shape[1], dtype=np.int64)
    for row in rows:
        numbers = np.unique(numbers * (int(row.max()) + 1) + row, return_inverse=True)[1].reshape(-1)
    return numbers


def _gathered(cells: Matrix, counts: Matrix) -> tuple[Matrix, Matrix]:
    """Cells that are alike become one."""
    _numbers, first, at = np.unique(_numbered(cells), return_index=True, return_inverse=True)
    return cells[:, first].copy(), np.bincount(at.reshape(-1), weights=counts).astype(np.int64)


def _joined(alike: Matrix, values: Matrix, counts: Matrix, k: int) -> Matrix | None:
    """For each value its class, where k pairs of people join two of them; ``None`` where they join none.

    Among people who are alike, each value is compared with the one that most have, and with the one that is next in number.
    """
    order = np.lexsort((-counts, alike))
    alike, mine, many = alike[order], values[order], counts[order]
    starts = np.r_[True, alike[1:] != alike[:-1]]
    most = mine[np.maximum.accumulate(np.where(starts, np.arange(len(mine)), 0))]
    inside = ~starts
    pairs = np.concatenate([np.stack([most[inside], mine[inside]]), np.stack([mine[:-1], mine[1:]])[:, inside[1:]]], axis=1)
    if not pairs.size:
        return None
    weights = np.concatenate([many[inside], many[inside]])
    pairs.sort(axis=0)
    # Between a value and the one most have, a pair may stand in both lists: counted once.
    tagged = np.concatenate([pairs, np.concatenate([alike[inside], alike[inside]])[None, :]])
    tagged, at = np.unique(tagged, axis=1, return_index=True)
    edges, which = np.unique(tagged[:2], axis=1, return_inverse=True)
    total = np.bincount(which.reshape(-1), weights=weights[at])
    strong = edges[:, (total >= k) & (edges[0] != edges[1])]
    if not strong.size:
        return None
    parent = list(range(int(values.max()) + 1))

    def root(value: int) -> int:
        while parent[value] != value:
            parent[value] = parent[parent[value]]
            value = parent[value]
        return value

    for one, other in strong.T.tolist():
        parent[root(one)] = root(other)
    return np.unique([root(value) for value in range(len(parent))], return_inverse=True)[1].astype(np.int64)


def smallest_disclosed(groups: Sequence[AbstractSet[int]], k: int, *, seed: int = 0, tries: int = TRIES) -> set[int] | None:
    """Fewer than k people whose sum follows from the sums of the groups, if such are found; ``None`` when there are none."""
    people = sorted(set().union(*groups)) if groups else []
    if not people:
        return None
    cells, members = _cells(groups, people)
    found = _search(cells, np.array([len(mine) for mine in members], dtype=np.int64), k, seed, tries)
    return None if found is None else {person for column in found for person in members[column]}


def _search(cells: Matrix, sizes: Matrix, k: int, seed: int, tries: int) -> list[int] | None:
    """The columns of a light word of the space that the rows of ``cells`` span, if one is found."""
    chance = random.Random(seed)  # noqa: S311  (repeatable; nothing secret)
    for _turn in range(tries):
        # Small cells first, somewhat: what could be disclosed lies there, and should not be chosen.
        columns = list(range(len(sizes)))
        chance.shuffle(columns)
        columns.sort(key=lambda column: -int(sizes[column]) if sizes[column] >= k else 0)
        word = _light(_reduced(cells[:, columns]), sizes[columns], k)
        if word is not None:
            return [columns[position] for position in word]
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

"""What follows from published groups, worked out without the rules: by elimination and by looking at every few people.

A weighted sum of shown groups that touches only the people of a set exists exactly if the columns of everybody else have a
smaller rank than all columns together.
"""

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np


def rank(rows: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(rows)) if rows.size else 0


def fewest_touched(groups: Sequence[Collection[int]], below: int) -> tuple[int, ...] | None:
    """The first set of fewer than ``below`` people whom some non-zero combination of groups touches alone, if there is one.

    People are numbers; a group of two waves may hold somebody in both, as one unknown.
    """
    people = sorted({person for group in groups for person in group})
    rows = np.array([[int(person in group) for person in people] for group in groups], dtype=float)
    if not people:
        return None
    # People whom no group tells apart are touched together or not at all.
    _columns, first, which = np.unique(rows, axis=1, return_index=True, return_inverse=True)
    weights = np.bincount(which.reshape(-1))
    columns = rows[:, first]
    whole = rank(columns)
    light = [number for number in range(len(first)) if weights[number] < below]
    for size in range(1, below):
        for chosen in combinations(light, size):
            if sum(weights[list(chosen)]) < below and rank(np.delete(columns, chosen, axis=1)) < whole:
                return tuple(people[at] for at in np.flatnonzero(np.isin(which.reshape(-1), chosen)))
    return None

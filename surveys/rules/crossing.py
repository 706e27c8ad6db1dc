"""Groups that cut across departments: places, years of service, languages (``docs/anonymity.md``, Theorem 5).

Cells of ``k`` people would leave none of them in most companies. But a weighted sum of groups is worth to a person what their
department's cell is worth, and their place, and their years of service, added up. If it is zero on all but fewer than ``k``
people, two places are worth the same as soon as ``k`` separate pairs of people differ in nothing but the place: at least one pair
has zero on both sides.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .disclosure import Union, few_between

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
ABSENT = -1
MOST_PLACES = 600  # combinations of crossing groups for which exchanges are looked for


def merged(fixed: Ints, labels: Sequence[Ints], k: int) -> list[Ints]:
    """For each labeling of people its classes of values that must be worth the same (``ABSENT`` stays what it is).

    ``fixed`` numbers what people must share beside the other labelings. Values that are worth the same count as one for the other
    labelings, so it is repeated until nothing changes.
    """
    found = [label.copy() for label in labels]
    changed = True
    while changed:
        changed = False
        for place, label in enumerate(found):
            alike = numbered([fixed, *(other for at, other in enumerate(found) if at != place)])
            joined = _joined(alike, label, k)
            if joined is not None:
                found[place] = joined
                changed = True
    return found


def numbered(rows: Sequence[Ints]) -> Ints:
    """One number for each person, the same for people who have the same in every row."""
    numbers = np.zeros(len(rows[0]), dtype=np.int64)
    for row in rows:
        numbers = np.unique(numbers * (int(row.max(initial=0)) + 2) + row + 1, return_inverse=True)[1].reshape(-1)
    return numbers


def _joined(alike: Ints, values: Ints, k: int) -> Ints | None:
    """The classes after joining values that ``k`` pairs of people alike connect; ``None`` where nothing is joined.

    Within people who are alike each value is compared with the one most of them have.
    """
    here = values != ABSENT
    width = int(values.max(initial=0)) + 1
    cells, counts = np.unique(alike[here] * width + values[here], return_counts=True)
    group, value = cells // width, cells % width
    order = np.lexsort((value, -counts, group))
    group, value, counts = group[order], value[order], counts[order]
    first = np.r_[True, group[1:] != group[:-1]] if len(group) else np.empty(0, dtype=bool)
    most = value[np.maximum.accumulate(np.where(first, np.arange(len(value)), 0))] if len(value) else value
    pairs = np.sort(np.stack([most[~first], value[~first]]), axis=0)
    edges, which = np.unique(pairs, axis=1, return_inverse=True)
    weights = np.bincount(which.reshape(-1), weights=counts[~first], minlength=edges.shape[1])
    strong = edges[:, weights >= k]
    if not strong.size:
        return None
    union = Union(width)
    for one, other in strong.T.tolist():
        union.join(one, other)
    return np.where(here, union.roots()[values], ABSENT)


def are_safe(cells: Ints, labels: Sequence[Ints], k: int, *, room: int = 1) -> bool:
    """Whether groups that cut across may stand beside the cells of one wave; of people all of whom are in each labeling.

    Where all but one labeling are worth the same to everybody, what is left is a sum of two values, which the least cut decides.
    ``room`` asks for so many times the pairs: the next wave is judged by those who are in both.
    """
    left = [label for label in merged(cells, labels, room * k) if len(label) and (label != label[0]).any()]
    if len(left) > 1:
        return False
    return not left or not few_between(cells, left[0], int(cells.max()) + 1, k).any()


def are_safe_between(cells: Sequence[Ints], labels: Sequence[Ints], k: int) -> bool:
    """Whether nothing but cells is left to look at: of several waves at once, every labeling is worth the same to all in it."""
    found = merged(numbered(cells), labels, k)
    return all(len(np.unique(label[label != ABSENT])) <= 1 for label in found)


def can_exchange(cells: Ints, places: Ints, answers: Ints) -> bool:
    """Whether each person could have given another answer, although all sums over cells and over places stay as they are.

    Two people of one place can exchange their answers if two others of another place, of the same two cells, exchange theirs
    back; or longer such cycles. ``answers`` are numbers of classes.
    """
    places = np.unique(places, return_inverse=True)[1].reshape(-1)
    width, height = int(places.max(initial=0)) + 1, int(cells.max(initial=0)) + 1
    if width > MOST_PLACES:
        return False
    has = {}
    for answer in np.unique(answers).tolist():
        has[answer] = np.zeros((width, height), dtype=bool)
        has[answer][places[answers == answer], cells[answers == answer]] = True
    found = np.zeros(len(answers), dtype=bool)
    for answer, mine in has.items():
        who = answers == answer
        for other, theirs in has.items():
            if other != answer:
                steps = _reachable(_product(theirs, mine.T))
                found |= who & _product(steps, theirs)[places, cells]
    return bool(found.all())


def _product(one: Flags, other: Flags) -> Flags:
    return np.asarray(one.astype(np.float32) @ other.astype(np.float32) > 0)


def _reachable(steps: Flags) -> Flags:
    """In any number of steps, none included."""
    found = steps | np.eye(len(steps), dtype=bool)
    while True:
        further = _product(found, found)
        if (further == found).all():
            return found
        found = further

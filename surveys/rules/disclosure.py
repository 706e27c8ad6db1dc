"""Which groups of a wave may be shown beside each other (``docs/anonymity.md``, Theorems 1 to 3).

Each figure of a group is a sum over its people, so adding and subtracting figures gives a weighted sum over people for every
vector of the row space of the shown groups. The rule is about supports: no such vector other than zero may have non-zero weights
on fewer than ``k`` people.

* People whom no shown group tells apart form a **cell**. All vectors are constant on cells, so it suffices that each cell has
  ``k`` people (Theorem 1).
* Of two waves, or of a wave and what was shown while it was open, each vector is a difference of two values: one for the cell a
  person was in then and one for the cell now. It is zero on exactly those people whose two cells have one value, so the fewest
  people a vector can touch is the least cut of the graph with cells as nodes and people as edges (Theorem 2, ``few_between``).

Within these two rules as many departments as possible are shown (``most_of_a_tree``), then groups of the other dimensions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Reals = NDArray[np.float64]
EVERYBODY = 0  # the root of each tree
LARGEST_CUT = 300  # nodes a cut is looked for among; more that cannot be contracted are taken for unsafe
MOST_EXCHANGED = 4  # rounds in which groups are hidden for one that is worth more
WORK = 15_000_000  # people looked at while groups are tried one at a time


@dataclass(frozen=True, slots=True)
class Tree:
    """The groups of one dimension. Node 0 is everybody, and its own parent. ``of`` has for each person the smallest group they
    are in.
    """

    parents: Ints
    of: Ints

    def __len__(self) -> int:
        return len(self.parents)

    def labels(self, shown: Flags) -> Ints:
        """For each node the smallest shown node it lies in."""
        found = np.where(shown, np.arange(len(self.parents)), self.parents)
        while (found != found[found]).any():
            found = found[found]
        return np.asarray(found)

    def sizes(self, weights: Ints | None = None) -> Ints:
        """People in each node, those in nodes below it included; ``weights`` counts people otherwise than once."""
        found = np.bincount(self.of, weights=weights, minlength=len(self.parents)).astype(np.int64)
        for node in self.from_below():
            found[self.parents[node]] += found[node]
        return found

    def from_below(self) -> list[int]:
        """Every node but everybody, each before its parent."""
        depth, at = np.zeros(len(self.parents), dtype=np.int64), np.arange(len(self.parents))
        while at.any():
            depth += at != EVERYBODY
            at = self.parents[at]
        return [int(node) for node in np.argsort(-depth, kind="stable") if node != EVERYBODY]


@dataclass(frozen=True, slots=True)
class Cells:
    """People whom no shown group tells apart. ``of`` numbers them by person; ``labels`` has a row for each cell and a column for
    each dimension: the smallest shown group the cell lies in.
    """

    of: Ints
    labels: Ints

    def __len__(self) -> int:
        return len(self.labels)


def cells(trees: Sequence[Tree], shown: Sequence[Flags]) -> Cells:
    """The partition that the shown groups of all dimensions make together."""
    columns = [tree.labels(flags)[tree.of] for tree, flags in zip(trees, shown, strict=True)]
    code = np.zeros(len(trees[0].of), dtype=np.int64)
    for tree, column in zip(trees, columns, strict=True):
        code = np.unique(code * len(tree) + column, return_inverse=True)[1].reshape(-1)
    _values, first = np.unique(code, return_index=True)
    return Cells(code, np.stack([column[first] for column in columns], axis=1))


Judge = Callable[[Sequence[Flags]], Ints]  # of what is shown: the labels of the cells that may not be, a row for each


def bad_sizes(found: Cells, took_part: Flags, k: int) -> Ints:
    """Each cell needs ``k`` people who answered; one in which nobody did ``k`` who were asked, or it tells that of fewer."""
    answered = np.bincount(found.of[took_part], minlength=len(found))
    asked = np.bincount(found.of, minlength=len(found))
    bad = ((answered > 0) & (answered < k)) | ((answered == 0) & (asked < k))
    return np.asarray(found.labels[bad])


def bad_between(found: Cells, took_part: Flags, then: Ints, k: int) -> Ints:
    """Beside what is known from elsewhere of the same people: ``then`` is the cell they were in there, negative for none. After
    those of ``found`` it may have people who are not in it.
    """
    now = np.full(len(then), -1, dtype=np.int64)
    now[: len(found.of)] = np.where(took_part, found.of, -1)
    return np.asarray(found.labels[few_between(now, then, len(found), k)])


def first_bad(judges: Sequence[Judge]) -> Judge:
    """Judged in turn; later ones are asked only about what earlier ones allow, as they cost more."""

    def judge(shown: Sequence[Flags]) -> Ints:
        bad = np.empty((0, len(shown)), dtype=np.int64)
        for one in judges:
            bad = one(shown)
            if len(bad):
                break
        return bad

    return judge


def few_between(now: Ints, then: Ints, count: int, k: int) -> Flags:
    """The cells of now (``count`` of them) that are on a side of a cut of fewer than ``k`` people (Theorem 2).

    ``now`` and ``then`` are cells by person; negative: not there, which is worth nothing, so it is one node for both. Exact where
    at most ``LARGEST_CUT`` nodes are left after contraction; beyond that what is left is taken for unsafe.
    """
    there = (now >= 0) | (then >= 0)
    width = int(then.max(initial=-1)) + 2
    pairs, people = np.unique((now[there] + 1) * width + then[there] + 1, return_counts=True)
    left, right = pairs // width, pairs % width
    # Nodes: 0 is nowhere; then the cells of now; then those of then.
    ends = np.stack([left, np.where(right > 0, right + count, 0)])
    union = Union(count + width)
    while True:
        roots = union.roots()[ends]
        roots.sort(axis=0)
        apart = roots[0] != roots[1]
        if not apart.any():
            return np.zeros(count, dtype=bool)
        edges, which = np.unique(roots[:, apart], axis=1, return_inverse=True)
        weights = np.bincount(which.reshape(-1), weights=people[apart]).astype(np.int64)
        heavy = edges[:, weights >= k]
        if heavy.size:
            for one, other in heavy.T.tolist():
                union.join(one, other)
            continue
        light = _light_side(edges, weights, k)
        if light is None:
            return np.zeros(count, dtype=bool)
        inside = np.isin(union.roots()[1 : count + 1], light)
        # A side without cells of now is the other side as well.
        return inside if inside.any() else np.isin(union.roots()[1 : count + 1], edges) & ~inside


def _light_side(edges: Ints, weights: Ints, k: int) -> Ints | None:
    """The nodes of the side without nowhere of some cut lighter than ``k``; ``None`` where no part has one."""
    for part in _parts(edges):
        place = {node: number for number, node in enumerate(part.tolist())}
        if len(part) > LARGEST_CUT:
            return np.asarray(part[part != 0])
        matrix = np.zeros((len(part), len(part)), dtype=np.int64)
        for (one, other), weight in zip(edges.T.tolist(), weights.tolist(), strict=True):
            if one in place:
                matrix[place[one], place[other]] = matrix[place[other], place[one]] = weight
        lone = np.flatnonzero(matrix.sum(axis=1) < k)  # most light cuts are of single nodes
        lone = lone[part[lone] != 0]
        if lone.size:
            return np.asarray(part[lone])
        side = _least_cut(matrix, k)
        if side is not None:
            return np.asarray(part[side] if 0 not in part[side] else part[~side])
    return None


def _parts(edges: Ints) -> list[Ints]:
    """The connected parts, as nodes."""
    union = Union(int(edges.max()) + 1)
    for one, other in edges.T.tolist():
        union.join(one, other)
    nodes = np.unique(edges)
    roots = union.roots()[nodes]
    return [nodes[roots == root] for root in np.unique(roots)]


def _least_cut(matrix: Ints, k: int) -> Flags | None:
    """One side of a cut lighter than ``k`` of a connected graph (Stoer and Wagner 1997); ``None`` where there is none."""
    matrix = matrix.copy()
    inside = np.eye(len(matrix), dtype=bool)
    alive = list(range(len(matrix)))
    while len(alive) > 1:
        reach = matrix[alive[0]].copy()
        order = [alive[0]]
        waiting = set(alive[1:])
        while waiting:
            nearest = max(waiting, key=lambda node: int(reach[node]))
            waiting.remove(nearest)
            order.append(nearest)
            weight = int(reach[nearest])
            reach += matrix[nearest]
        last, before = order[-1], order[-2]
        if weight < k:
            return np.asarray(inside[last])
        inside[before] |= inside[last]
        matrix[before] += matrix[last]
        matrix[:, before] += matrix[:, last]
        matrix[before, before] = 0
        matrix[last] = matrix[:, last] = 0
        alive.remove(last)
    return None


class Union:
    """Numbers joined to classes; the lowest stands for its class."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def root(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self.parent[high] = low  # nowhere, which is 0, stays the root of what it is joined with

    def roots(self) -> Ints:
        return np.array([self.root(node) for node in range(len(self.parent))], dtype=np.int64)


def most_of_a_tree(tree: Tree, took_part: Flags, worth: Reals, k: int) -> Flags:
    """The nodes to show so that each cell has ``k`` people (``judge_sizes``) and their worth together is the greatest.

    For each node the best that can be had below it, by how many people are left over for the cell above: up to ``k``, as more
    makes no difference. Exact, in time linear in nodes (quadratic in ``k``).
    """
    size = 2 * k + 1  # 0..k: nobody answered, so many asked; k + r: r answered
    answered, asked = (np.bincount(tree.of[who], minlength=len(tree)) for who in (took_part, np.ones_like(took_part)))
    reach = tree.sizes(took_part.astype(np.int64))
    added = np.array([[_added(one, other, k) for other in range(size)] for one in range(size)])
    closed = [0, k, 2 * k]  # a cell may be: nobody at all, k asked of whom none answered, k who answered
    children: list[list[int]] = [[] for _node in range(len(tree))]
    for node in range(1, len(tree)):
        children[tree.parents[node]].append(node)
    best: list[Reals] = [np.empty(0)] * len(tree)
    steps: list[list[tuple[int, Reals]]] = [[] for _node in range(len(tree))]
    shut: list[tuple[int, float]] = [(-1, -np.inf)] * len(tree)  # the state it is shown in, and what that is worth
    for node in [*tree.from_below(), EVERYBODY]:
        mine = np.full(size, -np.inf)
        mine[min(int(answered[node]), k) + k if answered[node] else min(int(asked[node]), k)] = 0.0
        for child in children[node]:
            offer = best[child].copy()
            offer[0] = max(offer[0], shut[child][1])
            total = mine[:, None] + offer[None, :]
            flat = np.full(size, -np.inf)
            np.maximum.at(flat, added.ravel(), total.ravel())
            steps[node].append((child, mine))
            mine = flat
        best[node] = mine
        state = max(closed, key=lambda at: mine[at])
        if node == EVERYBODY or reach[node] >= k:
            shut[node] = (state, mine[state] + (worth[node] if node else 0.0))
    shown: Flags = np.zeros(len(tree), dtype=bool)
    shown[EVERYBODY] = True
    waiting = [(EVERYBODY, shut[EVERYBODY][0])]
    while waiting:
        node, state = waiting.pop()
        for child, mine in reversed(steps[node]):
            offer = best[child].copy()
            is_shut = shut[child][1] >= offer[0]
            offer[0] = max(offer[0], shut[child][1])
            total = np.where(added == state, mine[:, None] + offer[None, :], -np.inf)
            one, other = divmod(int(total.argmax()), size)
            if other == 0 and is_shut:
                shown[child] = True
                waiting.append((child, shut[child][0]))
            else:
                waiting.append((child, other))
            state = one
    return shown


def _added(one: int, other: int, k: int) -> int:
    if one > k or other > k:
        return min(max(one - k, 0) + max(other - k, 0), k) + k
    return min(one + other, k)


def choose(
    trees: Sequence[Tree],
    shown: Sequence[Flags],
    wanted: Sequence[tuple[int, int]],
    judge: Judge,
    *,
    worth: Mapping[tuple[int, int], float] | None = None,
    work: int = WORK,
) -> list[Flags] | None:
    """As many of the ``wanted`` groups as the judge allows, beside what else is shown: what makes a bad cell is hidden, then
    every other is tried by itself, and last in exchange for less (where it is said what groups are ``worth``).

    ``wanted`` are (dimension, node), those first that matter most: of two that clash the later is hidden. ``None``: not allowed
    even without any of them. Deterministic. No more than about ``work`` people are looked at while trying.
    """
    kept = [flags.copy() for flags in shown]
    rank = {item: number for number, item in enumerate(wanted)}
    while True:
        bad = judge(kept)
        if not len(bad):
            break
        gone = _hidden_for(bad, kept, trees, rank)
        if not gone:
            return None
        for dimension, node in gone:
            kept[dimension][node] = False
    left = work // max(len(trees[0].of) * len(trees), 1)
    for _turn in range(2 if worth else 1):
        for dimension, node in wanted:
            if left <= 0:
                return kept
            if not kept[dimension][node]:
                left -= 1
                kept[dimension][node] = True
                kept[dimension][node] = not len(judge(kept))
        for item in wanted if worth and not _turn else ():
            if left <= 0:
                return kept
            if not kept[item[0]][item[1]]:
                kept, tried = _exchanged(item, kept, trees, rank, judge, worth or {})
                left -= tried
    return kept


def _exchanged(
    item: tuple[int, int],
    shown: list[Flags],
    trees: Sequence[Tree],
    rank: Mapping[tuple[int, int], int],
    judge: Judge,
    worth: Mapping[tuple[int, int], float],
) -> tuple[list[Flags], int]:
    """What is shown with ``item`` instead of groups of its dimension that are worth less; as it was where there are none. And how
    often the judge was asked.
    """
    dimension, node = item
    kept = [flags.copy() for flags in shown]
    kept[dimension][node] = True
    left, parents = worth[item], trees[dimension].parents
    for tried in range(1, MOST_EXCHANGED + 1):
        bad = judge(kept)
        if not len(bad):
            return kept, tried
        labels = trees[dimension].labels(kept[dimension])
        for cell in np.unique(bad[:, dimension]).tolist():
            below = np.flatnonzero(kept[dimension] & (labels[parents] == cell)).tolist()
            could = [(dimension, other) for other in [cell, *below] if other not in (EVERYBODY, node)]
            could = [other for other in could if other in rank and kept[dimension][other[1]]]
            if not could:
                return shown, tried
            least = min(could, key=lambda other: (worth[other], -rank[other]))
            kept[dimension][least[1]] = False
            left -= worth[least]
        if left <= 0:
            return shown, tried
    return shown, MOST_EXCHANGED


def _hidden_for(
    labels: Ints, shown: Sequence[Flags], trees: Sequence[Tree], rank: Mapping[tuple[int, int], int]
) -> set[tuple[int, int]]:
    """Of each bad cell the group to hide: of those it lies in the one wanted least. Where none of these may be hidden, of those
    beside it.
    """
    gone: set[tuple[int, int]] = set()
    for row in labels.tolist():
        inside = [item for item in enumerate(row) if item in rank]
        if inside:
            gone.add(max(inside, key=lambda item: rank[item]))
    if gone:
        return gone
    beside: set[tuple[int, int]] = set()
    for dimension, flags in enumerate(shown):
        above = trees[dimension].labels(flags)[trees[dimension].parents]
        for node in np.flatnonzero(flags & np.isin(above, labels[:, dimension])).tolist():
            beside |= {(dimension, node)} & rank.keys()
    return {max(beside, key=lambda item: rank[item])} if beside else set()

"""What of a wave may be shown, decided once when it closes (``docs/anonymity.md``, Publishing).

Figures are histograms: how often a question was answered so, by everybody or by a group of one dimension. Which groups may be
shown is decided for the whole wave by what could be worked out from all of them (``disclosure``); then for each question by how
many answered it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .disclosure import safe_groups, safe_tree
from .scores import correlation
from .visibility import reaches

EVERYBODY = ""
ANSWERED = "*"  # stands for having answered at all, beside the answers themselves
DEPARTMENT = "department"
MOST_FOR_ALL_DIMENSIONS = 5_000
DIMENSIONS = (DEPARTMENT, "manager", "location", "tenure", "language")
Histogram = Mapping[str, int]
# question → dimension → group → histogram; everybody is the dimension and group "".
Tallies = Mapping[str, Mapping[str, Mapping[str, Histogram]]]


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the company in one dimension."""

    dimension: str
    key: str

    @property
    def name(self) -> str:
        return f"{self.dimension}:{self.key}"


def groups_of(respondents: Sequence[Mapping[str, Any]]) -> dict[Group, frozenset[int]]:
    """Who (by number) is in which group. A department is given as its path: whoever is in it is in all above it."""
    found: dict[Group, set[int]] = {}
    for number, mine in enumerate(respondents):
        for dimension, value in mine.items():
            for key in value if isinstance(value, list) else [value]:
                if key:
                    found.setdefault(Group(dimension, str(key)), set()).add(number)
    return {group: frozenset(members) for group, members in found.items()}


def publish(
    tallies: Tallies, respondents: Sequence[Mapping[str, Any]], *, k: int, seed: int = 0, is_checked: bool = True
) -> dict[str, Any]:
    """The results that may be shown: ``{"answered", "shown": {dimension: [group]}, "figures": {question: {dimension: {group:
    histogram}}}}``. Fewer than ``k`` respondents: nothing but that.

    ``is_checked=False`` leaves out R3 and R4: for the test that shows what they are for, and for nothing else.
    """
    results: dict[str, Any] = {"answered": len(respondents), "k": k, "shown": {}, "figures": {}}
    if not reaches(len(respondents), k):
        return results | {"answered": None}
    members = groups_of(respondents)
    by_name = {group.name: group for group in members}
    sets = {EVERYBODY: frozenset(range(len(respondents))), **{group.name: people for group, people in members.items()}}
    if is_checked:
        names = _safe(sets, members, k, seed)
    else:
        names = [name for name, people in sets.items() if len(people) >= k]
    shown = [by_name[name] for name in names if name in by_name]
    for question, divided in tallies.items():
        whole = divided.get(EVERYBODY, {}).get(EVERYBODY, {})
        if not reaches(whole.get(ANSWERED, 0), k):
            continue
        counts = {group: divided.get(group.dimension, {}).get(group.key, {}).get(ANSWERED, 0) for group in shown}
        allowed = [group for group in shown if reaches(counts[group], k)]
        if is_checked:
            allowed = _for_question(allowed, counts, whole.get(ANSWERED, 0), members, k)
        figures: dict[str, Any] = {EVERYBODY: {EVERYBODY: dict(whole)}}
        for group in allowed:
            figures.setdefault(group.dimension, {})[group.key] = dict(divided[group.dimension][group.key])
        results["figures"][question] = figures
    for group in shown:
        results["shown"].setdefault(group.dimension, []).append(group.key)
    return results


def drivers(answers: Sequence[Mapping[str, Any]], scored: str, asked: Sequence[str]) -> dict[str, float]:
    """How far each question goes with the score: Pearson's r over those who answered both, from 50 on; of everybody only."""
    found = {}
    for key in asked:
        pairs = [(float(values[key]), float(values[scored])) for values in answers if key in values and scored in values]
        r = correlation(pairs)
        if r is not None:
            found[key] = round(r, 4)
    return found


def _safe(sets: Mapping[str, frozenset[int]], members: Mapping[Group, frozenset[int]], k: int, seed: int) -> list[str]:
    """Beyond so many people only departments are shown: they lie inside one another, which is judged exactly and at once."""
    if len(sets[EVERYBODY]) <= MOST_FOR_ALL_DIMENSIONS:
        return safe_groups(sets, k, first=[EVERYBODY, *_in_order(members)], seed=seed)
    tree = {
        EVERYBODY: sets[EVERYBODY],
        **{group.name: people for group, people in members.items() if group.dimension == DEPARTMENT},
    }
    return safe_tree(tree, k)


def _in_order(members: Mapping[Group, frozenset[int]]) -> list[str]:
    """Departments are wanted most, from the largest; then the other dimensions in their order."""
    rank = {dimension: number for number, dimension in enumerate(DIMENSIONS)}
    ordered = sorted(members, key=lambda g: (rank.get(g.dimension, len(rank)), -len(members[g]), g.key))
    return [group.name for group in ordered]


def _for_question(
    allowed: list[Group], counts: Mapping[Group, int], whole: int, members: Mapping[Group, frozenset[int]], k: int
) -> list[Group]:
    """Not everybody answers every question: what lies between two groups, or is left of a whole, is nobody or k who did."""
    left = sorted(allowed, key=lambda group: -counts[group])
    while True:
        bad = _first_bad(left, counts, whole, members, k)
        if bad is None:
            return left
        left.remove(bad)


def _first_bad(
    left: Sequence[Group], counts: Mapping[Group, int], whole: int, members: Mapping[Group, frozenset[int]], k: int
) -> Group | None:
    outers: list[tuple[frozenset[int] | None, int]] = [(None, whole), *((members[group], counts[group]) for group in left)]
    for people, answered in outers:
        inside = [group for group in left if people is None or (members[group] < people)]
        for group in inside:
            between = answered - counts[group]
            if 0 < between < k:
                return group
        for dimension in {group.dimension for group in inside}:
            parts = _disjoint([group for group in inside if group.dimension == dimension], members)
            rest = answered - sum(counts[group] for group in parts)
            if 0 < rest < k:
                return min(parts, key=lambda group: counts[group])
    return None


def _disjoint(groups: Sequence[Group], members: Mapping[Group, frozenset[int]]) -> list[Group]:
    """The outermost of groups that may lie inside one another."""
    return [group for group in groups if not any(members[group] < members[other] for other in groups)]

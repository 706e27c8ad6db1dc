"""What of a wave may be shown, decided once when it closes (``docs/anonymity.md``, Publishing).

Figures are histograms: how often a question was answered so, by everybody or by a group of one dimension. Which groups may be
shown is decided for the whole wave by what could be worked out from all of them (``disclosure``), about those who answered and
about those who were asked; then for each question about those who answered it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .disclosure import safe_groups
from .scores import correlation
from .visibility import reaches

EVERYBODY = ""
ANSWERED = "*"  # stands for having answered at all, beside the answers themselves
DEPARTMENT = "department"
OTHER = "*other"  # a group made of those that are not shown; of departments those inside the one named behind the slash
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
    tallies: Tallies,
    respondents: Sequence[Mapping[str, Any]],
    *,
    k: int,
    invited: Sequence[Mapping[str, Any]] = (),
    answerers: Mapping[str, Collection[int]] | None = None,
    steps: Mapping[str, Sequence[Collection[int]]] | None = None,
    is_checked: bool = True,
) -> dict[str, Any]:
    """The results that may be shown: ``{"answered", "shown": {dimension: [group]}, "figures": {question: {dimension: {group:
    histogram}}}, "others": {dimension: {group: [group]}}}``. Fewer than ``k`` respondents: nothing but that. ``others`` (R7) says
    of which groups one is made whose key begins with ``OTHER``.

    ``invited`` are the groups of everybody who was asked (empty: all answered): what is shown tells of no fewer than ``k`` of
    these either, or it would say that none of a few took part. ``answerers`` are the numbers of the respondents who answered a
    question (absent: all of them). ``steps`` are, by question, those whose figure was shown while the wave was open (R6): what is
    shown now is safe beside all of them. ``is_checked=False`` leaves out R3, R4 and R7: for the test that shows what they are
    for, and for nothing else.
    """
    results: dict[str, Any] = {"answered": len(respondents), "k": k, "shown": {}, "figures": {}, "others": {}}
    if not reaches(len(respondents), k):
        return results | {"answered": None}
    members = groups_of(respondents)
    by_name = {group.name: group for group in members}
    safe = _safe if is_checked else _large_enough
    sets = _named(members, range(len(respondents)))
    names = safe(sets, _in_order(members), k)
    if invited:
        asked = _named(groups_of(invited), range(len(invited)))
        names = safe({name: asked[name] for name in names}, names, k)
    else:
        asked = sets
    made_of: dict[str, list[Group]] = {}
    if is_checked:
        for other, parts in _others(invited or respondents, set(names)).items():
            wider = [*names, other.name]
            sets[other.name] = _together(parts, sets)
            asked[other.name] = _together(parts, asked)
            # Judged like any group, and never at the cost of one that has a name.
            if all(set(safe({name: one[name] for name in wider}, wider, k)) == set(wider) for one in (sets, asked)):
                names, by_name[other.name], made_of[other.name] = wider, other, parts
                results["others"].setdefault(other.dimension, {})[other.key] = sorted(part.key for part in parts)
    shown = [by_name[name] for name in names if name in by_name]
    for question, divided in tallies.items():
        said = frozenset(range(len(respondents)) if answerers is None else answerers.get(question, range(len(respondents))))
        if not reaches(len(said), k):
            continue
        before = {f"{OTHER}:step {n}": frozenset(step) for n, step in enumerate((steps or {}).get(question, ()))}
        if before or len(said) < len(respondents):
            known = before | {name: sets[name] & said for name in names}
            allowed = [name for name in safe(known, [*before, *names], k) if name not in before]
        else:
            allowed = names
        figures: dict[str, Any] = {}
        for name in allowed:
            dimension, key = (by_name[name].dimension, by_name[name].key) if name else (EVERYBODY, EVERYBODY)
            summed = [divided[part.dimension].get(part.key, {}) for part in made_of.get(name, ())]
            figures.setdefault(dimension, {})[key] = _sum(summed) if summed else dict(divided[dimension][key])
        results["figures"][question] = figures
    for group in shown:
        results["shown"].setdefault(group.dimension, []).append(group.key)
    return results


def _others(people: Sequence[Mapping[str, Any]], shown: Collection[str]) -> dict[Group, list[Group]]:
    """R7: the groups that are not shown, as one: of each dimension; of departments those right below one that is shown, or at the
    top. All of them, so that being among them tells of none how many answered. Somebody is in at most one of its parts.
    """
    found: dict[Group, dict[Group, None]] = {}
    for mine in people:
        for dimension, value in mine.items():
            above = ""
            for key in value if isinstance(value, list) else [value]:
                group = Group(dimension, str(key))
                if key and group.name not in shown:
                    other = Group(dimension, f"{OTHER}/{above}" if above else OTHER)
                    found.setdefault(other, {})[group] = None
                    break
                above = str(key)
    return {other: list(parts) for other, parts in found.items()}


def _together(parts: Sequence[Group], sets: Mapping[str, frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*(sets.get(part.name, frozenset()) for part in parts))


def _sum(histograms: Sequence[Histogram]) -> dict[str, int]:
    added: Counter[str] = Counter()
    for histogram in histograms:
        added.update(histogram)
    return dict(added)


def drivers(answers: Sequence[Mapping[str, Any]], scored: str, asked: Sequence[str]) -> dict[str, float]:
    """How far each question goes with the score: Pearson's r over those who answered both, from 50 on; of everybody only.

    Two digits: more would say what the products of their answers add up to.
    """
    found = {}
    for key in asked:
        pairs = [(float(values[key]), float(values[scored])) for values in answers if key in values and scored in values]
        r = correlation(pairs)
        if r is not None:
            found[key] = round(r, 2)
    return found


def _named(members: Mapping[Group, frozenset[int]], everybody: Collection[int]) -> dict[str, frozenset[int]]:
    return {EVERYBODY: frozenset(everybody), **{group.name: people for group, people in members.items()}}


def _large_enough(sets: Mapping[str, frozenset[int]], order: Sequence[str], k: int) -> list[str]:
    """The floor alone."""
    return [name for name in (EVERYBODY, *(name for name in order if name)) if reaches(len(sets[name]), k)]


def _safe(sets: Mapping[str, frozenset[int]], order: Sequence[str], k: int) -> list[str]:
    return safe_groups(sets, k, first=[EVERYBODY, *order])


def _in_order(members: Mapping[Group, frozenset[int]]) -> list[str]:
    """Departments are wanted most, from the largest; then the other dimensions in their order. Of two alike the one whose key
    comes first is hidden first.
    """
    rank = {dimension: number for number, dimension in enumerate(DIMENSIONS)}
    ordered = sorted(members, key=lambda g: g.key, reverse=True)
    ordered.sort(key=lambda g: (rank.get(g.dimension, len(rank)), -len(members[g])))
    return [group.name for group in ordered]

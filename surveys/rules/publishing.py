"""What of a wave may be shown, decided once when it closes (``docs/anonymity.md``, Publishing).

Figures are histograms: how often a question was answered so, by everybody or by a group of one dimension. Which groups may be
shown is decided for the whole wave by what could be worked out from all of them (``disclosure``), about those who answered and
about those who were asked; then for each question about those who answered it.
"""

from collections.abc import Collection, Mapping, Sequence
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
    tallies: Tallies,
    respondents: Sequence[Mapping[str, Any]],
    *,
    k: int,
    seed: int = 0,
    invited: Sequence[Mapping[str, Any]] = (),
    answerers: Mapping[str, Collection[int]] | None = None,
    is_checked: bool = True,
) -> dict[str, Any]:
    """The results that may be shown: ``{"answered", "shown": {dimension: [group]}, "figures": {question: {dimension: {group:
    histogram}}}}``. Fewer than ``k`` respondents: nothing but that.

    ``invited`` are the groups of everybody who was asked (empty: all answered): what is shown tells of no fewer than ``k`` of
    these either, or it would say that none of a few took part. ``answerers`` are the numbers of the respondents who answered a
    question (absent: all of them). ``is_checked=False`` leaves out R3 and R4: for the test that shows what they are for, and for
    nothing else.
    """
    results: dict[str, Any] = {"answered": len(respondents), "k": k, "shown": {}, "figures": {}}
    if not reaches(len(respondents), k):
        return results | {"answered": None}
    members = groups_of(respondents)
    by_name = {group.name: group for group in members}
    safe = _safe if is_checked else _large_enough
    sets = _named(members, range(len(respondents)))
    names = safe(sets, _in_order(members), k, seed)
    if invited:
        asked = _named(groups_of(invited), range(len(invited)))
        names = safe({name: asked[name] for name in names}, names, k, seed)
    shown = [by_name[name] for name in names if name in by_name]
    for question, divided in tallies.items():
        said = frozenset(range(len(respondents)) if answerers is None else answerers.get(question, range(len(respondents))))
        if not reaches(len(said), k):
            continue
        allowed = names if len(said) == len(respondents) else safe({name: sets[name] & said for name in names}, names, k, seed)
        figures: dict[str, Any] = {}
        for name in allowed:
            dimension, key = (by_name[name].dimension, by_name[name].key) if name else (EVERYBODY, EVERYBODY)
            figures.setdefault(dimension, {})[key] = dict(divided[dimension][key])
        results["figures"][question] = figures
    for group in shown:
        results["shown"].setdefault(group.dimension, []).append(group.key)
    return results


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


def _large_enough(sets: Mapping[str, frozenset[int]], order: Sequence[str], k: int, seed: int) -> list[str]:
    """The floor alone."""
    return [name for name in (EVERYBODY, *(name for name in order if name)) if reaches(len(sets[name]), k)]


def _safe(sets: Mapping[str, frozenset[int]], order: Sequence[str], k: int, seed: int) -> list[str]:
    """Beyond so many people only departments are shown: they lie inside one another, which is judged exactly and at once."""
    if len(sets[EVERYBODY]) <= MOST_FOR_ALL_DIMENSIONS:
        return safe_groups(sets, k, first=[EVERYBODY, *order], seed=seed)
    return safe_tree({name: people for name, people in sets.items() if not name or name.startswith(f"{DEPARTMENT}:")}, k)


def _in_order(members: Mapping[Group, frozenset[int]]) -> list[str]:
    """Departments are wanted most, from the largest; then the other dimensions in their order."""
    rank = {dimension: number for number, dimension in enumerate(DIMENSIONS)}
    ordered = sorted(members, key=lambda g: (rank.get(g.dimension, len(rank)), -len(members[g]), g.key))
    return [group.name for group in ordered]

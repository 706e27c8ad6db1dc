"""What of a wave may be shown, decided once when it closes (``docs/anonymity.md``, Publishing).

Which groups may be shown is decided for the whole wave by who could be told apart (``disclosure``): among those who answered and
those who were asked, beside what was shown while the wave was open and in earlier waves. Then each question is shown for as many
of them, and in as much detail, as leaves no cell of people alike (``uniformity``).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crossing import ABSENT, are_safe, are_safe_between, can_exchange, numbered
from .disclosure import EVERYBODY as ROOT
from .disclosure import Cells, Judge, Tree, bad_between, bad_sizes, cells, choose, first_bad, most_of_a_tree
from .questions import Kind
from .scores import correlation
from .uniformity import SCORED, Form, bad_for, class_of, names_of_classes, scale_of
from .visibility import reaches

EVERYBODY = ""
ANSWERED = "*"  # stands for having answered at all, beside the answers themselves
SUM = "sum"  # the answers added up: of a net score 1 for each promoter and −1 for each detractor
DEPARTMENT = "department"
OTHER = "*other"  # a group made of those that are not shown; of departments those inside the one named behind the slash
DIMENSIONS = (DEPARTMENT, "manager", "location", "tenure", "language")
CROSSING = frozenset({"location", "tenure", "language"})  # dimensions that cut across departments
Groups = Mapping[str, Any]  # dimension → key; a department as its path, from the top
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
ROOM = 3  # times the pairs of people that groups which cut across need, so that the next wave has enough of them
QUESTION_WORK = 1_000_000  # people looked at while groups of one question are tried one at a time


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who was asked: a number that is theirs in every wave, and whether they answered."""

    person: int
    groups: Groups
    took_part: bool = True


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier wave: who was asked, and what was shown (``{dimension: [group]}``, and of which groups others were made)."""

    invited: Sequence[Invited]
    shown: Mapping[str, Sequence[str]]
    others: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    k: int = 0


def publish(
    ballots: Sequence[Mapping[str, Any]],
    questions: Sequence[Mapping[str, Any]],
    *,
    k: int,
    invited: Sequence[Invited] = (),
    earlier: Sequence[Earlier] = (),
    steps: Sequence[Collection[int]] = (),
    left_out: int = 0,
    hides_uniform: bool = True,
) -> dict[str, Any]:
    """The results that may be shown: ``{"answered", "k", "groups": {dimension: how many}, "shown": {dimension: [group]},
    "others": {dimension: {group: [group]}}, "figures": {question: {dimension: {group: figure}}}}``. Fewer than ``k`` ballots:
    only the first two.

    ``ballots`` are ``{"groups", "values"}``; who is ``invited`` may be left out where everybody answered. ``earlier`` waves
    count as known; so do ``steps``, the ballots (by number) whose score was shown while the wave was open, each with all before
    it. ``left_out`` is how many answered and are in no figure. A figure says how often each answer was given (``Form.WHOLE``, by
    JSON text), or what they add up to (``Form.SUM``) and how many fell into each of three classes (``Form.CLASSES``); ``*`` is
    how many answered. ``hides_uniform=False`` shows what everybody of a group has in common.
    """
    results: dict[str, Any] = {"answered": len(ballots), "k": k, "shown": {}, "figures": {}, "others": {}}
    if not reaches(len(ballots), k):
        return results | {"answered": None}
    asked = list(invited) or [Invited(number, ballot["groups"]) for number, ballot in enumerate(ballots)]
    company = _Company([one.groups for one in asked], [ballot["groups"] for ballot in ballots])
    took_part = np.array([one.took_part for one in asked], dtype=bool)
    results["groups"] = {name: len(keys) - 1 for name, keys in zip(company.names, company.keys, strict=True)}
    before = [_Before(asked, then) for then in earlier]
    judges: list[Judge] = [lambda shown: bad_sizes(company.cells(shown), took_part, k)]
    if steps:
        judges.append(_beside_steps(company, steps, k))
    judges += [_beside(company, took_part, then, max(k, then.k) + left_out) for then in before]
    judge = first_bad(judges)
    found = company.most(judge, took_part, k)
    if found is None:
        return results
    found = company.with_others(found, judge, k)
    shown = company.with_crossing(found, took_part, before, 0 if steps else k, left_out)
    if shown is None:
        return results
    for dimension, node in company.listed(shown):
        results["shown"].setdefault(company.names[dimension], []).append(company.keys[dimension][node])
    results["others"] = company.parts(shown)
    for question in questions:
        if question["kind"] != Kind.TEXT:
            results["figures"][question["key"]] = _figures(company, shown, ballots, question, k, hides_uniform)
    results["figures"] = {key: figures for key, figures in results["figures"].items() if figures}
    return results


class _Company:
    """The groups as trees, with those who were asked and those who answered in them.

    ``trees`` are of those who were asked, ``voted`` of the ballots: the same nodes, so what is shown of one is shown of both.
    """

    def __init__(self, asked: Sequence[Groups], ballots: Sequence[Groups]) -> None:
        present = {dimension for groups in asked for dimension, value in groups.items() if value}
        self.names = [name for name in DIMENSIONS if name in present] + sorted(present - set(DIMENSIONS))
        self.names = self.names or [DEPARTMENT]
        self.keys: list[list[str]] = []
        self.trees: list[Tree] = []
        self.voted: list[Tree] = []
        for name in self.names:
            keys, parents = _tree_of([path_of(groups, name) for groups in asked])
            place = {key: node for node, key in enumerate(keys)}
            for found, people in ((self.trees, asked), (self.voted, ballots)):
                of = [_deepest(path_of(groups, name), place) for groups in people]
                found.append(Tree(parents, np.array(of, dtype=np.int64)))
            self.keys.append(keys)

    def cells(self, shown: Sequence[Flags]) -> Cells:
        """Of those who were asked, by the groups that do not cut across."""
        return cells(self.trees, self.nested(shown))

    def members(self, dimension: int, node: int) -> Flags:
        """Which ballots are in a group; of a negative dimension all."""
        if dimension < 0:
            return np.ones(len(self.voted[0].of), dtype=bool)
        tree = self.voted[dimension]
        mine = np.arange(len(tree)) == node
        return np.asarray(mine[tree.labels(mine | (np.arange(len(tree)) == ROOT))][tree.of])

    def nothing(self) -> list[Flags]:
        return [np.arange(len(tree)) == ROOT for tree in self.trees]

    def most(self, judge: Judge, took_part: Flags, k: int) -> list[Flags] | None:
        """As many groups as may be shown: departments first, then those of each other dimension beside what is shown already."""
        shown = self.nothing()
        if len(judge(shown)):
            return None
        for dimension, tree in enumerate(self.trees):
            if self.names[dimension] in CROSSING:
                continue
            sizes = tree.sizes(took_part.astype(np.int64))
            by_key = sorted(range(1, len(tree)), key=lambda node: self.keys[dimension][node], reverse=True)
            order = sorted((node for node in by_key if sizes[node] >= k), key=lambda node: -sizes[node])
            worth = self._worth(dimension, sizes, k)
            wider = [*shown[:dimension], most_of_a_tree(tree, took_part, worth, k), *shown[dimension + 1 :]]
            values = {(dimension, node): float(worth[node]) for node in order}
            shown = choose(self.trees, wider, list(values), judge, worth=values) or shown
        return shown

    def _worth(self, dimension: int, sizes: Ints, k: int) -> NDArray[np.float64]:
        """The number of groups counts most, then their size; of two alike the one whose key comes first is hidden first."""
        by_key = sorted(range(1, len(sizes)), key=lambda node: self.keys[dimension][node], reverse=True)
        worth = 1.0 + (sizes >= 2 * k) + 1e-9 * sizes
        worth[by_key] -= 1e-12 * np.arange(len(by_key))
        return np.asarray(worth)

    def with_others(self, shown: list[Flags], judge: Judge, k: int) -> list[Flags]:
        """R7: the groups that are not shown, as one, wherever the judge allows it: of departments those right below one that is
        shown, or at the top. All of them, so that being among them tells of none how many answered.
        """
        for dimension in range(len(self.trees)):
            if self.names[dimension] in CROSSING:
                continue
            hidden = ~shown[dimension]
            parents = self.trees[dimension].parents
            for above in np.unique(parents[hidden & shown[dimension][parents]]).tolist():
                before = (self.trees, self.voted, self.keys)
                self._add_other(dimension, above, np.flatnonzero(hidden & (parents == above)))
                flags = [*shown[:dimension], np.append(shown[dimension], True), *shown[dimension + 1 :]]
                if not reaches(int(self.voted[dimension].sizes()[-1]), k) or len(judge(flags)):
                    self.trees, self.voted, self.keys = before
                    continue
                shown = flags
                hidden, parents = np.append(hidden, False), self.trees[dimension].parents
        return shown

    def with_crossing(
        self, shown: list[Flags], took_part: Flags, before: Sequence["_Before"], k: int, left_out: int
    ) -> list[Flags] | None:
        """Beside these cells the groups that cut across them, one dimension after the other, as far as Theorem 5 allows.

        ``k`` of 0: none. ``None``: beside what an earlier wave showed of such groups not even the cells may be shown.
        """
        if not all(self._is_safe_beside(shown, then, took_part, max(k, then.k) + left_out) for then in before):
            shown = self.nothing()
            if not all(self._is_safe_beside(shown, then, took_part, max(k, then.k) + left_out) for then in before):
                return None
        for dimension, name in enumerate(self.names):
            if name not in CROSSING or not k:
                continue
            tree = self.trees[dimension]
            worth = self._worth(dimension, tree.sizes(took_part.astype(np.int64)), k)
            wider = [*shown[:dimension], most_of_a_tree(tree, took_part, worth, k), *shown[dimension + 1 :]]
            if not wider[dimension][1:].any() and not self._is_all_in_groups(dimension):
                continue
            is_safe = all(
                are_safe(self.cells(wider).of[who], [label[who] for label in self.crossing(wider)], k, room=ROOM)
                for who in (took_part, np.ones_like(took_part))
            )
            if is_safe and all(self._is_safe_beside(wider, then, took_part, max(k, then.k) + left_out) for then in before):
                shown = wider
                hidden = np.flatnonzero(~wider[dimension])
                if len(hidden) and self._is_all_in_groups(dimension) and self._rest(dimension, wider, took_part) >= k:
                    # The rest, which follows from what is shown.
                    self._add_other(dimension, ROOT, hidden)
                    shown = [*wider[:dimension], np.append(wider[dimension], True), *wider[dimension + 1 :]]
        return shown

    def _is_all_in_groups(self, dimension: int) -> bool:
        return bool((self.trees[dimension].of != ROOT).all())

    def _rest(self, dimension: int, shown: Sequence[Flags], took_part: Flags) -> int:
        tree = self.trees[dimension]
        return int(np.count_nonzero(tree.labels(shown[dimension])[tree.of][took_part] == ROOT))

    def _is_safe_beside(self, shown: Sequence[Flags], then: "_Before", took_part: Flags, k: int) -> bool:
        more = len(then.cells) - len(took_part)

        def placed(label: Ints) -> Ints:
            return np.append(np.where(took_part, label, ABSENT), np.full(more, ABSENT))

        now = [placed(label) for label in self.crossing(shown)]
        return are_safe_between([placed(self.cells(shown).of), then.cells], [*now, *then.labels], k)

    def crossing(self, shown: Sequence[Flags]) -> list[Ints]:
        """By person the group of each dimension that cuts across and of which something is shown."""
        return [
            self.trees[at].labels(shown[at])[self.trees[at].of]
            for at, name in enumerate(self.names)
            if name in CROSSING and shown[at][1:].any()
        ]

    def nested(self, shown: Sequence[Flags]) -> list[Flags]:
        """Without the groups that cut across."""
        return [
            np.arange(len(flags)) == ROOT if name in CROSSING else flags for name, flags in zip(self.names, shown, strict=True)
        ]

    def _add_other(self, dimension: int, above: int, parts: Ints) -> None:
        other = len(self.keys[dimension])
        key = f"{OTHER}/{self.keys[dimension][above]}" if above != ROOT else OTHER
        parents = np.append(self.trees[dimension].parents, above)
        parents[parts] = other
        self.keys = [*self.keys]
        self.keys[dimension] = [*self.keys[dimension], key]
        self.trees, self.voted = [*self.trees], [*self.voted]
        for trees in (self.trees, self.voted):
            trees[dimension] = Tree(parents, trees[dimension].of)

    def listed(self, shown: Sequence[Flags]) -> list[tuple[int, int]]:
        """The shown groups as (dimension, node): dimensions in their order, the larger groups first, others last."""
        found: list[tuple[int, int]] = []
        for dimension, flags in enumerate(shown):
            sizes, keys = self.voted[dimension].sizes(), self.keys[dimension]
            nodes = [int(node) for node in np.flatnonzero(flags) if node != ROOT]
            nodes.sort(key=lambda node: (keys[node].startswith(OTHER), -sizes[node], keys[node]))
            found += [(dimension, node) for node in nodes]
        return found

    def parts(self, shown: Sequence[Flags]) -> dict[str, dict[str, list[str]]]:
        """Of which groups each shown "other" is made."""
        found: dict[str, dict[str, list[str]]] = {}
        for dimension, node in self.listed(shown):
            keys = self.keys[dimension]
            if keys[node].startswith(OTHER):
                inside = np.flatnonzero(self.trees[dimension].parents == node)
                found.setdefault(self.names[dimension], {})[keys[node]] = sorted(keys[part] for part in inside)
        return found


def path_of(groups: Groups, dimension: str) -> list[str]:
    """The groups of a dimension somebody is in, the largest first."""
    value = groups.get(dimension) or []
    return [str(key) for key in value if key] if isinstance(value, list | tuple) else [str(value)]


def _tree_of(paths: Sequence[Sequence[str]]) -> tuple[list[str], Ints]:
    """Keys and parents of all groups; the first is everybody. A group that is met below two others is below the first."""
    parents: dict[str, str] = {}
    for path in paths:
        for above, key in zip(("", *path), path, strict=False):
            parents.setdefault(key, above)
    keys = ["", *sorted(parents)]
    place = {key: node for node, key in enumerate(keys)}
    return keys, np.array([0, *(place[parents[key]] for key in keys[1:])], dtype=np.int64)


def _deepest(path: Sequence[str], place: Mapping[str, int]) -> int:
    return next((place[key] for key in reversed(path) if key in place), ROOT)


class _Before:
    """An earlier wave, by the people of this one and then those who took part in it and are not asked any more: the cell each was
    in, and the group of each dimension that cut across; ``ABSENT`` for those who did not take part.
    """

    def __init__(self, asked: Sequence[Invited], then: Earlier) -> None:
        company = _Company([one.groups for one in then.invited], ())
        shown = company.nothing()
        for dimension, name in enumerate(company.names):
            for other, parts in then.others.get(name, {}).items():
                place = {key: node for node, key in enumerate(company.keys[dimension])}
                nodes = np.array([place[part] for part in parts if part in place], dtype=np.int64)
                company._add_other(dimension, place.get(other.partition("/")[2], ROOT), nodes)
            wanted = set(then.shown.get(name, ()))
            shown[dimension] = np.array([not node or key in wanted for node, key in enumerate(company.keys[dimension])])
        self.k = then.k
        rows = {one.person: number for number, one in enumerate(then.invited) if one.took_part}
        at = [rows.pop(one.person, ABSENT) for one in asked]
        self._place = np.array([*at, *rows.values()], dtype=np.int64)
        self.cells = self._here(company.cells(shown).of)
        # What was told of fewer people by an earlier rule cannot be taken back.
        few = np.flatnonzero(np.bincount(self.cells[self.cells >= 0], minlength=1) < then.k)
        self.cells[np.isin(self.cells, few)] = ABSENT
        self.labels = [self._here(label) for label in company.crossing(shown)]

    def _here(self, by_row: Ints) -> Ints:
        return np.where(self._place == ABSENT, ABSENT, by_row[self._place])


def _beside(company: _Company, took_part: Flags, then: _Before, k: int) -> Judge:
    """Beside the cells of an earlier wave."""
    return lambda shown: bad_between(company.cells(shown), took_part, then.cells, k)


def _beside_steps(company: _Company, steps: Sequence[Collection[int]], k: int) -> Judge:
    """Beside the steps of a score that was shown while the wave was open: of the ballots, not of those who were asked."""
    then = np.full(len(company.voted[0].of), len(steps), dtype=np.int64)
    for number in range(len(steps) - 1, -1, -1):
        then[list(steps[number])] = number
    everybody = np.ones(len(then), dtype=bool)
    return lambda shown: bad_between(cells(company.voted, company.nested(shown)), everybody, then, k)


def _figures(
    company: _Company,
    shown: Sequence[Flags],
    ballots: Sequence[Mapping[str, Any]],
    question: Mapping[str, Any],
    k: int,
    hides_uniform: bool,
) -> dict[str, dict[str, dict[str, int]]]:
    """dimension → group → figure, each in the fullest form that says too much of no cell."""
    key = question["key"]
    said = [(number, ballot["values"][key]) for number, ballot in enumerate(ballots) if key in ballot["values"]]
    if not reaches(len(said), k):
        return {}
    who = np.array([number for number, _value in said], dtype=np.int64)
    is_counted: Flags = np.zeros(len(ballots), dtype=bool)
    is_counted[who] = True
    values, column = _values(question, said)
    each = np.array([number for number, value in said for _one in _as_list(value)], dtype=np.int64)
    what = np.array([column[json.dumps(one)] for _number, value in said for one in _as_list(value)], dtype=np.int64)

    def judged(form: Form) -> Judge:
        def judge(flags: Sequence[Flags]) -> Ints:
            found = cells(company.voted, flags)
            times = np.bincount(found.of[each] * len(values) + what, minlength=len(found) * len(values))
            answered = np.bincount(found.of[who], minlength=len(found))
            people = np.bincount(found.of, minlength=len(found))
            if not hides_uniform:
                return np.asarray(found.labels[answered < k])
            return np.asarray(found.labels[bad_for(form, question, times.reshape(len(found), -1), answered, people, k)])

        return judge

    forms = [Form.SUM, Form.CLASSES, Form.WHOLE] if scale_of(question) else [Form.WHOLE]

    def in_forms(flags: Sequence[Flags]) -> list[Sequence[Flags]]:
        """For each form in turn, what may be shown in it."""
        found: list[Sequence[Flags]] = []
        for form in forms:
            last = found[-1] if found else flags
            wanted = [(at, node) for at, node in company.listed(shown) if last[at][node]]
            kept = choose(company.voted, last, wanted, judged(form), work=QUESTION_WORK)
            if kept is None:
                break
            found.append(kept)
        return found

    allowed = in_forms(company.nested(shown))
    if not allowed:
        return {}
    core = cells(company.voted, allowed[0]).of
    places = np.zeros(len(ballots), dtype=np.int64)
    for dimension, name in enumerate(company.names):
        if name not in CROSSING or not shown[dimension][1:].any():
            continue
        alone = in_forms([flags if at == dimension else np.arange(len(flags)) == ROOT for at, flags in enumerate(shown)])
        tree = company.voted[dimension]
        if not alone or not alone[0][dimension][1:].any():
            continue
        wider = numbered([places, tree.labels(alone[0][dimension])[tree.of]])
        if hides_uniform and not all(can_exchange(core[who], wider[who], given) for given in _classes(question, said)):
            continue
        places = wider
        for number in range(min(len(allowed), len(alone))):
            kept = allowed[number]
            allowed[number] = [*kept[:dimension], alone[number][dimension], *kept[dimension + 1 :]]
    found: dict[str, dict[str, dict[str, int]]] = {}
    for dimension, node in [(-1, ROOT), *company.listed(allowed[0])]:
        form = [form for form, kept in zip(forms, allowed, strict=False) if dimension < 0 or kept[dimension][node]][-1]
        inside = company.members(dimension, node)
        answered = int(np.count_nonzero(inside & is_counted))
        counted = np.bincount(what[inside[each]], minlength=len(values))
        name, group = (EVERYBODY, EVERYBODY) if dimension < 0 else (company.names[dimension], company.keys[dimension][node])
        found.setdefault(name, {})[group] = {ANSWERED: answered, **_in_form(form, question, values, counted)}
    return found


def _classes(question: Mapping[str, Any], said: Sequence[tuple[int, Any]]) -> list[Ints]:
    """By person the class of the answer; of a question with several answers, for each option whether it was chosen."""
    if scale_of(question):
        return [np.array([class_of(question, value) for _number, value in said], dtype=np.int64)]
    options = sorted({json.dumps(one) for _number, value in said for one in _as_list(value)})
    if Kind(question["kind"]) != Kind.MULTIPLE:
        return [np.array([options.index(json.dumps(value)) for _number, value in said], dtype=np.int64)]
    chosen = [{json.dumps(one) for one in _as_list(value)} for _number, value in said]
    return [np.array([option in mine for mine in chosen], dtype=np.int64) for option in options]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _values(question: Mapping[str, Any], said: Sequence[tuple[int, Any]]) -> tuple[list[Any], dict[str, int]]:
    """The values in their order and the column of each by its JSON text: of a scale all, else those that were given."""
    scale = scale_of(question)
    if scale is not None:
        values: list[Any] = list(range(scale.low, scale.high + 1))
    else:
        values = [json.loads(text) for text in sorted({json.dumps(one) for _number, value in said for one in _as_list(value)})]
    return values, {json.dumps(value): number for number, value in enumerate(values)}


def _in_form(form: Form, question: Mapping[str, Any], values: Sequence[Any], times: Ints) -> dict[str, int]:
    counted = [(value, int(count)) for value, count in zip(values, times, strict=True)]
    if form == Form.WHOLE:
        return {json.dumps(value): count for value, count in counted if count}
    names = names_of_classes(question)
    classes = dict.fromkeys(names, 0)
    for value, count in counted:
        classes[names[class_of(question, value)]] += count
    is_net = Kind(question["kind"]) in SCORED
    total = classes["promoters"] - classes["detractors"] if is_net else sum(value * count for value, count in counted)
    return {SUM: total} | (classes if form == Form.CLASSES else {})


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

"""Nobody can work out, from all that all readers can get over several waves, what fewer than k people said or whether they did.

``EXAMPLES=200 pytest incentives_site/tests/attack`` looks at more companies.
"""

import os
import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
import time_machine
from django.db import transaction

from customers.tests.factories import NOON
from surveys import queries
from surveys.models import Wave
from surveys.queries import WHOLE, Place
from surveys.rules import publishing
from surveys.rules.disclosure import Cells, Tree
from surveys.rules.visibility import COMMENTS_FROM
from surveys.views import results as results_pages

from .company import Company, Round, company
from .pages import read
from .readers import PARTICIPATION, Fact, Found, gathered
from .solver import followed

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("EXAMPLES", "2"))


def made(seed: int, **fields: Any) -> Company:
    chance = random.Random(seed)
    return company(seed, people=chance.randrange(12, 42), k=chance.randrange(3, 7), **fields)


def leaks(found: Found, attacked: Company) -> list[str]:
    """What the attacker learns who knows the directory and everybody's groups in each wave: not knowing who took part, knowing
    it, and knowing also who answered which question.
    """
    told = []
    for round_ in attacked.rounds:
        number, k = round_.wave.number, attacked.k
        facts = [fact for fact in found.facts if fact.wave == number]
        named = {department for wave, _question, department in found.comments if wave == number and department}
        groups = [round_.members(*fact.place) for fact in facts] + [_direct(round_, name) for name in named]
        for what, people in (("asked", round_.members("", "")), ("answered", round_.respondents)):
            if small := followed([group & people for group in groups], sorted(people), k):
                told.append(f"wave {number}: of those who were {what}, {small}")
        for question in {fact.question for fact in facts} - {PARTICIPATION}:
            people = round_.answerers(question)
            mine = [round_.members(*fact.place) & people for fact in facts if fact.question == question]
            if small := followed(mine, sorted(people), k):
                told.append(f"wave {number}: of those who answered {question}, {small}")
        told += _told_by_comments(round_, named, number)
    return told


def _direct(round_: Round, department: str) -> frozenset[int]:
    return frozenset(n for n, mine in enumerate(round_.groups) if mine["department"][-1] == department)


def _told_by_comments(round_: Round, named: Iterable[str], number: int) -> list[str]:
    groups = {name: len(_direct(round_, name) & round_.respondents) for name in named}
    rest = len(round_.respondents) - sum(groups.values())
    groups |= {"the rest": rest} if groups and rest else {}
    return [f"wave {number}: comments of {name} ({size})" for name, size in groups.items() if size < COMMENTS_FROM]


def wrong(found: Found, attacked: Company) -> list[str]:
    """Counts that were shown and are not those that were given: the pages were not read as they are."""
    rounds = {round_.wave.number: round_ for round_ in attacked.rounds}
    names = {"Yes": "True", "No": "False", "OLD": "old", "NEW": "new", "BACK": "back"}
    return [
        f"{fact}: {counts}"
        for fact, shown in found.facts.items()
        for counts in shown
        if {names.get(n, n): c for n, c in counts.items()} != _as_shown(rounds[fact.wave], fact, counts)
    ]


CLASSES = {"Promoters": (9, 10), "Passives": (7, 8), "Detractors": (0, 6)} | {"Low": (1, 2), "Middle": (3, 3), "High": (4, 5)}


def _as_shown(round_: Round, fact: Fact, shown: Mapping[str, int]) -> Mapping[str, int]:
    """What was said there, in classes where those were shown."""
    said = round_.tally(fact.question, fact.place)
    ranges = {name: CLASSES.get(name.capitalize().partition(" (")[0]) for name in shown}
    if not all(ranges.values()):
        return said
    return {name: sum(n for value, n in said.items() if low <= int(value) <= high) for name, (low, high) in ranges.items()}


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_no_reader_nor_all_together_learn_of_fewer_than_k(seed: int) -> None:
    attacked = made(seed)
    found = gathered(attacked)
    assert leaks(found, attacked) == []
    assert wrong(found, attacked) == []
    # Not for nothing: every wave shows something, on pages and in the export.
    assert {fact.wave for fact in found.facts} == {round_.wave.number for round_ in attacked.rounds}
    assert {reader.split()[0] for reader, _address in found.pages} >= {"hr", "manager", "operator", "administrator"}


# --- The attack can succeed ------------------------------------------------------------------------------------------------


def small(seed: int, **fields: Any) -> Company:
    return company(seed, people=24, k=5, waves=1, **fields)


def every_large(tree: Tree, took_part: Any, _worth: Any, k: int) -> Any:
    """The floor alone."""
    return tree.sizes(took_part.astype(int)) >= k


def no_cell_is_bad(found: Cells, *_args: Any) -> Any:
    return found.labels[:0]


def test_with_the_rule_switched_off_it_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "most_of_a_tree", every_large)
    monkeypatch.setattr(publishing, "bad_sizes", no_cell_is_bad)
    attacked = small(4)
    assert leaks(gathered(attacked, by_all=False), attacked) != []


def _as_json(value: str) -> str:
    return value.lower() if value in {"True", "False"} else value if value.isdigit() else f'"{value}"'


def test_one_more_filter_that_asks_nobody_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody lets HR divide by all places there are."""
    attacked = small(4)

    def unguarded(_wave: Wave, question: str, place: Place = WHOLE) -> dict[str, int] | None:
        said = attacked.rounds[0].tally(question, (place.dimension, place.group))
        return {"*": sum(said.values())} | {_as_json(value): times for value, times in said.items()} if said else None

    groups = queries.groups_shown
    monkeypatch.setattr(queries._results, "figure", unguarded)
    places = lambda wave, dimension: ["Rome", "Bonn", "Lyon"] if dimension == "location" else groups(wave, dimension)  # noqa: E731
    for module in (queries, queries._results):
        monkeypatch.setattr(module, "groups_shown", places)
    assert leaks(gathered(attacked, by_all=False), attacked) != []


# --- Two companies alike --------------------------------------------------------------------------------------------------


def alike(one: Found, other: Found) -> list[tuple[str, str]]:
    """Pages on which the two differ: in anything but keys, and the order of comments."""
    mine, theirs = (
        {_plain(*key): words for key, words in ((k, _words(v)) for k, v in found.pages.items())} for found in (one, other)
    )
    assert mine.keys() == theirs.keys()
    return [key for key in mine if mine[key] != theirs[key]]


KEYS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)")


def _plain(reader: str, address: str) -> tuple[str, str]:
    return reader, KEYS.sub("", address)


def _words(content: str) -> list[str]:
    return sorted(KEYS.sub("", read(content).words).split())


def swapped_pair(attacked: Company, found: Found) -> tuple[int, int]:
    """Two who answered the last wave, in the same of all groups that are shown, and in different others."""
    last = attacked.rounds[-1]
    shown = [last.members(*fact.place) for fact in found.facts if fact.wave == last.wave.number]
    named = [_direct(last, department) for wave, _q, department in found.comments if wave == last.wave.number and department]

    def where(person: int) -> list[bool]:
        return [person in group for group in [*shown, *named]]

    return next(
        (one, other)
        for one in sorted(last.said)
        for other in sorted(last.said)
        if one < other
        and where(one) == where(other)
        and last.groups[one] != last.groups[other]
        and last.said[one] != last.said[other]
    )


def test_what_cannot_be_told_apart_looks_the_same_to_everybody() -> None:
    """Two people who share all groups that are shown say what the other said: no page of any reader becomes another."""
    assert compared(seed=5) == []


def compared(seed: int, *, by_all: bool = True, make: Callable[..., Company] = small) -> list[tuple[str, str]]:
    found: list[Found] = []
    swapped: tuple[int, int] | None = None
    for _turn in range(2):
        # Pages that propose the minute propose the same.
        with time_machine.travel(NOON, tick=False), transaction.atomic():
            attacked = make(seed, swapped=swapped)
            found.append(gathered(attacked, by_all=by_all))
            swapped = swapped_pair(attacked, found[0])
            transaction.set_rollback(True)
    return alike(*found)


def test_a_figure_where_nobody_looks_for_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes into the path above the page how a place that is not shown has answered."""
    crumbs = results_pages._crumbs
    known: list[Company] = []

    def telling(survey: Any) -> list[dict[str, Any]]:
        last = known[-1].rounds[-1]
        return [*crumbs(survey), {"label": str(sorted(last.said.items())).replace(" ", "")}]

    def remembered(*args: Any, **fields: Any) -> Company:
        known.append(small(*args, **fields))
        return known[-1]

    monkeypatch.setattr(results_pages, "_crumbs", telling)
    assert compared(seed=5, by_all=False, make=remembered) != []

"""A company that chance makes, waves of a survey through what really happens, and what the attacker may know beforehand."""

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

from customers.tests.factories import NOON
from surveys.models import Employee, Invitation, Survey, Wave
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, opened

ASKED: list[dict[str, Any]] = [
    {"key": "score", "has_comment": True, "is_required": True},
    {"key": "mood", "kind": "agreement", "texts": {"en": "I like Mondays"}, "has_comment": True},
    {"key": "lift", "kind": "yes_no", "texts": {"en": "The lift works"}},
    {
        "key": "stairs",
        "kind": "single",
        "texts": {"en": "Which stairs?"},
        "options": [{"key": key, "texts": {"en": key.upper()}} for key in ("old", "new", "back")],
        "branch": {"key": "lift", "values": [False]},
    },
    {"key": "why", "kind": "text", "texts": {"en": "Why?"}},
]


@dataclass
class Round:
    """A wave: who was asked, by number, in which groups; who answered what."""

    wave: Wave
    groups: list[dict[str, Any]]
    said: dict[int, dict[str, Any]] = field(default_factory=dict)

    def members(self, dimension: str, key: str) -> frozenset[int]:
        """Those who were asked and belong there; everybody for the empty dimension."""
        if not dimension:
            return frozenset(range(len(self.groups)))
        found = [mine.get(dimension) for mine in self.groups]
        # Those that are shown as one are named on the page.
        parts = set(self.wave.results["others"].get(dimension, {}).get(key, [key]))
        return frozenset(n for n, value in enumerate(found) if parts & set(value if isinstance(value, list) else [value]))

    @property
    def respondents(self) -> frozenset[int]:
        return frozenset(self.said)

    def answerers(self, question: str) -> frozenset[int]:
        return frozenset(n for n, values in self.said.items() if question in values)

    def tally(self, question: str, place: tuple[str, str]) -> dict[str, int]:
        """What was really said there: the figures that a page shows must be these."""
        found: dict[str, int] = {}
        for number in self.members(*place) & self.answerers(question):
            value = self.said[number][question]
            found[str(value)] = found.get(str(value), 0) + 1
        return found


@dataclass
class Company:
    survey: Survey
    managers: list[Employee]
    rounds: list[Round]
    k: int


def company(seed: int, *, people: int, k: int, waves: int = 3, swapped: tuple[int, int] | None = None) -> Company:
    """Departments three levels deep, managers, places, years, languages; people come, go and move from wave to wave.

    ``swapped``: in the last wave these two say what the other says otherwise.
    """
    chance = random.Random(seed)
    EmployeeFactory.reset_sequence(0, force=True)
    top = DepartmentFactory(key="company", name="Company")
    inner = [DepartmentFactory(key=f"d{n}", name=f"Division {n}", parent=top) for n in range(2)]
    leaves = [
        DepartmentFactory(key=f"d{n}-{m}", name=f"Team {n}.{m}", parent=inner[n])
        for n in range(2)
        for m in range(chance.randrange(1, 4))
    ]
    heads = EmployeeFactory.create_batch(3, department=top, location="Rome", started_on=dt.date(2010, 1, 1))
    places = ["Rome", "Bonn", "Lyon"][: chance.randrange(1, 4)]

    def hired() -> Employee:
        department = chance.choice([*leaves, *inner])
        # Groups of different kinds are often nearly alike: that is where subtraction tells.
        near = chance.random() < 0.8
        number = leaves.index(department) if department in leaves else len(leaves)
        return EmployeeFactory(  # type: ignore[no-any-return]
            department=department,
            manager=heads[number % 3] if near else chance.choice(heads),
            location=places[number % len(places)] if near else chance.choice(places),
            started_on=dt.date(2026 - chance.choice([0, 2, 4, 12]), 1, 1),
            language=chance.choice(["en", "en", "it"]),
        )

    staff = heads + [hired() for _n in range(people)]
    survey = SurveyFactory(k=k, asked=ASKED, kind="pulse")
    rounds = []
    for turn in range(waves):
        if turn:
            for employee in chance.sample(staff[3:], 1 + turn):
                _moved(employee, chance, leaves)
            staff += [hired() for _n in range(turn)]
        rounds.append(_round(survey, turn, chance, swapped if turn == waves - 1 else None))
    return Company(survey, heads, rounds, k)


def _moved(employee: Employee, chance: random.Random, leaves: list[Any]) -> None:
    what = chance.choice(["leaves", "department", "location"])
    if what == "leaves":
        Employee.objects.filter(pk=employee.pk).update(is_active=False)
    elif what == "department":
        Employee.objects.filter(pk=employee.pk).update(department=chance.choice(leaves))
    else:
        Employee.objects.filter(pk=employee.pk).update(location="Bonn")


def _round(survey: Survey, turn: int, chance: random.Random, swapped: tuple[int, int] | None) -> Round:
    wave = opened(survey, at=NOON + dt.timedelta(days=30 * turn))
    invited = list(Invitation.objects.filter(wave=wave).select_related("employee").order_by("employee__key"))
    found = Round(wave, [invitation.groups for invitation in invited])
    keys = {item["key"] for item in wave.questions}
    said = {number: _said(number, keys, chance) for number in range(len(invited)) if chance.random() > 0.2}
    if swapped:
        one, other = swapped
        said[one], said[other] = said[other], said[one]
    for number, (values, comments) in said.items():
        answered(wave, values, comments, by=invited[number].employee)
        found.said[number] = values
    closed(wave)
    return found


def _said(number: int, keys: set[str], chance: random.Random) -> tuple[dict[str, Any], dict[str, str]]:
    """What somebody answers and writes; most skip something, so that a question has fewer answers than the wave."""
    values: dict[str, Any] = {
        "score": chance.randrange(11),
        "mood": chance.randrange(1, 6),
        "lift": chance.random() < 0.5,
        "stairs": chance.choice(["old", "new", "back"]),
        "why": f"because {number}",
    }
    values = {key: value for key, value in values.items() if key in keys and (key == "score" or chance.random() < 0.9)}
    if values.get("lift") is not False:
        values.pop("stairs", None)
    return values, {"score": f"comment {number}"} if chance.random() < 0.5 else {}

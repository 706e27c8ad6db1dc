"""Everybody who may read something of surveys, and all that each can get: every page, filter, export and API answer.

A reader follows every link from where the role begins, sends every form that only asks with every choice, and tries each address
that another reader found. Figures are parsed out of what is on the page; what is on a page in any form is kept, too.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit

from django.contrib.auth.models import Group
from django.test import Client
from django.urls import get_resolver

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.models import Scope
from incentives_site.integrations.tests.factories import partner_key
from surveys.rules.publishing import OTHER

from .company import Company
from .pages import Node, filters, links, read, table

MOST_PAGES = 700
THOROUGH = "EXAMPLES" in os.environ  # results of a group beside the table of each dimension: the two do not depend on one another
PARTICIPATION = "*"
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something was shown of the answers to a question (``*``: of who took part) in one place of one wave."""

    wave: int
    question: str
    place: Place


@dataclass
class Found:
    """``facts`` with the counts that were shown, where counts were; ``pages`` by reader and address."""

    facts: dict[Fact, list[dict[str, int]]] = field(default_factory=dict)
    comments: dict[tuple[int, str, str], list[str]] = field(default_factory=dict)
    pages: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, fact: Fact, counts: dict[str, int] | None = None) -> None:
        seen = self.facts.setdefault(fact, [])
        if counts is not None:
            seen.append(counts)


def gathered(company: Company, *, by_all: bool = True) -> Found:
    """All that all readers together can get; or HR alone, who can get most."""
    found = Found()
    _crawl("hr", _signed_in(Role.HR), company, found)
    if not by_all:
        return found
    known = [address for _reader, address in found.pages]
    for employee in company.managers:
        client = _signed_in(Role.MANAGER, employee.email)
        _crawl(f"manager {employee.key}", client, company, found, [one for one in known if "results" in one and "by=" not in one])
    once = sorted({urlsplit(address).path for address in known})
    for role in (Role.MARKETER, Role.ANALYST, Role.STORE, Role.OPERATOR):
        _crawl(str(role), _signed_in(role), company, found, once)
    superuser = User.objects.create_superuser("root@company.test", "x")
    client = Client()
    client.force_login(superuser)
    admin = ["/admin/surveys/"]
    _crawl("administrator", client, company, found, [*once, *admin])
    for scope in Scope.values:
        key = partner_key(partner=f"p-{scope.replace(':', '-')}", scopes=[scope])[1]
        _ask_api(scope, key, company, found)
    return found


def _signed_in(role: Role, email: str = "") -> Client:
    user = User.objects.create_user(email or f"{role}@readers.test")
    user.groups.add(Group.objects.get(name=role.value))
    client = Client()
    client.force_login(user)
    return client


def _is_read(address: str) -> bool:
    """What is about surveys. Of the back office lists and rows, but not the directory, which the attacker has."""
    parts = urlsplit(address)
    if parts.path.startswith("/admin/surveys/"):
        return not parts.query and not re.match("/admin/surveys/(employee|department|bankquestion|surveyquestion)/", parts.path)
    return parts.path == "/" or parts.path.startswith("/surveys/")


def _crawl(reader: str, client: Client, company: Company, found: Found, tried: list[str] | None = None) -> None:
    waiting, seen = ["/", "/surveys/", *(tried or [])], set()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        if address in seen or not _is_read(address):
            continue
        seen.add(address)
        response = client.get(address)
        if response.status_code in {301, 302}:
            waiting.append(urljoin(address, response["Location"]))
        if response.status_code != 200:
            continue
        content = response.content.decode()
        found.pages[reader, address] = content
        if response["Content-Type"].startswith("text/csv"):
            _read_csv(address, content, found)
        elif response["Content-Type"].startswith("text/html"):
            node = read(content)
            waiting += [
                urljoin(address, unquote(link)).partition("#")[0] for link in [*links(node), *filters(node, with_hidden=THOROUGH)]
            ]
            place = response.context.get("place") if response.context else None
            _read_page(address, node, company, found, (place.dimension, place.group) if place else None)
    assert len(seen) < MOST_PAGES, f"{reader} has more to read than the test looks at"


# --- What is on the pages of results ---------------------------------------------------------------------------------------


def _read_page(address: str, node: Node, company: Company, found: Found, place: Place | None) -> None:
    path = urlsplit(address).path
    chosen = node.first("select", id="wave")
    if chosen is not None and place is not None:
        number = _selected(chosen)
        _read_results(number, node, company, found, place)
    elif match := re.search(r"/results/(\d+)/comments/$", path):
        question, department = (
            _selected(s) if (s := node.first("select", id=name)) else "" for name in ("question", "department")
        )
        texts = [p.text for article in node.all("article") if (p := article.first("p"))]
        found.comments[int(match[1]), question, department] = texts


def _selected(select: Node) -> str:
    options = list(select.all("option"))
    at = next((option for option in options if "selected" in option.attributes), options[0])
    return at.attributes.get("value", at.text)


def _read_results(chosen: str, node: Node, company: Company, found: Found, place: Place) -> None:
    this = next(round_ for round_ in company.rounds if str(round_.wave.number) == chosen)
    texts = {item["texts"]["en"]: item["key"] for item in this.wave.questions}
    if (part := node.first(data_testid="participation")) is not None and re.search(r"\d", part.text):
        found.add(Fact(this.wave.number, PARTICIPATION, place))
    for section in node.all("section"):
        title = section.attributes.get("aria-labelledby", "")
        rows = [row for one in section.all("table") for row in table(one)]
        if title == "questions-title":
            for text, *cells in rows[1:]:
                if re.search(r"\d", " ".join(cells)):
                    found.add(Fact(this.wave.number, texts[text], place), _counts(cells))
        elif title == "distribution-title":
            scored = next(item["key"] for item in this.wave.questions if item["kind"] == "enps")
            found.add(Fact(this.wave.number, scored, place), {score: int(times) for score, times in rows[1:] if times != "0"})
        elif title == "trend-title":
            _read_trend(rows, company, found, place)
        elif title == "heat-title" and rows:
            _read_heat_map(this.wave.number, section, rows, texts, company, found)


def _counts(cells: list[str]) -> dict[str, int] | None:
    """``12 | Yes: 7 No: 5``; a mean or a score is no count."""
    named = re.findall(r"([^:]+): (\d+)", cells[-1])
    return {name.strip(): int(times) for name, times in named} if named else None


def _read_trend(rows: list[list[str]], company: Company, found: Found, place: Place) -> None:
    for day, *values in rows[1:]:
        this = next(round_ for round_ in company.rounds if round_.wave.opens_at.date().isoformat() == day)
        if any(re.search(r"\d", value) for value in values):
            found.add(Fact(this.wave.number, "score", place))


def _read_heat_map(
    number: int, section: Node, rows: list[list[str]], texts: dict[str, str], company: Company, found: Found
) -> None:
    divided = next(link for link in section.all("a") if link.attributes.get("aria-current") == "true")
    dimension = re.search(r"by=(\w+)", divided.attributes["href"])
    assert dimension
    heads, *groups = rows
    for name, *cells in groups:
        for text, cell in zip(heads[1:], cells, strict=True):
            if re.search(r"\d", cell):
                found.add(Fact(number, texts[text], (dimension[1], _key(dimension[1], name))))


def _key(dimension: str, name: str) -> str:
    """What stands on the page, as the directory calls it."""
    from surveys.models import Department, Employee
    from surveys.queries import TENURES

    if name.startswith("Others"):
        above = re.match(r"Others in ([^:]+):", name)
        return OTHER + (f"/{_key(dimension, above[1])}" if above else "")
    if dimension == "department":
        return Department.objects.get(name=name).key
    if dimension == "manager":
        return Employee.objects.get(name=name).key
    return next(key for key, words in TENURES.items() if words == name) if dimension == "tenure" else name


def _read_csv(address: str, content: str, found: Found) -> None:
    match = re.search(r"/results/(\d+)/export/", address)
    assert match
    counts: dict[Fact, dict[str, int]] = {}
    for row in csv.DictReader(io.StringIO(content)):
        fact = Fact(int(match[1]), row["question"], (row["dimension"], row["group"]))
        counts.setdefault(fact, {})
        if row["answer"] == "answered" or (row["answer"] != "sum" and row["times"] == "0"):
            continue
        is_json = re.match(r'["\d]|true|false', row["answer"])
        counts[fact][str(json.loads(row["answer"])) if is_json else row["answer"]] = int(row["times"])
    for fact, seen in counts.items():
        added_up = seen.pop("sum", None)
        found.add(fact, None if added_up is not None and not seen else seen)


# --- The API -----------------------------------------------------------------------------------------------------------------


def _ask_api(scope: str, key: str, company: Company, found: Found) -> None:
    """Every address of surveys that can be read, with what stands for a survey, a wave, a group filled in."""
    client = Client(headers={"authorization": f"Api-Key {key}"})
    for path in _api_paths(company):
        response = client.get(path)
        if response.status_code == 200:
            found.pages[f"key for {scope}", path] = response.content.decode()
            _read_json(path, response.json(), found)


def _api_paths(company: Company) -> Iterator[str]:
    for pattern in get_resolver("surveys.api.urls").url_patterns:
        route = str(pattern.pattern)
        filled = {
            "public_id": [str(company.survey.public_id)],
            "number": [str(round_.wave.number) for round_ in company.rounds],
            "wave": [str(round_.wave.number) for round_ in company.rounds],
            "wave_id": [str(round_.wave.public_id) for round_ in company.rounds],
        }
        paths = [route]
        for name in re.findall(r"<(?:\w+:)?(\w+)>", route):
            paths = [re.sub(rf"<(?:\w+:)?{name}>", value, one) for one in paths for value in filled.get(name, [])]
        for path in paths:
            yield f"/api/v1/{path}"


def _read_json(path: str, body: object, found: Found) -> None:
    """Results, and participation of the groups of a wave."""
    if not isinstance(body, dict) or "number" not in body:
        return
    if body["participation"]:
        found.add(Fact(body["number"], PARTICIPATION, ("", "")))
    for group in body.get("groups", []):
        if group["participation"]:
            found.add(Fact(body["number"], PARTICIPATION, (group["dimension"], group["group"])))
    for question in body["questions"] if path.endswith("/results") else []:
        for figure in question["figures"]:
            if figure["answered"] is not None:
                counts = {said["answer"]: said["times"] for said in figure["distribution"] if said["times"]}
                named = {"true": "True", "false": "False"}
                counts = {named.get(answer, answer): times for answer, times in counts.items()}
                found.add(Fact(body["number"], question["key"], (figure["dimension"], figure["group"])), counts or None)

"""The threat model and the page about ASVS cannot fall behind: what they cite exists, and no requirement is left out.

``asvs_4_0_3.csv`` has the number and the level of each requirement of level 1 and 2 of OWASP ASVS 4.0.3.
"""

import ast
import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from incentives_site.services.locations import PROJECT

PAGES = ("docs/threat-model.md", "docs/asvs.md")
REQUIRED = {
    row["id"]: row["level"] for row in csv.DictReader((Path(__file__).parent / "asvs_4_0_3.csv").read_text().splitlines())
}
CODE = re.compile(r"`([^`\n]+)`")
# A path in the tree, and the names in it: ``folder/file.py``, ``folder/test_x.py::TestY::test_z``, ``Dockerfile``.
CITED = re.compile(
    r"(?P<path>\.?[\w-][\w./-]*\.(?:py|md|toml|txt|html|js|yaml|conf|csv)|[\w./-]+/[\w-]+|[\w.]+)(?P<names>(?:::\w+)*)"
)
FILE = re.compile(r".+\.(?:py|md|toml|txt|yaml|conf)|[^/].*/.*|[A-Z][a-z]+file|\.[a-z][\w.]*")
TARGET = re.compile(r"make ([\w-]+)")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\d) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
ANY_ROW = re.compile(r"^\| \d+\.\d+", re.MULTILINE)
NOT_MET, NO_MATTER = "**Not met:** ", "Does not apply"


def text_of(page: str) -> str:
    return (PROJECT / page).read_text(encoding="utf-8")


def citations(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Paths with the names cited in them, of all that is written as code. Addresses, settings and words are none."""
    for code in CODE.findall(text):
        found = CITED.fullmatch(code)
        if not found:
            assert "::" not in code, code
            continue
        path = found["path"]
        if found["names"] or FILE.fullmatch(path):
            yield path, tuple(filter(None, found["names"].split("::")))


def names_in(source: str) -> set[tuple[str, ...]]:
    """Classes, functions and assigned names of a module, each with the classes around it."""

    def walk(body: list[ast.stmt], around: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield (*around, node.name)
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, (*around, node.name))
            if isinstance(node, ast.Assign):
                yield from ((*around, target.id) for target in node.targets if isinstance(target, ast.Name))

    return set(walk(ast.parse(source).body, ()))


def faults(text: str, makefile: str) -> list[str]:
    """What a page cites that does not exist."""
    found = []
    for path, names in citations(text):
        if not (PROJECT / path).exists():
            found.append(path)
        elif names and names not in names_in((PROJECT / path).read_text(encoding="utf-8")):
            found.append("::".join((path, *names)))
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    commands = [match[1] for code in CODE.findall(text) if (match := TARGET.fullmatch(code))]
    return found + [f"make {target}" for target in commands if target not in targets]


@pytest.mark.parametrize("page", PAGES)
def test_what_is_cited_exists(page: str) -> None:
    text = text_of(page)
    assert len(list(citations(text))) > 50
    assert faults(text, text_of("Makefile")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "incentives_site/no_such_file.py",
        "docs/no-such-page.md",
        "incentives_site/tests/test_security_documents.py::test_no_such_test",
        "incentives_site/tests/test_security_documents.py::TestNoSuchClass::test_what_is_cited_exists",
        "make no-such-target",
    ],
)
def test_what_does_not_exist_is_found(wrong: str) -> None:
    right = "`incentives_site/tests/test_security_documents.py::test_what_is_cited_exists`, `make test`, `/healthz`, `DEBUG`"
    assert faults(right, text_of("Makefile")) == []
    assert faults(f"{right}, `{wrong}`", text_of("Makefile")) == [wrong]


def test_every_requirement_is_there_once_with_its_level_and_an_answer() -> None:
    text = text_of("docs/asvs.md")
    rows = ROW.findall(text)
    assert len(rows) == len(ANY_ROW.findall(text))
    assert Counter(number for number, *_rest in rows) == Counter(list(REQUIRED))
    assert {number: level for number, level, *_rest in rows} == REQUIRED
    assert [number for number, _level, asks, _where in rows if not asks.strip()] == []
    # An answer cites something, or says in a sentence what is missing or why nothing is needed.
    unanswered = [
        number for number, _level, _asks, where in rows if "`" not in where and not (sentence_of(where) and len(where) > 25)
    ]
    assert unanswered == []


def sentence_of(where: str) -> bool:
    """Whether an answer is one without evidence: not met, without matter here, as another item, or nothing to show."""
    return where.startswith((NOT_MET, NO_MATTER, "As ", "None of our own"))


def test_the_counts_are_right() -> None:
    text = text_of("docs/asvs.md")
    counted: dict[str, list[int]] = {}
    for chapter, part in re.findall(r"^## (V\d+ [^\n]*)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        answers = [where for *_rest, where in ROW.findall(part)]
        missing = sum(where.startswith(NOT_MET) for where in answers)
        without = sum(where.startswith(NO_MATTER) for where in answers)
        counted[chapter] = [len(answers) - missing - without, without, missing]
    counted["all"] = [sum(column) for column in zip(*counted.values(), strict=True)]
    told = re.findall(r"^\| (V\d+ [^|]*|all) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert {name.strip(): [int(number) for number in numbers] for name, *numbers in told} == counted

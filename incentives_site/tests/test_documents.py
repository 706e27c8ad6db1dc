"""Documents that cannot fall behind: links lead somewhere, and every setting, reason, endpoint and refusal is written down."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from campaigns.rules.candidates import Reason
from campaigns.rules.decision import Refused
from campaigns.wording import sentence
from incentives_site import problem_catalogue, schedules
from incentives_site.integrations.models import Scope
from incentives_site.services.locations import PROJECT
from incentives_site.shared.problems import known_problems

OWN_FOLDERS = ("docs", "customers", "campaigns", "redemptions", "surveys", "incentives_site", "static", "benchmarks")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Names of the system and of other programs, read but not ours to set.
NOT_OURS = {"PATH", "PYTEST_XDIST_WORKER", "DJANGO_ALLOW_ASYNC_UNSAFE", "PYTHONUNBUFFERED", "PYTHONWARNINGS"}


def documents() -> list[Path]:
    return [*PROJECT.glob("*.md"), *(path for folder in OWN_FOLDERS for path in (PROJECT / folder).rglob("*.md"))]


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def anchors(document: str) -> set[str]:
    """The anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        target, _hash, anchor = link.partition("#")
        found = (path.parent / target).resolve() if target else path
        if not found.exists() or (anchor and anchor not in anchors(found.read_text(encoding="utf-8"))):
            broken.append(link)
    assert not broken


def test_pictures_are_there_in_both_themes_and_stay_small() -> None:
    pictures = list((PROJECT / "docs" / "img").iterdir())
    names = {picture.name for picture in pictures}
    assert names
    assert [name for name in names if "-light" in name and name.replace("-light", "-dark") not in names] == []
    assert sum(picture.stat().st_size for picture in pictures) < 3 * 1024 * 1024


def names_read(source: str) -> Iterator[str]:
    """Names of environment variables: the first argument of ``env.<kind>(…)``, ``os.environ[…]`` and ``os.environ.get(…)``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if (owner == "env" or (owner == "os.environ" and node.func.attr == "get")) and node.args:
                argument = node.args[0]
            else:
                continue
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            argument = node.slice
        else:
            continue
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def test_every_environment_variable_is_described() -> None:
    sources = [PROJECT / "incentives_site" / "settings.py", *(PROJECT / "incentives_site" / "services").glob("*.py")]
    found = {name for source in sources for name in names_read(source.read_text(encoding="utf-8"))}
    found |= set(re.findall(r"\$\{([A-Z_]+)[:}-]", read("Procfile") + read("compose.yaml").replace("$$", "$")))
    found |= set(re.findall(r"^([A-Z_]+)=", read(".env.example"), re.MULTILINE))
    described = set(re.findall(r"`([A-Z][A-Z_]+)`", read("docs/configuration.md")))
    assert {"SECRET_KEY", "DATABASE_URL", "PG_BINDIR", "PORT"} <= found
    assert found - described - NOT_OURS == set()


def test_every_reason_stands_in_the_stacking_document_with_its_sentence() -> None:
    document = read("docs/stacking.md")
    for reason in Reason:
        refused = Refused(incentive="x", name="X", reason=reason, winner="…")
        assert f"| `{reason.value}` |" in document
        assert sentence(refused, "USD") in document


def test_every_endpoint_is_described() -> None:
    document = read("docs/api.md")
    schema = SchemaGenerator().get_schema(public=True)
    missing = [
        f"{method.upper()} {path}"
        for path, methods in schema["paths"].items()
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"} and f"`{method.upper()} {path}`" not in document
    ]
    assert not missing


def test_every_scope_is_described() -> None:
    document = read("docs/api.md")
    assert [scope for scope in Scope.values if f"`{scope}`" not in document] == []


def test_every_schedule_is_described() -> None:
    document = read("docs/self-hosting.md")
    assert [row.name for row in schedules.SCHEDULES if f"| {row.name} | `{row.task}` |" not in document] == []


@pytest.mark.django_db
def test_every_refusal_has_a_page() -> None:
    codes = set(known_problems()) | set(problem_catalogue.FRAMEWORK)
    client = Client()
    assert len(codes) > 25
    assert [code for code in sorted(codes) if client.get(f"/problems/{code}/").status_code != 200] == []


def test_every_decision_record_is_listed_and_numbered_once() -> None:
    records = sorted(path.name for path in (PROJECT / "docs" / "decisions").glob("*.md"))
    numbers = [name[:4] for name in records]
    assert len(set(numbers)) == len(numbers)
    index = read("docs/index.md")
    assert [name for name in records if f"decisions/{name}" not in index] == []

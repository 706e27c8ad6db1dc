"""Bring the directory up to date from a file or another system: the same again changes nothing, and all of it or nothing."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from incentives_site.shared.audit import acting
from incentives_site.shared.problems import FieldError, Invalid

from ..models import Department, Employee
from ..rules.directory import DEEPEST, circles

COLUMNS = ("key", "name", "email", "department", "manager", "location", "language", "started_on")
NEEDED = ("key", "name", "email", "department")
LONGEST = {"key": 64, "name": 200, "email": 254, "location": 100, "language": 10, "manager": 64}
MOST_ROWS = 200_000
MOST_FAULTS = 200
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """What was changed, or would be."""

    new: int
    changed: int
    same: int
    deactivated: int
    departments: int


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    name: str
    email: str
    department: tuple[str, ...]
    manager: str
    location: str
    language: str
    started_on: datetime.date | None


def bring_in_employees(
    *, rows: Iterable[Mapping[str, Any]], deactivates_missing: bool = False, is_dry_run: bool = False, by: str
) -> BroughtIn:
    """Employees by ``key``; ``department`` is its way from the top with ``/`` between; ``manager`` is a key.

    ``deactivates_missing``: whoever is not among them is not asked any more. Raises ``Invalid`` with a sentence for each row that
    cannot be; pointers are ``/<row>/<column>``, rows counted from 0. Then nothing is changed.
    """
    read, errors = _read(rows)  # before the transaction: it may take long
    with transaction.atomic(), acting(by=by, why="bring in employees"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('surveys: directory'))")
        known = {row.key: row for row in Employee.objects.select_related("department", "manager")}
        errors += _clashes(read, known, deactivates_missing)
        if errors:
            raise Invalid(_("Nothing was changed."), errors=errors[:MOST_FAULTS])
        done = _write(read, known, deactivates_missing)
        if is_dry_run:
            transaction.set_rollback(True)
    return done


def _read(rows: Iterable[Mapping[str, Any]]) -> tuple[list[_Row], list[FieldError]]:
    read: list[_Row] = []
    errors: list[FieldError] = []
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            errors.append(FieldError(f"/{number}", "too-many", _("At most %(most)s rows at once.") % {"most": MOST_ROWS}))
            break
        texts = {name: " ".join(str(row.get(name) or "").split()) for name in COLUMNS}
        found = _faults_of_row(number, texts)
        started = None
        if texts["started_on"]:
            try:
                started = datetime.date.fromisoformat(texts["started_on"])
            except ValueError:
                sentence = _("“%(text)s” is no date. Write it as 2024-03-31.") % {"text": texts["started_on"][:40]}
                found.append(FieldError(f"/{number}/started_on", "not-a-date", sentence))
        errors += found
        way = tuple(part.strip() for part in texts["department"].split("/") if part.strip())
        read.append(
            _Row(
                texts["key"],
                texts["name"],
                texts["email"].lower(),
                way,
                texts["manager"],
                texts["location"],
                texts["language"].lower(),
                started,
            )
        )
    return read, errors


def _faults_of_row(number: int, texts: Mapping[str, str]) -> list[FieldError]:
    found = []
    for name in NEEDED:
        if not texts[name].strip("/ "):
            found.append(FieldError(f"/{number}/{name}", "required", _("The column “%(name)s” is empty.") % {"name": name}))
    for name, most in LONGEST.items():
        if len(texts[name]) > most or "\x00" in texts[name]:
            found.append(FieldError(f"/{number}/{name}", "too-long", _("At most %(most)s characters.") % {"most": most}))
    if texts["email"]:
        try:
            validate_email(texts["email"])
        except ValidationError:
            sentence = _("“%(text)s” is no e-mail address.") % {"text": texts["email"][:80]}
            found.append(FieldError(f"/{number}/email", "not-an-address", sentence))
    way = [part for part in texts["department"].split("/") if part.strip()]
    if len(way) > DEEPEST:
        found.append(FieldError(f"/{number}/department", "too-deep", _("At most %(most)s levels.") % {"most": DEEPEST}))
    if texts["department"] and not all(slugify(part) for part in way):
        found.append(FieldError(f"/{number}/department", "no-name", _("A department needs a name with letters or digits.")))
    offered = {code for code, _name in settings.LANGUAGES}
    if texts["language"] and texts["language"].lower() not in offered:
        sentence = _("“%(text)s” is no language of the surveys: %(known)s.") % {
            "text": texts["language"][:20],
            "known": ", ".join(sorted(offered)),
        }
        found.append(FieldError(f"/{number}/language", "unknown-language", sentence))
    if texts["manager"] and texts["manager"] == texts["key"]:
        found.append(FieldError(f"/{number}/manager", "own-manager", _("Nobody manages themselves.")))
    return found


def _clashes(read: Sequence[_Row], known: Mapping[str, Employee], deactivates_missing: bool) -> list[FieldError]:
    """What is wrong between rows, and between them and who is known."""
    errors: list[FieldError] = []
    keys: dict[str, int] = {}
    emails: dict[str, int] = {}
    others = {row.email.lower(): key for key, row in known.items()}
    mine = {row.key for row in read}
    for number, row in enumerate(read):
        if row.key and row.key in keys:
            sentence = _("The key “%(key)s” stands in row %(row)s already.") % {"key": row.key, "row": keys[row.key] + 1}
            errors.append(FieldError(f"/{number}/key", "repeated-key", sentence))
        if row.email and row.email in emails:
            sentence = _("The address %(email)s stands in row %(row)s already.") % {
                "email": row.email,
                "row": emails[row.email] + 1,
            }
            errors.append(FieldError(f"/{number}/email", "repeated-address", sentence))
        owner = others.get(row.email)
        if owner is not None and owner != row.key and owner not in mine:
            sentence = _("The address %(email)s belongs to “%(key)s”, who is not in the file.") % {
                "email": row.email,
                "key": owner,
            }
            errors.append(FieldError(f"/{number}/email", "address-taken", sentence))
        if row.manager and row.manager not in mine and row.manager not in known:
            sentence = _("Nobody has the key “%(key)s”, which is said to manage this person.") % {"key": row.manager}
            errors.append(FieldError(f"/{number}/manager", "unknown-manager", sentence))
        keys.setdefault(row.key, number)
        emails.setdefault(row.email, number)
    managers = {key: row.manager.key for key, row in known.items() if row.manager}
    managers |= {row.key: row.manager for row in read}
    for circle in circles({key: manager for key, manager in managers.items() if manager and manager != key}):
        row_of = next((keys[key] for key in circle if key in keys), 0)
        sentence = _("These would manage each other in a circle: %(keys)s.") % {"keys": " → ".join([*circle, circle[0]])}
        errors.append(FieldError(f"/{row_of}/manager", "circle", sentence))
    return errors


def key_of_department(way: Sequence[str]) -> str:
    """The key of a department by its way from the top."""
    return "-".join(slugify(part) for part in way)[-64:].strip("-")


def _write(read: Sequence[_Row], known: Mapping[str, Employee], deactivates_missing: bool) -> BroughtIn:
    departments, made = _departments({row.department for row in read})
    new, changed = [], []
    for row in read:
        employee = known.get(row.key)
        wanted = {
            "name": row.name,
            "email": row.email,
            "department_id": departments[row.department].pk,
            "location": row.location,
            "language": row.language,
            "started_on": row.started_on,
            "is_active": True,
        }
        if employee is None:
            new.append(Employee(key=row.key, **wanted))
        elif any(getattr(employee, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(employee, name, value)
            changed.append(employee)
    # Two who swap addresses would meet in between.
    moved = [employee.pk for employee in changed]
    if moved:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE surveys_employee SET email = 'moving-' || id || '@invalid.invalid' WHERE id = ANY(%s)", [moved]
            )
    names = ["name", "email", "department", "location", "language", "started_on", "is_active"]
    Employee.objects.bulk_update(changed, names, batch_size=AT_ONCE)
    Employee.objects.bulk_create(new, batch_size=AT_ONCE)
    also = _managers(read)
    touched = {employee.key for employee in changed} | (also - {employee.key for employee in new})
    gone = 0
    if deactivates_missing:
        gone = Employee.objects.filter(is_active=True).exclude(key__in=[row.key for row in read]).update(is_active=False)
    return BroughtIn(len(new), len(touched), len(read) - len(new) - len(touched), gone, made)


def _managers(read: Sequence[_Row]) -> set[str]:
    """Whose manager became another."""
    ids = dict(Employee.objects.values_list("key", "pk"))
    held = dict(Employee.objects.values_list("key", "manager_id"))
    wrong = [row for row in read if held[row.key] != ids.get(row.manager)]
    rows = [Employee(pk=ids[row.key], manager_id=ids.get(row.manager)) for row in wrong]
    Employee.objects.bulk_update(rows, ["manager"], batch_size=AT_ONCE)
    return {row.key for row in wrong}


def _departments(ways: Iterable[tuple[str, ...]]) -> tuple[dict[tuple[str, ...], Department], int]:
    """The departments of these ways, and all above them; those missing are made."""
    known = {row.key: row for row in Department.objects.all()}
    found: dict[tuple[str, ...], Department] = {}
    made = 0
    for way in sorted({whole[:depth] for whole in ways for depth in range(1, len(whole) + 1)}, key=len):
        parent = found.get(way[:-1])
        key = key_of_department(way)
        path = [*(parent.path if parent else []), key]
        row = known.get(key)
        if row is None:
            row = Department.objects.create(key=key, name=way[-1], parent=parent, path=path)
            known[key] = row
            made += 1
        elif row.path != path or row.parent_id != (parent.pk if parent else None):
            row.parent, row.path = parent, path
            row.save(update_fields=["parent", "path"])
        found[way] = row
    return found, made

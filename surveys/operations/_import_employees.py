"""Import the directory from a file: kept when it arrives, read by a worker, then all of it or nothing (``_directory``).

The file is read outside of any transaction. What it changes and what came of it are one transaction, so an import that a crash
cuts off begins again from the file. The file is deleted when it is imported, cannot be, is cancelled, or after a day.
"""

import contextlib
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.rules import tables
from customers.rules.tables import BadTable, Line
from incentives_site.shared import kept_files
from incentives_site.shared.jobs import enqueue
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import EmployeeImport, EmployeeImportState
from ._directory import COLUMNS, MOST_FAULTS, MOST_ROWS, NEEDED, bring_in_employees

MOST_BYTES_OF_EMPLOYEES = 30 * 1024 * 1024
KEPT_FOR = datetime.timedelta(days=1)
IN_HAND = datetime.timedelta(seconds=30)  # a worker that reads writes more often than this
ROWS_BETWEEN = 5_000  # how far it is, is written after so many
MOVING = (EmployeeImportState.CHECKING, EmployeeImportState.RUNNING)
NOT_CSV, EMPTY, UNREADABLE, UNEXPECTED = "not-csv", "no-rows", "unreadable", "unexpected"

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime.datetime]


class WrongEmployeeImportState(Problem):
    code = "wrong-employee-import-state"
    title = gettext_lazy("The import is not at this point")
    kind = Kind.CONFLICT


def order_employee_import(
    *, file: BinaryIO, name: str, size: int, deactivates_missing: bool, is_trial: bool, by: str, now: datetime.datetime
) -> EmployeeImport:
    """Keep a file for the worker, which imports it, or only says what it would change. ``size`` is in bytes.

    Nothing of the file is looked at here. Raises ``FileTooLarge``.
    """
    with transaction.atomic():
        row = EmployeeImport.objects.create(
            name=name.replace("\x00", "")[-200:],
            size=size,
            state=EmployeeImportState.CHECKING if is_trial else EmployeeImportState.RUNNING,
            deactivates_missing=deactivates_missing,
            created_by=by,
            created_at=now,
            changed_at=now,
        )
        kept_files.keep(file, pieces=row.pieces, about=_about(row), size=size, most=MOST_BYTES_OF_EMPLOYEES)
        enqueue("surveys.tasks.import_employees", import_id=row.pk)
    return row


def run_employee_import(*, row: EmployeeImport, by: str, now: datetime.datetime) -> None:
    """Import what was validated. Raises ``WrongEmployeeImportState``."""
    with transaction.atomic():
        _change(row, [EmployeeImportState.CHECKED], EmployeeImportState.RUNNING, now, created_by=by, position=0)
        enqueue("surveys.tasks.import_employees", import_id=row.pk)
    row.refresh_from_db()


def cancel_employee_import(*, row: EmployeeImport, now: datetime.datetime) -> None:
    """Delete the file before it is imported. Raises ``WrongEmployeeImportState``."""
    _end(row, [EmployeeImportState.CHECKED, *MOVING], EmployeeImportState.CANCELLED, now)


def import_employees(*, import_id: int, clock: Clock) -> None:
    """Read the file, then import it or say what it would change. Safe to repeat; one that another worker writes is left to it."""
    row = EmployeeImport.objects.filter(pk=import_id, state__in=MOVING).first()
    if row is None:
        return
    numbers: list[int] = []
    try:
        rows = _rows(row, numbers, clock)
        _carry_out(row, rows, clock())
    except Invalid as problem:
        faults = [_fault(error, numbers) for error in problem.errors]
        _fail(row, clock(), faults=faults)
    except (BadTable, kept_files.Unreadable) as bad:
        _fail(row, clock(), failure=bad.code if isinstance(bad, BadTable) else UNREADABLE)
    except (OperationalError, InterfaceError):
        raise  # the database was away: the sweep goes on later
    except Exception:
        log.exception("employee_import_failed", employee_import=import_id)
        _fail(row, clock(), failure=UNEXPECTED)


def unfinished_employee_imports(*, now: datetime.datetime) -> list[int]:
    """Those that a crash has left: nothing was written to them for a while."""
    found = EmployeeImport.objects.filter(state__in=MOVING, changed_at__lt=now - IN_HAND).order_by("pk")
    return list(found.values_list("pk", flat=True))


def tidy_employee_imports(*, now: datetime.datetime) -> int:
    """Delete files that were validated and not imported within a day, and what faults say of people; how many imports."""
    done = 0
    for row in EmployeeImport.objects.filter(state=EmployeeImportState.CHECKED, changed_at__lt=now - KEPT_FOR):
        with contextlib.suppress(WrongEmployeeImportState):
            cancel_employee_import(row=row, now=now)
            done += 1
    told = EmployeeImport.objects.filter(finished_at__lt=now - KEPT_FOR).exclude(faults=[])
    return done + told.update(faults=[])


def _about(row: EmployeeImport) -> str:
    return f"employees: {row.public_id}"


def _rows(row: EmployeeImport, numbers: list[int], clock: Clock) -> list[dict[str, str]]:
    """The rows of the file by the names of its columns; ``numbers`` gets the line of each.

    Raises ``BadTable``, ``Unreadable``, and ``Invalid`` where a column is missing or a line cannot be read.
    """
    file = kept_files.read(pieces=row.pieces.all(), about=_about(row), size=row.size)
    head = tables.look(file)
    if head.kind != "csv":
        raise BadTable(NOT_CSV)
    names = [name.lower() for name in head.columns]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise Invalid(errors=[FieldError(f"//{name}", "column-missing", _("This column is missing.")) for name in missing])
    places = [(name, names.index(name)) for name in COLUMNS if name in names]
    found: list[dict[str, str]] = []
    faults: list[FieldError] = []
    for line in tables.read(file, head):
        if line.fault:
            faults.append(FieldError(f"/{len(numbers)}/", line.fault, ""))
        numbers.append(line.number)
        found.append(_cells(line, places))
        if len(faults) == MOST_FAULTS or len(found) > MOST_ROWS:
            break
        if len(found) % ROWS_BETWEEN == 0:
            EmployeeImport.objects.filter(pk=row.pk, state=row.state).update(position=len(found), changed_at=clock())
    if faults:
        raise Invalid(errors=faults)
    if not found:
        raise BadTable(EMPTY)
    return found


def _cells(line: Line, places: Sequence[tuple[str, int]]) -> dict[str, str]:
    return {name: line.cells[place] for name, place in places} if line.cells else {}


def _carry_out(row: EmployeeImport, rows: Sequence[Mapping[str, Any]], now: datetime.datetime) -> None:
    """Write the rows and what came of them in one transaction. Raises ``Invalid``."""
    is_trial = row.state == EmployeeImportState.CHECKING
    with transaction.atomic():
        held = EmployeeImport.objects.select_for_update(skip_locked=True, no_key=True)
        if not held.filter(pk=row.pk, state=row.state).exists():
            return  # cancelled meanwhile, or in the hand of another worker
        done = bring_in_employees(rows=rows, deactivates_missing=row.deactivates_missing, is_dry_run=is_trial, by=row.created_by)
        if is_trial:
            _change(row, [row.state], EmployeeImportState.CHECKED, now, outcome=asdict(done), position=len(rows))
        else:
            _end(row, [row.state], EmployeeImportState.DONE, now, outcome=asdict(done), position=len(rows))


def _fault(error: FieldError, numbers: Sequence[int]) -> dict[str, Any]:
    """A row's fault as it is kept: with the line of the file instead of the row's number."""
    number, _slash, column = error.pointer.removeprefix("/").partition("/")
    place = int(number) if number else -1
    line = numbers[place] if 0 <= place < len(numbers) else 1
    return {"line": line, "column": column, "code": error.code, "sentence": str(error.detail)}


def _fail(row: EmployeeImport, now: datetime.datetime, **fields: Any) -> None:
    with contextlib.suppress(WrongEmployeeImportState):
        _end(row, [row.state], EmployeeImportState.FAILED, now, **fields)


def _end(row: EmployeeImport, before: Sequence[str], state: EmployeeImportState, now: datetime.datetime, **fields: Any) -> None:
    with transaction.atomic():
        _change(row, before, state, now, finished_at=now, **fields)
        row.pieces.all().delete()


def _change(
    row: EmployeeImport, before: Sequence[str], state: EmployeeImportState, now: datetime.datetime, **fields: Any
) -> None:
    changed = EmployeeImport.objects.filter(pk=row.pk, state__in=before).update(state=state, changed_at=now, **fields)
    if changed != 1:
        raise WrongEmployeeImportState(_("Someone else changed this import. Reload the page to see its state."))

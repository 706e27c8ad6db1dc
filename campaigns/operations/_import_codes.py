"""Take over the codes of another system from CSV: what can be taken is taken, the rest is reported line by line.

The file is kept when it arrives; a worker looks it through once, so that one that is no list of codes takes nothing, and then
takes its codes in pieces. A piece and the line it ends at are one transaction: whatever ends a worker, the next goes on behind
the last piece. Codes of a batch open nothing before it is done, and the file is deleted when nothing is left to take.
"""

import csv
import datetime
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _

from customers.rules.faults import Fault
from incentives_site.shared import jobs, kept_files
from incentives_site.shared.audit import acting

from .. import sealing
from ..models import BatchState, CodeBatch, CodeFile, Incentive
from ..rules import codes
from ._batches import check_batch, check_claimed_by_code
from ._problems import invalid

MOST_BYTES = 20 * 1024 * 1024  # a million and a half codes
MOST_REPORTED = 1_000
PIECE = 10_000
LONGEST_LINE = 10_000
NOT_CSV, NOTHING, UNREADABLE, UNEXPECTED = "not-csv", "nothing-to-import", "unreadable", "unexpected"

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime.datetime]
Line = tuple[int, str]  # its number in the file, and the code


def order_import(
    *,
    incentive: Incentive,
    file: BinaryIO,
    size: int,
    by: str,
    now: datetime.datetime,
    name: str = "",
    uses_per_code: int = 1,
    expires_at: datetime.datetime | None = None,
    forgets_texts: bool = False,
) -> CodeBatch:
    """A batch that waits for a worker to take the codes of ``file``: the column ``code``, else the first one.

    Nothing of the file is looked at here. ``size`` is in bytes. Raises ``FileTooLarge``, ``Invalid`` with pointers,
    ``WrongStatus``.
    """
    faults = check_batch(name, expires_at, now)
    if not 1 <= uses_per_code <= codes.MOST:
        faults.append(Fault("/uses_per_code", "out-of-range", _("At least 1.")))
    if faults:
        raise invalid(faults)
    with transaction.atomic(), acting(by=by, why="import_codes"):
        check_claimed_by_code(incentive)
        batch = CodeBatch.objects.create(
            incentive=incentive,
            name=name.strip() or _("Imported"),
            is_imported=True,
            count=0,
            uses_per_code=uses_per_code,
            expires_at=expires_at,
            forgets_texts=forgets_texts,
            created_by=by,
            created_at=now,
        )
        kept = CodeFile.objects.create(batch=batch, size=size)
        kept_files.keep(file, pieces=kept.pieces, about=_about(batch), size=size, most=MOST_BYTES)
        jobs.enqueue("campaigns.tasks.import_codes", batch_id=batch.pk)
    return batch


def import_codes(*, batch_id: int, clock: Clock) -> bool:
    """Take the codes of the kept file, piece by piece, until the batch is done, has failed or is cancelled; whether it is done.

    ``False`` also when another worker has it in hand. Safe to repeat at any time. ``report`` of the batch says at the end which
    lines were refused: ``{lines, refused, by_reason, first: [{line, reason}]}``; ``failure`` is a code.
    """
    with transaction.atomic(), acting(by="system", why="import_codes"):
        CodeBatch.objects.filter(pk=batch_id, is_imported=True, state=BatchState.WAITING).update(state=BatchState.RUNNING)
    kept = CodeFile.objects.select_related("batch").filter(batch=batch_id, batch__state=BatchState.RUNNING).first()
    if kept is None:
        return CodeBatch.objects.filter(pk=batch_id, state=BatchState.DONE).exists()
    position = kept.position
    try:
        if kept.lines is None:
            _look_through(kept)
        for piece in _pieces(itertools.islice(_lines(_kept_file(kept)), position, None)):
            if not _step(kept, position, piece, clock()):
                return False
            position += len(piece)
    except (UnicodeDecodeError, csv.Error):
        return _end(kept, clock(), failure=NOT_CSV)
    except kept_files.Unreadable:
        return _end(kept, clock(), failure=UNREADABLE)
    except (OperationalError, InterfaceError):
        raise  # the database was away: the sweep goes on later
    except Exception:
        log.exception("code_import_failed", batch=batch_id, position=position)
        return _end(kept, clock(), failure=UNEXPECTED)
    return _end(kept, clock())


def unfinished_imports() -> list[int]:
    """Imports whose worker was never told, or was killed. One that a worker has in hand is left to it."""
    states = [BatchState.WAITING, BatchState.RUNNING]
    found = CodeBatch.objects.filter(state__in=states, is_imported=True)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _about(batch: CodeBatch) -> str:
    return f"codes: {batch.public_id}"


def _kept_file(kept: CodeFile) -> BinaryIO:
    return kept_files.read(pieces=kept.pieces.all(), about=_about(kept.batch), size=kept.size)


def _look_through(kept: CodeFile) -> None:
    """Read the whole file before a code is taken; outside of any transaction. Raises as ``_lines`` does."""
    lines = sum(1 for _line in _lines(_kept_file(kept)))
    with transaction.atomic(), acting(by="system", why="import_codes"):
        CodeFile.objects.filter(pk=kept.pk, lines=None).update(lines=lines)
        # No more codes than lines: what is shown until the number of codes is known.
        CodeBatch.objects.filter(pk=kept.batch_id, state=BatchState.RUNNING).update(count=lines)


def _held(kept: CodeFile) -> CodeFile | None:
    """The file's row, locked with its batch for the transaction; ``None`` when it is not ours to go on with."""
    found = CodeFile.objects.select_related("batch").select_for_update(skip_locked=True, no_key=True)
    return found.filter(pk=kept.pk, batch__state=BatchState.RUNNING).first()


def _step(kept: CodeFile, position: int, piece: list[Line], now: datetime.datetime) -> bool:
    """One piece, with the line it ends at; whether it was ours to do."""
    with transaction.atomic(), acting(by="system", why="import_codes"):
        current = _held(kept)
        if current is None or current.position != position:
            return False
        report = _Report(current.report)
        taken = _take(current.batch, piece, report, now)
        CodeBatch.objects.filter(pk=current.batch_id).update(made=current.batch.made + taken)
        current.position, current.report = position + len(piece), report.as_data()
        current.save(update_fields=["position", "report"])
    return True


def _end(kept: CodeFile, now: datetime.datetime, failure: str = "") -> bool:
    """Done, or failed for a reason; either way the file goes. Whether the batch is done."""
    with transaction.atomic(), acting(by="system", why="import_codes"):
        current = _held(kept)
        if current is None:
            return False
        made = current.batch.made
        failure = failure or ("" if made else NOTHING)
        changes: dict[str, Any] = {"state": BatchState.FAILED, "failure": failure} if failure else {"state": BatchState.DONE}
        if not failure or failure == NOTHING:
            changes |= {"report": _Report(current.report).as_data(), "count": made}
        CodeBatch.objects.filter(pk=current.batch_id).update(finished_at=now, **changes)
        current.delete()
        if failure and made:
            # Nobody has seen these codes; until they are gone the same file would find them taken.
            jobs.enqueue("campaigns.tasks.tidy_batches")
    return not failure


class _Report:
    """The refused lines so far; ``before`` is what an earlier piece has left."""

    def __init__(self, before: dict[str, Any]) -> None:
        self.lines: int = before.get("lines", 0)
        self.refused: int = before.get("refused", 0)
        self.by_reason: dict[str, int] = dict(before.get("by_reason", {}))
        self.first: list[dict[str, Any]] = list(before.get("first", []))

    def refuse(self, line: int, reason: str) -> None:
        self.refused += 1
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        if len(self.first) < MOST_REPORTED:
            self.first.append({"line": line, "reason": reason})

    def as_data(self) -> dict[str, Any]:
        first = sorted(self.first, key=lambda item: item["line"])
        return {"lines": self.lines, "refused": self.refused, "by_reason": self.by_reason, "first": first}


def _lines(file: BinaryIO) -> Iterator[Line]:
    """The codes with the numbers of their lines; empty lines at the end of a file are none."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        first = text.readline(LONGEST_LINE + 1)
        rows = csv.reader(_bounded(first, text), delimiter=max(",;\t", key=first.count))
        column = 0
        for row in rows:
            if rows.line_num == 1:
                names = [name.strip().lower() for name in row]
                if "code" in names:
                    column = names.index("code")
                    continue
            if row:
                yield rows.line_num, row[column] if column < len(row) else ""
    finally:
        text.detach()  # the file is the caller's to close


def _bounded(first: str, text: Iterable[str]) -> Iterator[str]:
    for line in itertools.chain([first], text):
        if len(line) > LONGEST_LINE:
            raise csv.Error("line too long")
        yield line


def _pieces(lines: Iterator[Line]) -> Iterator[list[Line]]:
    piece: list[Line] = []
    for line in lines:
        piece.append(line)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _take(batch: CodeBatch, piece: list[Line], report: _Report, now: datetime.datetime) -> int:
    """Write those that can be taken; how many."""
    digest_of, seal = sealing.digester(), sealing.batch_sealer(batch.public_id)
    wanted: dict[bytes, tuple[int, str]] = {}
    for number, typed in piece:
        report.lines += 1
        if reason := codes.fault_of_imported(typed):
            report.refuse(number, reason)
            continue
        digest = digest_of(codes.normalise(typed).encode())
        if digest in wanted:
            report.refuse(number, "repeated")
        else:
            wanted[digest] = number, typed.strip()
    if not wanted:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO campaigns_code (incentive_id, batch_id, digest, sealed, created_at)
               SELECT %s, %s, t.digest, t.sealed, %s
               FROM unnest(%s::bytea[], %s::bytea[]) WITH ORDINALITY AS t (digest, sealed, n)
               ORDER BY t.n ON CONFLICT (digest) DO NOTHING RETURNING digest""",
            [
                batch.incentive_id, batch.pk, now,
                list(wanted), [seal(text.encode()) for _number, text in wanted.values()],
            ],
        )  # fmt: skip
        written = {bytes(digest) for (digest,) in cursor.fetchall()}
        missing = [digest for digest in wanted if digest not in written]
        if missing:
            cursor.execute("SELECT digest FROM campaigns_code WHERE batch_id = %s AND digest = ANY(%s)", [batch.pk, missing])
            own = {bytes(digest) for (digest,) in cursor.fetchall()}
            for digest in missing:
                report.refuse(wanted[digest][0], "repeated" if digest in own else "taken")
    return len(written)

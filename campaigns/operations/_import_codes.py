"""Take over the codes of another system from CSV: what can be taken is taken, the rest is reported line by line.

The file is read once, in pieces: however long it is, a piece of it is in memory. Everything happens in one transaction, so an
import that breaks off has taken nothing.
"""

import csv
import datetime
import io
import itertools
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers.rules.faults import Fault
from incentives_site.shared.audit import acting
from incentives_site.shared.problems import Problem

from .. import sealing
from ..models import BatchState, CodeBatch, Incentive
from ..rules import codes
from ._batches import check_batch, check_claimed_by_code
from ._problems import invalid

MOST_BYTES = 20 * 1024 * 1024  # a million and a half codes: well within a minute, as long as a proxy waits
MOST_REPORTED = 1_000
PIECE = 10_000
LONGEST_LINE = 10_000


class NotCsv(Problem):
    code = "not-csv"
    title = _("This is not CSV in UTF-8")


Line = tuple[int, str]  # its number in the file, and the code


def import_codes(
    *,
    incentive: Incentive,
    file: BinaryIO,
    by: str,
    now: datetime.datetime,
    name: str = "",
    uses_per_code: int = 1,
    expires_at: datetime.datetime | None = None,
    forgets_texts: bool = False,
) -> CodeBatch:
    """A batch of the codes in ``file``: the column ``code``, else the first one. It is done when this returns.

    ``report`` of the batch says which lines were refused: ``{lines, refused, by_reason, first: [{line, reason}]}``. Raises
    ``Invalid`` with pointers (also when nothing could be taken), ``NotCsv``, ``WrongStatus``.
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
            state=BatchState.DONE,
            created_by=by,
            created_at=now,
            finished_at=now,
        )
        report = _Report()
        try:
            taken = sum(_take(batch, piece, report, now) for piece in _pieces(_lines(file)))
        except (UnicodeDecodeError, csv.Error):
            raise NotCsv(_("Save it as CSV in UTF-8, with one code in a line.")) from None
        if not taken:
            sentence = _("None of its %(n)s lines could be taken.") % {"n": f"{report.lines:,}"}
            raise invalid([Fault("/file", "nothing-to-import", f"{sentence} {report.in_words()}".strip())])
        batch.count = batch.made = taken
        batch.report = report.as_data()
        batch.save(update_fields=["count", "made", "report"])
    return batch


class _Report:
    """The refused lines."""

    def __init__(self) -> None:
        self.lines = self.refused = 0
        self.by_reason: dict[str, int] = {}
        self.first: list[dict[str, int | str]] = []

    def refuse(self, line: int, reason: str) -> None:
        self.refused += 1
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        if len(self.first) < MOST_REPORTED:
            self.first.append({"line": line, "reason": reason})

    def as_data(self) -> dict[str, object]:
        first = sorted(self.first, key=lambda item: item["line"])
        return {"lines": self.lines, "refused": self.refused, "by_reason": self.by_reason, "first": first}

    def in_words(self) -> str:
        return ", ".join(f"{reason}: {count:,}" for reason, count in sorted(self.by_reason.items()))


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

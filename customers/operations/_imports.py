"""Bring in customers from a file: kept, named, checked, then worked through in pieces (``docs/import.md``).

A piece and the place it ends at are written in one transaction: whatever ends a worker, the next goes on behind the last piece.
The file is deleted with the last one, so that nobody who is erased later stands in it.
"""

import contextlib
import csv
import datetime
import io
import itertools
import json
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared import kept_files
from incentives_site.shared.jobs import enqueue
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import Channel, CustomerImport, CustomerImportPart, ImportState, Source
from ..queries import identity_rules, normalised, suppressed
from ..rules import importing, tables
from ..rules.consent import How
from ..rules.faults import Misunderstood
from ..rules.identities import plain
from ..rules.protocol import Incoming
from ..rules.tables import BadTable, Head, Line
from ..rules.timeline import EventType
from ..rules.trust import Trust
from ._consent import Choice, Said, record_all
from ._insight import refresh_insight
from ._process import _Heard, _write_events, _write_traits
from ._resolve import Signal, hold, resolve_all
from ._segments import refresh_memberships

MOST_BYTES = 200 * 1024 * 1024
LINES_AT_ONCE = 500
SOURCE = "import"
KEPT_FOR = datetime.timedelta(days=1)  # a file that nobody goes on with
IN_HAND = datetime.timedelta(seconds=30)  # a worker writes more often than this
ERASED = "erased-meanwhile"
MOVING = (ImportState.READING, ImportState.CHECKING, ImportState.RUNNING)
SAMPLE_LINES = 5
NUMBER_OF_THE_SAMPLE = 2_000_000_000  # beside the pieces of the file, and gone with them

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime.datetime]


class WrongImportState(Problem):
    code = "wrong-import-state"
    title = gettext_lazy("The import is not at this point")
    kind = Kind.CONFLICT


def begin_import(*, file: BinaryIO, name: str, size: int, by: str, now: datetime.datetime) -> CustomerImport:
    """Keep the bytes of a file; the worker reads its heads. Raises ``FileTooLarge``."""
    with transaction.atomic():
        row = CustomerImport.objects.create(
            name=name.replace("\x00", "")[-200:],
            size=size,
            state=ImportState.READING,
            created_by=by,
            created_at=now,
            changed_at=now,
        )
        kept_files.keep(file, pieces=row.parts, about=_about(row), size=size, most=MOST_BYTES)
        enqueue("customers.tasks.work_import", import_id=row.pk)
    return row


def _read_head(row: CustomerImport, clock: Clock) -> None:
    """What the file is, and its first lines; read outside of any transaction. Raises ``BadTable``."""
    head = tables.look(kept_file(row))
    found = (line.cells for line in tables.read(kept_file(row), head) if not line.fault)
    sample = json.dumps(list(itertools.islice(found, SAMPLE_LINES))).encode()
    with transaction.atomic():
        changed = CustomerImport.objects.filter(pk=row.pk, state=ImportState.READING).update(
            state=ImportState.MAPPING, head=asdict(head), meanings=importing.guess(head.columns), changed_at=clock()
        )
        if changed == 1:  # else it was given up meanwhile, or another worker was quicker
            sealed = kept_files.seal_piece(_about(row), NUMBER_OF_THE_SAMPLE, sample)
            CustomerImportPart.objects.create(customer_import=row, number=NUMBER_OF_THE_SAMPLE, body=sealed)


def order_check(*, row: CustomerImport, meanings: Sequence[str], wording: str, now: datetime.datetime) -> None:
    """Say what the columns mean, and have every line tried out. Raises ``Invalid`` and ``WrongImportState``."""
    errors = [FieldError("/meanings", fault, fault) for fault in importing.faults_of(meanings)]
    if len(meanings) != len(row.head["columns"]) or any(len(meaning) > 100 or "\x00" in meaning for meaning in meanings):
        errors.append(FieldError("/meanings", "bad-columns", _("Every column has one meaning.")))
    channels = {meaning.partition(":")[2] for meaning in meanings if meaning.startswith("consent:")} - {""}
    if channels - set(Channel.objects.filter(key__in=channels).values_list("key", flat=True)):
        errors.append(FieldError("/meanings", "channel-unknown", _("There is no such channel.")))
    says_consent = any(meaning.startswith("consent:") for meaning in meanings)
    if says_consent and not wording.strip():
        errors.append(FieldError("/wording", "required", _("Say what the customers have agreed to, and where.")))
    if errors:
        raise Invalid(errors=errors)
    _begin(
        row, {ImportState.MAPPING, ImportState.CHECKED, ImportState.CHECKING}, ImportState.CHECKING, now,
        meanings=list(meanings), wording=wording.strip()[:100] if says_consent else "", lines=None,
    )  # fmt: skip


def order_run(*, row: CustomerImport, now: datetime.datetime) -> None:
    """Bring in what was checked. Raises ``WrongImportState``."""
    _begin(row, {ImportState.CHECKED}, ImportState.RUNNING, now)


def _begin(row: CustomerImport, before: set[ImportState], state: ImportState, now: datetime.datetime, **fields: Any) -> None:
    with transaction.atomic():
        changed = CustomerImport.objects.filter(pk=row.pk, state__in=before).update(
            state=state, position=0, counts={}, failure="", changed_at=now, **fields
        )
        if changed != 1:
            raise WrongImportState(_("Look again: somebody else has gone on with it."))
        CustomerImportPart.objects.filter(customer_import=row, is_report=True).delete()
        enqueue("customers.tasks.work_import", import_id=row.pk)
    row.refresh_from_db()


def cancel_import(*, row: CustomerImport, now: datetime.datetime) -> None:
    """Give it up: what was brought in stays, the file goes. Raises ``WrongImportState``."""
    _end(row.pk, [ImportState.MAPPING, ImportState.CHECKED, *MOVING], ImportState.CANCELLED, now)


def _end(pk: int, before: Sequence[ImportState], state: ImportState, now: datetime.datetime, **fields: Any) -> None:
    with transaction.atomic():
        changed = CustomerImport.objects.filter(pk=pk, state__in=before).update(
            state=state, changed_at=now, finished_at=now, **fields
        )
        if changed != 1:
            raise WrongImportState(_("Look again: somebody else has gone on with it."))
        CustomerImportPart.objects.filter(customer_import=pk, is_report=False).delete()


def unfinished_imports(*, now: datetime.datetime) -> list[int]:
    """Those that a crash has left: nobody has written to them for a while."""
    found = CustomerImport.objects.filter(state__in=MOVING, changed_at__lt=now - IN_HAND).order_by("pk")
    return list(found.values_list("pk", flat=True))


def tidy_imports(*, now: datetime.datetime) -> int:
    """Give up files that nobody has gone on with; how many."""
    found = CustomerImport.objects.filter(state__in=[ImportState.MAPPING, ImportState.CHECKED], changed_at__lt=now - KEPT_FOR)
    done = 0
    for row in found:
        with contextlib.suppress(WrongImportState):
            cancel_import(row=row, now=now)
            done += 1
    return done


def forget_in_imports(*, texts: Collection[str], now: datetime.datetime) -> int:
    """Delete the files that are kept, and what their names and heads say of ``texts``; how many files.

    Somebody who is erased may stand in any of them. Looking would take as long as the largest, so none is looked into: what was
    brought in stays, the import says why it ended, and the file can be sent again. Joins the caller's transaction.
    """
    done = 0
    for row in CustomerImport.objects.filter(parts__is_report=False).distinct().order_by("pk"):
        with contextlib.suppress(WrongImportState):
            _end(row.pk, list(ImportState), ImportState.FAILED, now, failure=ERASED)
            done += 1
    for row in CustomerImport.objects.all():
        # Its columns and its name may be somebody's as well, where a file has no heads.
        heads = row.head.get("columns", [])
        if any(plain(head) in texts for head in heads):
            row.head = {**row.head, "columns": ["…"] * len(heads)}
            row.meanings = [""] * len(heads)
            row.save(update_fields=["head", "meanings"])
        if any(text in plain(row.name) for text in texts):
            row.name = "…"
            row.save(update_fields=["name"])
    return done


def work_import(*, import_id: int, clock: Clock) -> None:
    """Read the heads, or check or bring in, piece by piece, until it is done, given up, or in another worker's hand."""
    row = CustomerImport.objects.filter(pk=import_id, state__in=MOVING).first()
    if row is None:
        return
    state, position = ImportState(row.state), row.position
    try:
        if state is ImportState.READING:
            _read_head(row, clock)
            return
        lines = itertools.islice(tables.read(kept_file(row), _head(row)), position, None)
        while piece := list(itertools.islice(lines, LINES_AT_ONCE)):
            if not _piece(row, state, position, piece, clock()):
                return
            position += len(piece)
    except (BadTable, kept_files.Unreadable) as bad:
        failure = bad.code if isinstance(bad, BadTable) else "unreadable"
        with contextlib.suppress(WrongImportState):
            _end(import_id, [state], ImportState.FAILED, clock(), failure=failure)
        return
    except (OperationalError, InterfaceError):
        raise  # the database was away: somebody goes on later
    except Exception:
        log.exception("import_failed", customer_import=import_id, position=position)
        with contextlib.suppress(WrongImportState):
            _end(import_id, [state], ImportState.FAILED, clock(), failure="unexpected")
        return
    with contextlib.suppress(WrongImportState):
        if state is ImportState.RUNNING:
            _end(import_id, [state], ImportState.DONE, clock())
        else:
            CustomerImport.objects.filter(pk=import_id, state=state, position=position).update(
                state=ImportState.CHECKED, lines=position, changed_at=clock()
            )


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of a line: new, known, erased or refused, with the reasons."""

    line: int
    result: str
    reasons: tuple[str, ...] = ()


def _piece(row: CustomerImport, state: ImportState, position: int, piece: list[Line], now: datetime.datetime) -> bool:
    """One piece, with the place it ends at; whether it was ours to do."""
    with transaction.atomic():
        current = CustomerImport.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=row.pk).first()
        if current is None or current.state != state or current.position != position:
            return False
        results = _take(row, piece, now, is_trial=state is ImportState.CHECKING)
        counts = dict(current.counts)
        for result in results:
            for key in (result.result, *(f"why:{reason}" for reason in result.reasons)):
                counts[key] = counts.get(key, 0) + 1
        CustomerImportPart.objects.create(customer_import=row, is_report=True, number=position, body=_report(results))
        CustomerImport.objects.filter(pk=row.pk).update(position=position + len(piece), counts=counts, changed_at=now)
    return True


def _report(results: Sequence[_Result]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([result.line, result.result, " ".join(result.reasons)] for result in results)
    return text.getvalue().encode()


def _take(row: CustomerImport, piece: Sequence[Line], now: datetime.datetime, *, is_trial: bool) -> list[_Result]:
    """Resolve and write what the lines say, and say what became of each; a trial is taken back as a whole."""
    results: list[_Result] = []
    heard: list[tuple[_Heard, Mapping[str, bool], tuple[str, ...]]] = []
    rules = identity_rules()
    source = Source(key=SOURCE, name=row.name, trust=Trust.SERVER)
    for line in piece:
        said = importing.said(line.cells, row.meanings) if not line.fault else importing.Said(fault=line.fault)
        named: list[tuple[str, str]] = []
        unread: list[str] = []
        for kind, value in said.named:
            try:
                named.append(normalised(kind, value, rules))
            except Misunderstood:
                unread.append(f"bad-{kind.partition(':')[0]}")
        if said.fault or not named:
            results.append(_Result(line.number, "refused", (said.fault,) if said.fault else tuple(unread)))
            continue
        event = Incoming(
            type=EventType.IMPORTED,
            name="",
            message_id=f"{row.public_id}:{line.number}",
            occurred_at=row.created_at,
            named=(),
            properties={"import": str(row.public_id), "line": line.number},
            context={"locale": said.language, "timezone": said.time_zone},
            traits=said.traits,
        )
        item = _Heard(source, event, now, tuple(dict.fromkeys(named)), uuid.uuid4(), None)
        heard.append((item, said.consents, tuple(unread)))
    said_of = {identifier for item, _consents, _unread in heard for identifier in item.identifiers}
    hold(said_of)  # whoever is being erased right now has been after this
    out = suppressed(said_of)
    results += [_Result(_number(item), "erased") for item, _c, _u in heard if not out.isdisjoint(item.identifiers)]
    heard = [entry for entry in heard if out.isdisjoint(entry[0].identifiers)]
    with transaction.atomic():
        items = [item for item, _consents, _unread in heard]
        resolved = resolve_all(
            [Signal(item.identifiers, item.event.occurred_at, SOURCE) for item in items], by=row.created_by, now=now
        )
        seen: set[int] = set()
        for (item, _consents, why), who in zip(heard, resolved, strict=True):
            left_out = (*why, *(reason.value for _identifier, reason in who.dropped))
            is_new = who.is_new and who.customer_id not in seen
            seen.add(who.customer_id)
            results.append(_Result(_number(item), "new" if is_new else "known", left_out))
        if is_trial:
            transaction.set_rollback(True)
        else:
            _write_events(items, resolved)
            _write_traits(items, resolved)
            agreed = [(who.customer_id, consents) for (_item, consents, _unread), who in zip(heard, resolved, strict=True)]
            _write_consents(row, agreed, now)
            refresh_insight(customers=seen, now=now)
            refresh_memberships(customers=seen, now=now)
    return sorted(results, key=lambda result: result.line)


def _number(item: _Heard) -> int:
    return int(item.event.properties["line"])


def _write_consents(row: CustomerImport, said: Sequence[tuple[int, Mapping[str, bool]]], now: datetime.datetime) -> None:
    record_all(
        said=[
            Said(
                pk,
                [Choice(is_given, channel) if channel else Choice(is_given) for channel, is_given in consents.items()],
                row.created_at,
                row.created_by,
                row.wording,
            )
            for pk, consents in said
            if consents
        ],
        how=How.IMPORT,
        now=now,
    )


def _head(row: CustomerImport) -> Head:
    return Head(**{**row.head, "columns": tuple(row.head["columns"])})


def kept_file(row: CustomerImport) -> BinaryIO:
    """The file of an import, to be read and sought; little of it is in memory."""
    return kept_files.read(pieces=row.parts.filter(is_report=False), about=_about(row), size=row.size)


def _about(row: CustomerImport) -> str:
    return f"customers: {row.public_id}"


def report_of(row: CustomerImport) -> Iterator[tuple[int, str, list[str]]]:
    """What became of each line: its number, result and reasons; piece by piece, as it was written."""
    bodies = CustomerImportPart.objects.filter(customer_import=row, is_report=True).order_by("number")
    for body in bodies.values_list("body", flat=True).iterator(chunk_size=50):
        for line, result, reasons in csv.reader(io.StringIO(bytes(body).decode())):
            yield int(line), result, reasons.split()


def sample_of(row: CustomerImport) -> list[tuple[str, ...]]:
    """The first lines of the file that can be read, while it is kept; as the worker has read them."""
    part = CustomerImportPart.objects.filter(customer_import=row, is_report=False, number=NUMBER_OF_THE_SAMPLE).first()
    if part is None:
        return []
    try:
        sample = kept_files.open_piece(_about(row), NUMBER_OF_THE_SAMPLE, part.body)
    except kept_files.Unreadable:
        return []
    return [tuple(cells) for cells in json.loads(sample)]

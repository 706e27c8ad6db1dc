"""Batches of codes: ask for one, make its codes piece by piece, pause, go on, cancel, export, forget the texts.

A piece is one transaction: its codes and the count of them are written together, under a lock on the batch. Killed at any
instant, a batch goes on where it stood, with neither a code lost nor one too many; two workers on one batch take turns or leave.
"""

import datetime
import os
from collections.abc import Callable, Iterator
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.rules.faults import Fault
from incentives_site.shared import jobs
from incentives_site.shared.audit import acting
from incentives_site.shared.copying import copy_csv
from incentives_site.shared.problems import Kind, Problem

from .. import sealing
from ..models import BatchState, Campaign, Claim, Code, CodeBatch, CodeFile, Incentive, Status
from ..rules import codes
from ._problems import WrongStatus, invalid

PIECE = 20_000  # codes written in one transaction
RETRIES = 20  # of a piece in which a code was drawn that exists already
FORGET_AFTER = datetime.timedelta(days=1)
FIELDS = ("incentive", "batch", "digest", "sealed", "created_at")

Entropy = Callable[[int], bytes]


class WrongBatchState(Problem):
    code = "wrong-batch-state"
    title = gettext_lazy("The batch's state does not allow this")
    kind = Kind.CONFLICT


class TextsForgotten(Problem):
    code = "texts-forgotten"
    title = gettext_lazy("The texts of these codes were forgotten")
    kind = Kind.CONFLICT


def order_codes(
    *,
    incentive: Incentive,
    by: str,
    now: datetime.datetime,
    count: int,
    pattern: str,
    name: str = "",
    alphabet: str = codes.ALPHABET,
    has_check: bool = False,
    uses_per_code: int = 1,
    expires_at: datetime.datetime | None = None,
    forgets_texts: bool = False,
) -> CodeBatch:
    """Ask for ``count`` unique codes; a worker makes them. ``pattern`` as in ``codes.Shape``.

    Raises ``Invalid`` with pointers, ``WrongStatus`` (campaign ended, or the incentive is not claimed by a code).
    """
    shape = codes.Shape(pattern.strip().upper(), "".join(alphabet.split()).upper(), has_check)
    faults = codes.faults_of(shape, count)
    if not 1 <= uses_per_code <= codes.MOST:
        faults.append(Fault("/uses_per_code", "out-of-range", _("At least 1.")))
    faults += check_batch(name, expires_at, now)
    if faults:
        raise invalid(faults)
    with transaction.atomic(), acting(by=by, why="order_codes"):
        check_claimed_by_code(incentive)
        batch = CodeBatch.objects.create(
            incentive=incentive,
            name=name.strip() or shape.pattern,
            count=count,
            pattern=shape.pattern,
            alphabet=shape.alphabet,
            has_check=has_check,
            uses_per_code=uses_per_code,
            expires_at=expires_at,
            forgets_texts=forgets_texts,
            created_by=by,
            created_at=now,
        )
        jobs.enqueue("campaigns.tasks.make_codes", batch_id=batch.pk)
    return batch


def check_batch(name: str, expires_at: datetime.datetime | None, now: datetime.datetime) -> list[Fault]:
    """What is asked of every batch, made or imported."""
    faults = []
    if len(name) > 100 or "\x00" in name:
        faults.append(Fault("/name", "bad-text", _("A name has at most 100 characters.")))
    if expires_at is not None and expires_at <= now:
        faults.append(Fault("/expires_at", "ends-in-the-past", _("They would already have expired.")))
    return faults


def check_claimed_by_code(incentive: Incentive) -> None:
    """Raises ``WrongStatus`` unless codes may be added to the incentive now."""
    campaign = Campaign.objects.get(pk=incentive.campaign_id)
    if campaign.status == Status.ENDED:
        raise WrongStatus(_("Its campaign has ended."))
    if incentive.claim != Claim.CODE:
        raise WrongStatus(_("It is not claimed by a code."))


def shape_of(batch: CodeBatch) -> codes.Shape:
    return codes.Shape(batch.pattern, batch.alphabet, batch.has_check)


# --- Making ----------------------------------------------------------------------------------------------------------------


def make_codes(
    *, batch_id: int, clock: Callable[[], datetime.datetime], entropy: Entropy = os.urandom, piece: int = PIECE
) -> bool:
    """Make the codes that are missing, piece by piece, until the batch is done, paused or cancelled; whether it is done.

    ``False`` also when another worker has it in hand. Safe to repeat at any time. ``entropy`` must be fit for secrets.
    """
    with transaction.atomic(), acting(by="system", why="make_codes"):
        CodeBatch.objects.filter(pk=batch_id, state=BatchState.WAITING).update(state=BatchState.RUNNING)
    while True:
        step = _make_piece(batch_id, clock, entropy, piece)
        if step is not None:
            return step


def _make_piece(batch_id: int, clock: Callable[[], datetime.datetime], entropy: Entropy, piece: int) -> bool | None:
    """``None`` when there is more to do, else whether the batch is done."""
    for _attempt in range(RETRIES):
        try:
            with transaction.atomic(), acting(by="system", why="make_codes"):
                running = CodeBatch.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
                batch = running.filter(pk=batch_id, state=BatchState.RUNNING).first()
                if batch is None:
                    return CodeBatch.objects.filter(pk=batch_id, state=BatchState.DONE).exists()
                wanted = min(piece, batch.count - batch.made)
                made = _write(batch, codes.draw(shape_of(batch), entropy, wanted), clock()) if wanted else 0
                done = batch.made + made == batch.count
                end = {"state": BatchState.DONE, "finished_at": clock()} if done else {}
                CodeBatch.objects.filter(pk=batch_id).update(made=F("made") + made, **end)
        except IntegrityError:
            continue  # a code of another batch, or word, was drawn: the whole piece again, with other ones
        return True if done else None
    with transaction.atomic(), acting(by="system", why="make_codes"):
        sentence = _("Too many of the codes that were drawn exist already: choose a longer pattern.")
        CodeBatch.objects.filter(pk=batch_id, state=BatchState.RUNNING).update(
            state=BatchState.FAILED, failure=sentence, finished_at=clock()
        )
    return False


def _write(batch: CodeBatch, texts: Iterator[str], now: datetime.datetime) -> int:
    """By COPY; how many there were."""
    written = 0
    separators = str.maketrans("", "", " -")

    def rows() -> Iterator[bytes]:
        nonlocal written
        digest_of, seal = sealing.digester(), sealing.batch_sealer(batch.public_id)
        start, end = f"{batch.incentive_id},{batch.pk},\\x", f",{now.isoformat()}\n"
        lines: list[str] = []
        for text in texts:
            digest = digest_of(text.translate(separators).encode())
            lines.append(f"{start}{digest.hex()},\\x{seal(text.encode()).hex()}{end}")
            if len(lines) == 2_000:
                written += len(lines)
                yield "".join(lines).encode()
                lines.clear()
        written += len(lines)
        yield "".join(lines).encode()

    copy_csv(Code, FIELDS, rows())
    return written


def unfinished_batches() -> list[int]:
    """Batches whose worker was never told, or was killed: the sweep gives them to one again."""
    states = [BatchState.WAITING, BatchState.RUNNING]
    return list(CodeBatch.objects.filter(state__in=states, is_imported=False).order_by("pk").values_list("pk", flat=True))


# --- Steps -----------------------------------------------------------------------------------------------------------------


def pause_batch(*, batch: CodeBatch, by: str) -> CodeBatch:
    """Stop making codes after the piece at hand. Raises ``WrongBatchState``, also for an import: its file is not kept so long."""
    if batch.is_imported:
        raise WrongBatchState(_("An import cannot be paused. Cancel it, and send the file again later."))
    return _step(batch, by, "pause_batch", (BatchState.WAITING, BatchState.RUNNING), state=BatchState.PAUSED)


def resume_batch(*, batch: CodeBatch, by: str) -> CodeBatch:
    """Go on after a pause. Raises ``WrongBatchState``."""
    with transaction.atomic():
        resumed = _step(batch, by, "resume_batch", (BatchState.PAUSED,), state=BatchState.WAITING)
        jobs.enqueue("campaigns.tasks.make_codes", batch_id=batch.pk)
    return resumed


def cancel_batch(*, batch: CodeBatch, by: str, now: datetime.datetime) -> CodeBatch:
    """Give the batch up before it is done; its codes, which nobody has seen, are deleted. Raises ``WrongBatchState``."""
    unfinished = (BatchState.WAITING, BatchState.RUNNING, BatchState.PAUSED, BatchState.FAILED)
    with transaction.atomic():
        cancelled = _step(batch, by, "cancel_batch", unfinished, state=BatchState.CANCELLED, finished_at=now)
        CodeFile.objects.filter(batch=batch).delete()
        jobs.enqueue("campaigns.tasks.tidy_batches")
    return cancelled


def _step(batch: CodeBatch, by: str, why: str, allowed: tuple[str, ...], **changes: Any) -> CodeBatch:
    with transaction.atomic(), acting(by=by, why=why):
        if not CodeBatch.objects.filter(pk=batch.pk, state__in=allowed).update(**changes):
            found = CodeBatch.objects.filter(pk=batch.pk).first()
            state = str(found.get_state_display()) if found else ""
            raise WrongBatchState(_("The batch is: %(state)s.") % {"state": state})
    batch.refresh_from_db()
    return batch


# --- What is left of a batch -----------------------------------------------------------------------------------------------


def begin_export(*, batch: CodeBatch, by: str, now: datetime.datetime) -> CodeBatch:
    """Write down who takes the codes out. Raises ``WrongBatchState`` (not done), ``TextsForgotten``."""
    with transaction.atomic(), acting(by=by, why="export_codes"):
        done = CodeBatch.objects.filter(pk=batch.pk, state=BatchState.DONE)
        due = now - FORGET_AFTER
        if done.filter(forgotten_at__isnull=False).exists() or done.filter(forgets_texts=True, exported_at__lte=due).exists():
            raise TextsForgotten(_("They were exported more than a day ago; only keyed hashes are left."))
        if not done.update(exports=F("exports") + 1):
            raise WrongBatchState(_("Codes are exported when all of them are there."))
        done.filter(exported_at__isnull=True).update(exported_at=now)
    batch.refresh_from_db()
    return batch


def tidy_batches(*, now: datetime.datetime, piece: int = PIECE) -> int:
    """Delete the codes of cancelled batches and failed imports, and the texts that are to be forgotten; how many.

    Piece by piece; safe to repeat.
    """
    changed = 0
    given_up = Q(state=BatchState.CANCELLED) | Q(state=BatchState.FAILED, is_imported=True)
    for batch in CodeBatch.objects.filter(given_up, made__gt=0):
        while ids := list(Code.objects.filter(batch=batch).order_by("pk").values_list("pk", flat=True)[:piece]):
            changed += Code.objects.filter(pk__in=ids).delete()[0]
        CodeBatch.objects.filter(pk=batch.pk).update(made=0)
    due = CodeBatch.objects.filter(
        state=BatchState.DONE, forgets_texts=True, forgotten_at__isnull=True, exported_at__lte=now - FORGET_AFTER
    )
    for batch in due:
        last = 0
        while ids := list(Code.objects.filter(batch=batch, pk__gt=last).order_by("pk").values_list("pk", flat=True)[:piece]):
            changed += Code.objects.filter(pk__in=ids).update(sealed=b"")
            last = ids[-1]
        with acting(by="system", why="forget_texts"):
            CodeBatch.objects.filter(pk=batch.pk).update(forgotten_at=now)
    return changed

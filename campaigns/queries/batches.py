"""Reads of code batches: single ones, those of an incentive, and all codes of one as a stream."""

import csv
import io
from collections.abc import Iterator, Sequence

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import NotFound

from .. import sealing
from ..models import BatchState, Code, CodeBatch, Incentive
from .reading import _uuid

PIECE = 5_000


class BatchUnknown(NotFound):
    code = "batch-unknown"
    title = _("There is no such batch of codes")


def batch_by_public_id(public_id: object) -> CodeBatch:
    """The batch with its incentive and campaign. Raises ``BatchUnknown``."""
    found = CodeBatch.objects.select_related("incentive__campaign")
    row = found.filter(public_id=_uuid(public_id, BatchUnknown)).first()
    if row is None:
        raise BatchUnknown
    return row


def all_batches(*, state: str = "") -> QuerySet[CodeBatch]:
    """All batches with their incentives, or those in a state, the newest first."""
    found = CodeBatch.objects.select_related("incentive").order_by("-pk")
    return found.filter(state=state) if state else found


def batches_of(incentive: Incentive) -> QuerySet[CodeBatch]:
    """The batches of an incentive, the newest first."""
    return CodeBatch.objects.filter(incentive=incentive).order_by("-pk")


def batch_counts(incentive_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """(batches, codes that are done) of each of the incentives that has any, by its id, in one query."""
    rows = CodeBatch.objects.filter(incentive__in=incentive_ids).exclude(state=BatchState.CANCELLED)
    found: dict[int, tuple[int, int]] = {}
    for incentive_id, state, made in rows.values_list("incentive_id", "state", "made"):
        batches, ready = found.get(incentive_id, (0, 0))
        found[incentive_id] = batches + 1, ready + (made if state == BatchState.DONE else 0)
    return found


def used_codes(batch: CodeBatch) -> int:
    """How many of its codes were used at least once."""
    return Code.objects.filter(batch=batch).aggregate(n=Count("pk", filter=Q(used__gt=0)))["n"] or 0


def codes_as_csv(batch: CodeBatch) -> Iterator[bytes]:
    """The file ``code,uses_left,expires_at`` piece by piece, in the order the codes were made; a query for each piece, so that
    no transaction stays open however slowly it is read. Texts that begin like a formula cannot occur in codes.
    """
    expires = batch.expires_at.isoformat() if batch.expires_at else ""
    yield b"code,uses_left,expires_at\r\n"
    last = 0
    while True:
        rows = Code.objects.filter(batch=batch, pk__gt=last).order_by("pk").values_list("pk", "sealed", "used")[:PIECE]
        text = io.StringIO()
        writer = csv.writer(text)
        count = 0
        for pk, sealed, used in rows:
            writer.writerow([sealing.open_batch_seal(batch.public_id, sealed), batch.uses_per_code - used, expires])
            last, count = pk, count + 1
        if not count:
            return
        yield text.getvalue().encode()

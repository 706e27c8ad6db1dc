"""Run a partner's call at most once per key: the answer is stored in the transaction of the effect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import Problem

from ..models import IdempotentReply, Partner


class KeyReused(Problem):
    code = "idempotency-key-reused"
    title = _("This Idempotency-Key was used with another request")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    replayed: bool


def answer_once(
    *,
    partner: Partner,
    key: str,
    fingerprint: bytes,
    work: Callable[[], tuple[int, dict[str, Any]]],
) -> Answer:
    """Call ``work`` and keep its answer, or replay the one kept for ``(partner, key)``.

    A second call with the same key waits at the unique constraint until the first has committed, then replays it. A ``Problem``
    or a crash inside ``work`` rolls both back, so the caller may try again. Raises ``KeyReused`` for another ``fingerprint``.
    """
    with transaction.atomic():
        IdempotentReply.objects.bulk_create(
            [IdempotentReply(partner=partner, key=key, fingerprint=fingerprint)],
            ignore_conflicts=True,
        )
        reply = IdempotentReply.objects.select_for_update().get(partner=partner, key=key)
        if bytes(reply.fingerprint) != fingerprint:
            raise KeyReused(_("Use a new key for a new request; repeat a request only with the body it had."))
        if reply.status is not None:
            return Answer(reply.status, reply.body, replayed=True)
        status, body = work()
        IdempotentReply.objects.filter(pk=reply.pk).update(status=status, body=body)
        return Answer(status, body, replayed=False)

"""Run a partner's call at most once per key: the answer is stored in the transaction of the effect."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.prepared import prepared_cursor
from incentives_site.shared.problems import Problem

from ..models import IdempotentReply, Partner

# Before and after every call that a partner may repeat, so they are written out.
_BEGIN = """
INSERT INTO integrations_idempotentreply (partner_id, key, fingerprint, created_at)
VALUES (%s::bigint, %s::text, %s::bytea, %s::timestamptz) ON CONFLICT (partner_id, key) DO NOTHING RETURNING id
"""
_END = "UPDATE integrations_idempotentreply SET status = %s::smallint, body = %s::jsonb WHERE id = %s::bigint"


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
        with prepared_cursor() as cursor:
            cursor.execute(_BEGIN, [partner.pk, key, fingerprint, timezone.now()])
            row = cursor.fetchone()
        if row is None:
            reply = IdempotentReply.objects.select_for_update().get(partner=partner, key=key)
            if bytes(reply.fingerprint) != fingerprint:
                raise KeyReused(_("Use a new key for a new request; repeat a request only with the body it had."))
            if reply.status is not None:
                return Answer(reply.status, reply.body, replayed=True)
            row = (reply.pk,)
        status, body = work()
        with prepared_cursor() as cursor:
            cursor.execute(_END, [status, json.dumps(body), row[0]])
        return Answer(status, body, replayed=False)

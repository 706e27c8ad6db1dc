"""Run a partner's call at most once per key: the answer is stored in the transaction of the effect."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.json_text import json_text
from incentives_site.shared.prepared import array_text, prepared_cursor
from incentives_site.shared.problems import Kind, Problem

from .. import sealing
from ..models import IdempotentReply, Partner

# Before and after every call that a partner may repeat, so they are written out.
_BEGIN = """
INSERT INTO integrations_idempotentreply (partner_id, key, fingerprint, created_at)
VALUES (%s::bigint, %s::text, %s::bytea, %s::timestamptz) ON CONFLICT (partner_id, key) DO NOTHING RETURNING id
"""
_END = """
UPDATE integrations_idempotentreply SET status = %s::smallint, sealed = %s::bytea, mentions = %s::uuid[] WHERE id = %s::bigint
"""
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class KeyReused(Problem):
    code = "idempotency-key-reused"
    title = _("This Idempotency-Key was used with another request")


class ReplyUnreadable(Problem):
    code = "reply-unreadable"
    title = _("The answer to this Idempotency-Key can no longer be read")
    kind = Kind.CONFLICT


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
    or a crash inside ``work`` rolls both back, so the caller may try again. Raises ``KeyReused`` for another ``fingerprint``, and
    ``ReplyUnreadable`` when the key that sealed the answer is gone: the work was done and is not done twice.
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
                return Answer(reply.status, _opened(reply), replayed=True)
            row = (reply.pk,)
        status, body = work()
        text = json_text(body)
        with prepared_cursor() as cursor:
            cursor.execute(_END, [status, sealing.seal_reply(partner.pk, key, text.encode()), mentions_in(text), row[0]])
        return Answer(status, body, replayed=False)


def _opened(reply: IdempotentReply) -> Any:
    text = sealing.open_reply(reply.partner_id, reply.key, reply.sealed or b"")
    if text is None:
        raise ReplyUnreadable(_("The request was carried out once. Look up what it made instead of repeating it."))
    return json.loads(text)


def mentions_in(text: str) -> str:
    """The ids in an answer, as an array for the database."""
    return array_text(set(_ID.findall(text)))

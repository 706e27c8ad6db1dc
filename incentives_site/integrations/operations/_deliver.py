"""Deliver what is due: claim, send, write down what came of it.

A claim is a lease: committed before anything is sent, so no row is locked while a receiver takes its time. Who is killed between
sending and writing leaves a lease that ends, and the message is sent again under the id it had: at least once.
"""

import datetime
import json
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from django.db import connection, transaction
from django.db.models import Q

from .. import sealing
from ..models import OPEN, Disabled, State, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage, WebhookSecret
from ..rules import schedule, signing
from . import _send
from ._endpoints import switch_off

log = structlog.get_logger(__name__)
Clock = Callable[[], datetime.datetime]

LEASE = datetime.timedelta(minutes=2)  # longer than resolving a name and sending can take
AT_ONCE = 16  # threads; each waits for a receiver
AT_ONCE_PER_ENDPOINT = 2  # so that one that does not answer leaves room for the others
SECONDS = 45.0  # then the worker is left to other tasks; what is due is found by the next run
LOCK = 7_302_118  # names delivering among PostgreSQL's advisory locks
KEPT = datetime.timedelta(days=30)

_CLAIM = """
UPDATE integrations_webhookdelivery SET claim = %(claim)s, next_attempt_at = %(until)s
WHERE id IN (
    SELECT due.id FROM integrations_webhookendpoint e CROSS JOIN LATERAL (
        SELECT d.id, d.next_attempt_at FROM integrations_webhookdelivery d
        WHERE d.endpoint_id = e.id AND d.state IN ('pending', 'failed') AND d.next_attempt_at <= %(now)s
        ORDER BY d.next_attempt_at, d.id LIMIT %(each)s FOR UPDATE SKIP LOCKED
    ) due
    WHERE e.is_active AND NOT e.id = ANY(%(busy)s) ORDER BY due.next_attempt_at LIMIT %(most)s
)
RETURNING id
"""


def deliver_alone(*, clock: Clock) -> int:
    """``deliver`` unless another process is at it: receivers that do not answer never take more than one of the worker's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            return deliver(clock=clock)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def deliver(*, clock: Clock) -> int:
    """Send what is due until nothing is, for ``SECONDS`` at most; how many attempts were made. Any number may run at once."""
    done, begun = 0, time.perf_counter()
    _cancel_stragglers(clock())
    running: dict[Future[_send.Outcome], tuple[WebhookDelivery, datetime.datetime]] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhooks") as pool:
        while True:
            if time.perf_counter() - begun < SECONDS:
                for delivery in _claim([row for row, _at in running.values()], clock()):
                    at = clock()
                    running[pool.submit(_attempt, delivery, _secrets(delivery.endpoint, at), at)] = (delivery, at)
            if not running:
                return done
            finished, _others = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                delivery, at = running.pop(future)
                _settle(delivery, _outcome_of(future), at=at, now=clock())
                done += 1


def body_of(message: WebhookMessage) -> bytes:
    """What is signed and sent; the same bytes whenever it is asked."""
    content = {"type": message.type, "timestamp": message.created_at.isoformat(), "data": message.data}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def forget_old_messages(*, now: datetime.datetime, most: int = 5000) -> int:
    """Delete messages older than ``KEPT`` that are on their way to nobody, with their attempts; how many."""
    open_ones = WebhookDelivery.objects.filter(state__in=OPEN).values("message")
    old = WebhookMessage.objects.filter(created_at__lt=now - KEPT).exclude(pk__in=open_ones).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:most])
    WebhookMessage.objects.filter(pk__in=ids).delete()
    return len(ids)


def _cancel_stragglers(now: datetime.datetime) -> None:
    """What was being written while its endpoint, or its partner, was switched off."""
    off = Q(endpoint__is_active=False) | Q(endpoint__partner__is_active=False)
    WebhookDelivery.objects.filter(off, state__in=OPEN, next_attempt_at__lte=now).update(
        state=State.CANCELLED, next_attempt_at=None, claim=None
    )


def _claim(running: list[WebhookDelivery], now: datetime.datetime) -> list[WebhookDelivery]:
    room = AT_ONCE - len(running)
    if room <= 0:
        return []
    busy = [row.endpoint_id for row in running]
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "claim": uuid.uuid4(),
                "until": now + LEASE,
                "now": now,
                "each": AT_ONCE_PER_ENDPOINT,
                "most": room,
                "busy": [pk for pk in set(busy) if busy.count(pk) >= AT_ONCE_PER_ENDPOINT],
            },
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    rows = WebhookDelivery.objects.filter(pk__in=ids).select_related("message", "endpoint").order_by("message_id")
    return list(rows)


def _secrets(endpoint: WebhookEndpoint, now: datetime.datetime) -> list[bytes]:
    """The newest first. Those that were sealed with another key cannot be used any more."""
    rows = WebhookSecret.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), endpoint=endpoint).order_by("-pk")
    return [secret for row in rows if (secret := sealing.open_seal(row.sealed)) is not None]


def _attempt(delivery: WebhookDelivery, secrets: list[bytes], at: datetime.datetime) -> _send.Outcome:
    """In a thread of its own, which asks the database nothing."""
    if not secrets:
        return _send.Outcome(None, "no-secret", "", 0)
    message, body = delivery.message, body_of(delivery.message)
    signed = signing.headers(message_id=message.webhook_id, timestamp=int(at.timestamp()), body=body, secrets=secrets)
    own = {"Content-Type": "application/json", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": _AGENT}
    return _send.post(delivery.endpoint.url, body=body, headers={**own, **signed})


def _outcome_of(future: Future[_send.Outcome]) -> _send.Outcome:
    """A fault of ours in one attempt is that attempt's failure, and must not lose what became of the others."""
    if fault := future.exception():
        log.error("webhook_attempt_broken", exc_info=fault)
        return _send.Outcome(None, "internal", "", 0)
    return future.result()


_AGENT = "Incentives-Webhooks/1"


def _settle(delivery: WebhookDelivery, outcome: _send.Outcome, *, at: datetime.datetime, now: datetime.datetime) -> None:
    """Write down what came of an attempt. Whose lease has ended meanwhile changes nothing but by success."""
    with transaction.atomic():
        locked = WebhookDelivery.objects.select_for_update(of=("self",)).filter(pk=delivery.pk).first()
        if locked is None:
            return
        WebhookAttempt.objects.create(
            delivery=locked,
            at=at,
            status=outcome.status,
            duration_ms=outcome.duration_ms,
            excerpt=outcome.excerpt,
            error=outcome.error,
        )
        is_ours = locked.state in OPEN and locked.claim == delivery.claim
        if not outcome.error and locked.state in OPEN:
            _end(locked, State.DELIVERED)
        elif outcome.error and is_ours:
            locked.attempts += 1
            # Not a secret: it only spreads what comes back.
            following = schedule.next_attempt(locked.attempts, now=now, chance=random.random())  # noqa: S311
            if following is None:
                _end(locked, State.GAVE_UP)
            else:
                locked.state, locked.next_attempt_at, locked.claim = State.FAILED, following, None
        locked.save(update_fields=["state", "attempts", "next_attempt_at", "claim"])
        log.info(
            "webhook_attempt",
            delivery=str(locked.public_id),
            endpoint=str(delivery.endpoint.public_id),
            state=locked.state,
            status=outcome.status,
            error=outcome.error,
        )
    if outcome.status == 410:
        _switch_off_gone(delivery.endpoint_id, now)


def _end(delivery: WebhookDelivery, state: State) -> None:
    delivery.attempts += state == State.DELIVERED
    delivery.state, delivery.next_attempt_at, delivery.claim = state, None, None


def _switch_off_gone(endpoint_id: int, now: datetime.datetime) -> None:
    """The receiver says that it wants no more: neither this nor anything else."""
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
        switch_off(endpoint, why=Disabled.GONE, now=now)

"""Work through what sources sent: once each, in order, many at a time (``docs/ingestion.md``, Processing).

Everything a piece of work writes stands in one transaction with the deletion of the requests it came from: a crash at any instant
leaves the requests to be processed again, or their effect.
"""

import datetime
import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.db import OperationalError, connection, transaction

from incentives_site.shared.copying import copy_rows
from incentives_site.shared.money import CURRENCIES, MINOR_DIGITS

from ..models import Channel, Customer, Event, Intake, PurchaseLine, Rejection, Source, Suppression
from ..queries import identity_rules, normalised, suppressed
from ..rules import consent_heard, orders, protocol, trust
from ..rules.consent import How
from ..rules.faults import Misunderstood
from ..rules.identities import IdentityRule, plain
from ..rules.protocol import Incoming, NotTaken, Refusal
from ..rules.resolution import VISITOR, Identifier
from ..rules.timeline import EventType, message_digest, name_from
from ..rules.trust import Evidence, Proof, TokenState, Trust
from ._consent import Choice, Said, record_all
from ._insight import refresh_insight
from ._resolve import Resolved, Signal, hold, resolve_all
from ._segments import refresh_memberships
from ._tokens import read_token

log = structlog.get_logger(__name__)

LOCK = 7_302_121  # names the processing among PostgreSQL's advisory locks
EVENTS_AT_ONCE = 1_000
REQUESTS_AT_ONCE = 200
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Processed:
    """How many requests were worked through, how many events are new on a timeline, came a second time, and were refused."""

    requests: int = 0
    events: int = 0
    repeated: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Heard:
    """One event of a request: understood, and whom it names. ``visitor`` is among the identifiers, but proves nothing."""

    source: Source
    event: Incoming
    received_at: datetime.datetime
    identifiers: tuple[Identifier, ...]
    digest: uuid.UUID
    raw: object
    evidence: Evidence = Evidence(Proof.SERVER)  # noqa: RUF009  (frozen)
    visitor: Identifier | None = None
    token: TokenState | None = None

    @property
    def is_unverified(self) -> bool:
        """Whether it says something of weight that this source may not say: it stands on the timeline, and counts for nothing."""
        if self.event.type is not EventType.TRACK or not trust.is_weighty(self.event.name):
            return False
        if self.event.name in consent_heard.NAMES:
            return not trust.may_speak_of_consent(self.evidence.proof)
        return not trust.counts_as_order(Trust(self.source.trust))


def process_events(*, now: datetime.datetime) -> Processed | None:
    """Work through what has waited longest; ``None`` when somebody else is at it. Zero requests: nothing waits.

    One process at a time does so, so that what a customer did is processed in the order it was sent.
    """
    try:
        return _process(None, now)
    except OperationalError:
        raise
    except Exception:
        log.exception("events_not_processed")
        return _one_by_one(now)


def _one_by_one(now: datetime.datetime) -> Processed | None:
    """One of the requests cannot be processed, and must not hold up the others."""
    pks = list(Intake.objects.order_by("pk").values_list("pk", flat=True)[:REQUESTS_AT_ONCE])
    total = Processed()
    for pk in pks:
        try:
            done = _process(pk, now)
        except OperationalError:
            raise
        except Exception:
            log.exception("request_not_processed", request=pk)
            done = _give_up(pk)
        if done is None:
            return None
        total = Processed(*(a + b for a, b in zip(_counts(total), _counts(done), strict=True)))
    return total


def _counts(done: Processed) -> tuple[int, int, int, int]:
    return done.requests, done.events, done.repeated, done.refused


def _give_up(pk: int) -> Processed:
    """After three attempts the events go to the rejections, from where they can be sent again."""
    with transaction.atomic():
        intake = Intake.objects.select_for_update(of=("self",)).select_related("source").filter(pk=pk).first()
        if intake is None:
            return Processed()
        intake.attempts += 1
        if intake.attempts < ATTEMPTS:
            intake.save(update_fields=["attempts"])
            return Processed()
        data, _is_strict = protocol.parse(bytes(intake.body))
        raws = protocol.events_of(data, intake.kind) or []
        _reject([(intake.source, raw, Refusal.NOT_PROCESSED, intake.received_at) for raw in raws])
        intake.delete()
        return Processed(1, 0, 0, len(raws))


def _process(only: int | None, now: datetime.datetime) -> Processed | None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                return None
        requests = _waiting(only)
        if not requests:
            return Processed()
        heard, refused = _understand(requests)
        fresh, again = _only_new(heard)
        fresh, nobody = _named(fresh)
        refused += nobody
        fresh = _without_erased(fresh)
        resolved = resolve_all(
            [Signal(item.identifiers, item.event.occurred_at, item.source.key, item.visitor) for item in fresh],
            by="events",
            now=now,
        )
        _write_events(fresh, resolved)
        # A request that came after we looked at the clock has happened: it counts.
        seen_at = max([now, *(item.received_at for item in fresh)])
        retold = _write_traits(fresh, resolved)
        retold += _write_claims(fresh, resolved)
        _write_consents(fresh, resolved, retold, seen_at)
        _write_orders(fresh, resolved)
        refresh_insight(customers={who.customer_id for who in resolved}, now=seen_at)
        refresh_memberships(customers={who.customer_id for who in resolved}, now=seen_at)
        _reject(refused)
        Intake.objects.filter(pk__in=[request.pk for request in requests]).delete()
        return Processed(len(requests), len(fresh), again, len(refused))


def _waiting(only: int | None) -> list[Intake]:
    waiting = Intake.objects.select_related("source__channel").order_by("pk")
    return list(waiting.filter(pk=only) if only is not None else waiting[:REQUESTS_AT_ONCE])


Refused = tuple[Source, object, Refusal, datetime.datetime]


def _understand(requests: list[Intake]) -> tuple[list[_Heard], list[Refused]]:
    """The events of the requests, as many as make a piece; requests beyond are taken off the list."""
    rules = identity_rules()
    known: Known = {}
    heard: list[_Heard] = []
    refused: list[Refused] = []
    for position, request in enumerate(requests):
        if len(heard) >= EVENTS_AT_ONCE:
            del requests[position:]
            break
        data, is_strict = protocol.parse(bytes(request.body))
        envelope = data.get("context") if "batch" in data else None
        sent_at = protocol.instant(data.get("sentAt"))
        for raw in protocol.events_of(data, request.kind) or []:
            try:
                event = protocol.read_event(
                    raw,
                    received_at=request.received_at,
                    sent_at=sent_at,
                    envelope=envelope if isinstance(envelope, dict) else None,
                    is_strict=is_strict,
                )
            except NotTaken as error:
                refused.append((request.source, raw, error.reason, request.received_at))
                continue
            heard.append(_heard(request, event, raw, rules, known))
    return heard, refused


Known = dict[tuple[str, object], Identifier | None]


def _heard(request: Intake, event: Incoming, raw: object, rules: Mapping[str, IdentityRule], known: Known) -> _Heard:
    source = request.source
    state, told = read_token(source, event.token, at=request.received_at) if event.token else (None, {})
    evidence = trust.evidence(Trust(source.trust), event.named, visitor=event.visitor, token=told)
    visitor = None if evidence.visitor is None else _normal((VISITOR, evidence.visitor), rules, known)
    return _Heard(
        source,
        event,
        request.received_at,
        _identifiers(evidence.named, rules, known),
        message_digest(source.key, event.message_id),
        raw,
        evidence,
        visitor,
        state,
    )


def _identifiers(named: Iterable[tuple[str, object]], rules: Mapping[str, IdentityRule], known: Known) -> tuple[Identifier, ...]:
    """What names somebody, as it is written; junk names nobody."""
    found = (_normal(said, rules, known) for said in named)
    return tuple(dict.fromkeys(identifier for identifier in found if identifier is not None))


def _normal(said: tuple[str, object], rules: Mapping[str, IdentityRule], known: Known) -> Identifier | None:
    """As it is written; ``None`` for junk. What was written once need not be again."""
    if said not in known:
        try:
            known[said] = normalised(*said, rules)
        except Misunderstood:
            known[said] = None
    return known[said]


def _only_new(heard: list[_Heard]) -> tuple[list[_Heard], int]:
    """Those whose message no timeline has, the first of each; and how many came again. What names nobody is not kept as seen."""
    first: dict[uuid.UUID, _Heard] = {}
    for item in heard:
        first.setdefault(item.digest, item)
    somebody = [item for item in first.values() if item.identifiers]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_seenmessage (digest, seen_at) SELECT * FROM unnest(%s::uuid[], %s::timestamptz[]) ORDER BY 1 "
            "ON CONFLICT DO NOTHING RETURNING digest",
            [[item.digest for item in somebody], [item.received_at for item in somebody]],
        )
        new = {digest for (digest,) in cursor.fetchall()}
    fresh = [item for item in first.values() if item.digest in new or not item.identifiers]
    return fresh, len(heard) - len(fresh)


def _named(fresh: list[_Heard]) -> tuple[list[_Heard], list[Refused]]:
    somebody = [item for item in fresh if item.identifiers]
    return somebody, [(item.source, item.raw, _why_nobody(item), item.received_at) for item in fresh if not item.identifiers]


def _why_nobody(item: _Heard) -> Refusal:
    return Refusal.UNPROVEN if item.evidence.claimed or item.token else Refusal.NO_IDENTITY


def _without_erased(fresh: list[_Heard]) -> list[_Heard]:
    """Who was erased stays out, and what is said of them is kept nowhere, not even among what was refused."""
    named = {identifier for item in fresh for identifier in item.identifiers}
    hold(named)  # whoever is being erased right now has been after this
    if not Suppression.objects.exists():
        return fresh
    out = suppressed(named)
    return [item for item in fresh if out.isdisjoint(item.identifiers)] if out else fresh


def forget_waiting(*, identifiers: Collection[Identifier], texts: Collection[str]) -> int:
    """Take out of what waits each event that names one of the identifiers, or says one of the plain texts; how many.

    Joins the caller's transaction, which holds the identifiers: what is being processed meanwhile is dropped there.
    """
    rules, known, gone = identity_rules(), Known(), 0
    for request in Intake.objects.order_by("pk").iterator(chunk_size=20):
        data, is_strict = protocol.parse(bytes(request.body))
        envelope = data.get("context") if "batch" in data else None
        raws = protocol.events_of(data, request.kind) or []
        around = {name: value for name, value in data.items() if name != "batch"} if "batch" in data else {}
        kept = [] if _says(around, texts) else [
            raw for raw in raws
            if not _says(raw, texts)
            and not _names(raw, request.received_at, envelope, is_strict, identifiers, rules, known)
        ]  # fmt: skip
        gone += len(raws) - len(kept)
        if raws and not kept:
            request.delete()
        elif len(kept) < len(raws):
            body = json.dumps({**data, "batch": kept}).encode()
            Intake.objects.filter(pk=request.pk).update(body=body)
    return gone


def _names(
    raw: object,
    received_at: datetime.datetime,
    envelope: object,
    is_strict: bool,
    identifiers: Collection[Identifier],
    rules: Mapping[str, IdentityRule],
    known: Known,
) -> bool:
    try:
        context = envelope if isinstance(envelope, dict) else None
        event = protocol.read_event(raw, received_at=received_at, sent_at=None, envelope=context, is_strict=is_strict)
    except NotTaken:
        return False
    # Also one that is only claimed: it is said in the event, and would be kept with it.
    return any(identifier in identifiers for identifier in _identifiers(event.named, rules, known))


def _says(data: object, texts: Collection[str]) -> bool:
    """Whether one of the plain texts is said anywhere in it, as a value of its own."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and plain(one) in texts:
            return True
    return False


_EVENT = (
    "public_id",
    "customer",
    "type",
    "name",
    "channel",
    "occurred_at",
    "received_at",
    "source",
    "message_id",
    "properties",
    "context",
)


def _write_events(fresh: Sequence[_Heard], resolved: Sequence[Resolved]) -> None:
    copy_rows(Event, _EVENT, (_row(item, who) for item, who in zip(fresh, resolved, strict=True)))


def _row(item: _Heard, who: Resolved) -> tuple[Any, ...]:
    event = item.event
    identity: dict[str, Any] = {"named": item.identifiers}
    if item.evidence.proof is not Proof.SERVER:
        # Who reads the timeline later must not take a claim for a fact.
        identity["proof"] = item.evidence.proof.value
        if item.evidence.claimed:
            identity["claimed"] = [[kind, str(value)] for kind, value in item.evidence.claimed]
    if item.token is not None:
        identity["token"] = item.token.value
    if who.dropped:
        identity["dropped"] = [[*identifier, reason.value] for identifier, reason in who.dropped]
    # Ours, whatever a source calls by this name: whom the event named, and what of it was not used.
    context = {**event.context, "identity": identity}
    return (
        uuid.uuid4(),
        who.customer_id,
        (EventType.UNVERIFIED if item.is_unverified else event.type).value,
        event.name if trust.may_name_freely(Trust(item.source.trust)) else name_from(item.source.key, event.name),
        item.source.channel_id,
        event.occurred_at,
        item.received_at,
        item.source.key,
        event.message_id,
        orjson.dumps(event.properties).decode(),
        orjson.dumps(context).decode(),
    )


_WITH_TRAITS = (EventType.IDENTIFY, EventType.IMPORTED)
_TRAITS = """
UPDATE customers_customer c SET traits = t.traits, traits_at = t.said,
    display_name = CASE WHEN t.name <> '' THEN t.name ELSE c.display_name END,
    language = CASE WHEN t.language <> '' THEN t.language ELSE c.language END,
    time_zone = CASE WHEN t.zone <> '' THEN t.zone ELSE c.time_zone END
FROM jsonb_to_recordset(%s::jsonb) AS t (id bigint, traits jsonb, said jsonb, name text, language text, zone text)
WHERE c.id = t.id
"""


@dataclass(frozen=True, slots=True)
class _Retold:
    """An event that says something about consent by traits: what they were before it, and after."""

    item: _Heard
    customer: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def _write_traits(fresh: Sequence[_Heard], resolved: Sequence[Resolved]) -> list[_Retold]:
    """Writes what was said, and answers where it was about consent."""
    said: dict[int, list[_Heard]] = {}
    for item, who in zip(fresh, resolved, strict=True):
        if item.event.type in _WITH_TRAITS and trust.writes_attributes(Trust(item.source.trust)):
            said.setdefault(who.customer_id, []).append(item)
    rows: list[dict[str, Any]] = []
    retold: list[_Retold] = []
    if not said:
        return retold
    found = Customer.objects.filter(pk__in=said).order_by("pk").values_list("pk", "traits", "traits_at")
    for pk, traits, said_at in found:
        for item in said[pk]:
            before, event = traits, item.event
            traits, said_at = protocol.write_traits(traits, said_at, event.traits, event.occurred_at)
            if not consent_heard.TRAITS.isdisjoint(event.traits):
                retold.append(_Retold(item, pk, before, traits))
        last = max((item.event for item in said[pk]), key=lambda event: event.occurred_at)
        name, language, zone = _words(traits, last.context)
        rows.append({"id": pk, "traits": traits, "said": said_at, "name": name, "language": language, "zone": zone})
    with connection.cursor() as cursor:
        cursor.execute(_TRAITS, [orjson.dumps(rows).decode()])
    return retold


_CLAIMS = """
UPDATE customers_customer c SET claims = t.claims FROM jsonb_to_recordset(%s::jsonb) AS t (id bigint, claims jsonb)
WHERE c.id = t.id
"""


def _write_claims(fresh: Sequence[_Heard], resolved: Sequence[Resolved]) -> list[_Retold]:
    """What public keys said of somebody, the later over the earlier: to be read by people, never asked by a condition.

    Answers where a customer with a token said something about consent.
    """
    said: dict[int, list[_Heard]] = {}
    retold: list[_Retold] = []
    for item, who in zip(fresh, resolved, strict=True):
        if item.event.type is EventType.IDENTIFY and not trust.writes_attributes(Trust(item.source.trust)):
            said.setdefault(who.customer_id, []).append(item)
    if not said:
        return retold
    rows = []
    for pk, claims in Customer.objects.filter(pk__in=said).order_by("pk").values_list("pk", "claims"):
        for item in sorted(said[pk], key=lambda item: item.event.occurred_at):
            traits = item.event.traits
            if trust.may_speak_of_consent(item.evidence.proof) and not consent_heard.TRAITS.isdisjoint(traits):
                retold.append(_Retold(item, pk, claims, {**claims, **traits}))
            claims = trust.kept_claims(claims, traits)
        rows.append({"id": pk, "claims": claims})
    with connection.cursor() as cursor:
        cursor.execute(_CLAIMS, [orjson.dumps(rows).decode()])
    return retold


def _write_consents(
    fresh: Sequence[_Heard], resolved: Sequence[Resolved], retold: Sequence[_Retold], now: datetime.datetime
) -> None:
    """What the events say of consent, in their order, as statements of the customers."""
    told = [
        (item, who.customer_id)
        for item, who in zip(fresh, resolved, strict=True)
        if item.event.name in consent_heard.NAMES and item.event.type is EventType.TRACK and not item.is_unverified
    ]
    by_traits = [one for one in retold if one.item.event.type is EventType.IDENTIFY]
    if not told and not by_traits:
        return
    channels = dict(Channel.objects.filter(is_active=True).values_list("key", "kind"))
    found: list[tuple[_Heard, int, list[consent_heard.Heard]]] = []
    for item, customer in told:
        own = item.source.channel.key
        heard = consent_heard.heard_in_event(item.event.name, item.event.properties, channels=channels, own=own)
        found.append((item, customer, heard))
    for one in by_traits:
        found.append((one.item, one.customer, consent_heard.heard_in_traits(one.before, one.after, channels=channels)))
    said = [
        Said(
            customer,
            [Choice(heard.is_given, heard.topic.channel, heard.topic.purpose, heard.topic.kind)],
            # What lies ahead would hold against all that is said until then.
            min(item.event.occurred_at, now),
            f"source:{item.source.key}",
            heard.wording,
            heard.reason,
        )
        for item, customer, all_heard in found
        for heard in all_heard
    ]
    record_all(said=said, how=How.EVENT, now=now)


def _words(traits: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[str, str, str]:
    """What the customer is called, its language and its time zone, as far as traits and context say."""
    name = traits.get("name")
    if not isinstance(name, str) or not name.strip():
        parts = [traits.get(key) for key in ("firstName", "lastName", "first_name", "last_name")]
        name = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    locale, zone = context.get("locale"), context.get("timezone")
    language = locale.split("-")[0].split("_")[0].lower() if isinstance(locale, str) else ""
    return (
        name.strip()[:200],
        language if 2 <= len(language) <= 3 and language.isalpha() else "",
        zone[:64] if isinstance(zone, str) and "/" in zone else "",
    )


_PURCHASES = """
INSERT INTO customers_purchase (public_id, customer_id, source, order_key, channel_id, store_id, placed_at, currency, paid,
    discount)
SELECT gen_random_uuid(), o.customer, o.source, o.key, o.channel, s.id, o.placed_at, o.currency, o.paid, o.discount
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[],
    %s::bigint[]) AS o (customer, source, key, channel, store, placed_at, currency, paid, discount)
LEFT JOIN customers_store s ON s.key = o.store AND s.channel_id = o.channel
ON CONFLICT (source, order_key) DO NOTHING RETURNING source, order_key, id
"""
_REFUNDS = """
UPDATE customers_purchase p SET refunded = LEAST(p.paid, p.refunded + r.amount)
FROM (SELECT source, key, sum(amount) AS amount FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
      AS r (source, key, currency, amount) GROUP BY source, key) AS r
WHERE p.source = r.source AND p.order_key = r.key
"""


def _write_orders(fresh: Sequence[_Heard], resolved: Sequence[Resolved]) -> None:
    completed: dict[tuple[str, str], tuple[orders.Order, tuple[Any, ...]]] = {}
    refunded: list[tuple[str, str, str, int]] = []
    for item, who in zip(fresh, resolved, strict=True):
        event, source = item.event, item.source
        if event.type is not EventType.TRACK or event.name not in {orders.COMPLETED, orders.REFUNDED}:
            continue
        if not trust.counts_as_order(Trust(source.trust)):
            continue
        order = orders.read_order(event.properties, currency=source.currency, digits=MINOR_DIGITS, known=CURRENCIES)
        if order is None:
            continue
        if event.name == orders.REFUNDED:
            refunded.append((source.key, order.key, order.currency, order.paid))
            continue
        store = event.properties.get("store")
        row = (who.customer_id, source.key, order.key, source.channel_id, store if isinstance(store, str) else "")
        amounts = (event.occurred_at, order.currency, order.paid, order.discount)
        completed.setdefault((source.key, order.key), (order, row + amounts))
    with connection.cursor() as cursor:
        if completed:
            cursor.execute(_PURCHASES, _columns(row for _order, row in completed.values()))
            written = {(source, key): pk for source, key, pk in cursor.fetchall()}
            copy_rows(
                PurchaseLine,
                ["purchase", "position", "sku", "name", "category", "brand", "quantity", "paid", "discount"],
                (
                    (pk, position, line.sku, line.name, line.category, line.brand, line.quantity, line.paid, 0)
                    for name, pk in written.items()
                    for position, line in enumerate(completed[name][0].lines)
                ),
            )
        if refunded:
            cursor.execute(_REFUNDS, _columns(refunded))


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _reject(refused: Sequence[Refused]) -> None:
    Rejection.objects.bulk_create(
        Rejection(
            source=source,
            reason=reason.value,
            message_id=_message_id(raw),
            body=_as_text(raw),
            received_at=received_at,
        )
        for source, raw, reason, received_at in refused
    )


def _message_id(raw: object) -> str:
    said = raw.get("messageId") if isinstance(raw, dict) else None
    return said[:100] if isinstance(said, str) and said.isprintable() else ""


def _as_text(raw: object) -> str:
    """JSON that can be stored and read: escapes for what PostgreSQL does not keep in a text."""
    try:
        return json.dumps(protocol.without_token(raw))[: protocol.LARGEST_EVENT]
    except (ValueError, RecursionError):
        return "null"

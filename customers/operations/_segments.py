"""Define segments, count who is in them, and keep each customer's membership fresh (``docs/segments.md``)."""

import datetime
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.jobs import enqueue
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from .. import queries
from ..models import Customer, Segment, SegmentChange, SegmentKind, SegmentMember, SegmentState, SegmentTouch, Unjudged
from ..rules.faults import Misunderstood
from ..rules.segments import Circle, Rule, changes_with_time, in_levels, segments_in
from ..rules.timeline import EventType
from ._holdings import Erasing, Holding, Moving

log = structlog.get_logger(__name__)

# Names of these locks among PostgreSQL's advisory locks.
COUNTING = 7_302_122  # held with the segment's id while it is counted
SLOT = 7_302_123  # held with a number by each of those that count at once
GATE = 7_302_124  # shared by who judges single customers; alone: who starts a count, and who writes one down
LISTS = 7_302_125  # held with the segment's id by who changes a list

AT_ONCE = 2
TIMEOUT = datetime.timedelta(minutes=10)
TOLD_AT_ONCE = 5_000
DUE_AFTER = datetime.timedelta(minutes=55)
ALWAYS_DUE_AFTER = datetime.timedelta(days=1)
WORK_MEMORY = "128MB"


class SegmentInUse(Problem):
    code = "segment-in-use"
    title = gettext_lazy("Other segments refer to this one")
    kind = Kind.CONFLICT


class SegmentChanged(Problem):
    code = "segment-changed"
    title = gettext_lazy("Somebody has changed this segment meanwhile")
    kind = Kind.CONFLICT


class NotCounting(Problem):
    code = "not-counting"
    title = gettext_lazy("This segment is not being counted")
    kind = Kind.CONFLICT


# --- Defining ---------------------------------------------------------------------------------------------------------------


def define_segment(
    *,
    name: str,
    by: str,
    now: datetime.datetime,
    key: str = "",
    description: str = "",
    rule: Any = None,
    kind: str = SegmentKind.RULE,
) -> Segment:
    """Make a segment; one with a rule is counted at once in the background. Raises ``Invalid``."""
    key = key.strip() or slugify(name)[:64]
    errors = _name_errors(name, description)
    if not key or slugify(key) != key or len(key) > 64:
        errors.append(FieldError("/key", "bad-key", _("Small letters, digits and hyphens, at most 64.")))
    is_rule = kind == SegmentKind.RULE
    parsed = _understood(rule, errors) if is_rule else None
    if parsed is not None:
        errors += _reference_errors(key, parsed)
    if errors:
        raise Invalid(errors=errors)
    try:
        with transaction.atomic():
            segment = Segment.objects.create(
                key=key,
                name=name.strip(),
                description=description.strip(),
                kind=kind,
                rule=rule or {},
                changes_with_time=parsed is not None and changes_with_time(parsed),
                state=SegmentState.WAITING if is_rule else SegmentState.GOOD,
                good_at=None if is_rule else now,
                created_at=now,
                changed_at=now,
                created_by=by[:100],
            )
    except IntegrityError:
        raise Invalid(errors=[FieldError("/key", "taken", _("There is a segment with this key."))]) from None
    if is_rule:
        enqueue("customers.tasks.count_segment", segment=segment.pk)
    return segment


def revise_segment(
    *, segment: Segment, version: int, by: str, now: datetime.datetime, name: str, description: str = "", rule: Any = None
) -> Segment:
    """Change a segment as it was at ``version``; a new rule is counted from the start, and a count of the old one ends.

    Who is in it stays until then. Raises ``Invalid``, and ``SegmentChanged`` when it is at another version by now.
    """
    errors = _name_errors(name, description)
    parsed = _understood(rule, errors) if segment.kind == SegmentKind.RULE else None
    if parsed is not None:
        errors += _reference_errors(segment.key, parsed)
    if errors:
        raise Invalid(errors=errors)
    changes: dict[str, Any] = {"name": name.strip(), "description": description.strip(), "changed_at": now}
    is_new = parsed is not None and (rule or {}) != segment.rule
    if is_new and parsed is not None:
        changes |= {
            "rule": rule or {},
            "version": version + 1,
            "changes_with_time": changes_with_time(parsed),
            "state": SegmentState.WAITING,
            "reason": "",
        }
    with transaction.atomic():
        found = Segment.objects.filter(pk=segment.pk, version=version, archived_at=None)
        if found.update(**changes) != 1:
            raise SegmentChanged(_("Look at it again and repeat what you meant."))
        if is_new:
            # Not before the new version is there for whoever comes next.
            transaction.on_commit(lambda: _stop_counting(segment.pk))
            enqueue("customers.tasks.count_segment", segment=segment.pk)
    segment.refresh_from_db()
    return segment


def archive_segment(*, segment: Segment, by: str, now: datetime.datetime) -> None:
    """Give a segment up: nobody is in it any more. Raises ``SegmentInUse``."""
    users = [one.name for one in queries.dependents(segment.key) if one.pk != segment.pk]
    if users:
        raise SegmentInUse(_("Change these first: %(names)s.") % {"names": ", ".join(users)})
    with transaction.atomic():
        _gate(alone=True)
        # The key becomes free for another.
        renamed = f"{segment.key[:40]}-{segment.pk}-archived"[:64]
        Segment.objects.filter(pk=segment.pk, archived_at=None).update(archived_at=now, key=renamed, changed_at=now)
        with connection.cursor() as cursor:
            cursor.execute(_LEAVE_ALL, {"segment": segment.pk, "now": now})
        transaction.on_commit(lambda: _stop_counting(segment.pk))
        enqueue("customers.tasks.tend_segments")
    log.info("segment_archived", segment=segment.key, by=by)


def _name_errors(name: str, description: str) -> list[FieldError]:
    errors = []
    if not name.strip() or len(name.strip()) > 100 or "\x00" in name:
        errors.append(FieldError("/name", "bad-name", _("A name of at most 100 characters.")))
    if len(description.strip()) > 300 or "\x00" in description:
        errors.append(FieldError("/description", "bad-text", _("At most 300 characters.")))
    return errors


def _understood(rule: Any, errors: list[FieldError]) -> Rule | None:
    try:
        return queries.parsed_rule(rule)
    except Misunderstood as error:
        errors += [FieldError(f"/rule{fault.pointer}", fault.code, fault.detail) for fault in error.faults]
    return None


def _reference_errors(key: str, rule: Rule) -> list[FieldError]:
    others = {one.key: one for one in queries.segments() if one.key != key}
    used = segments_in(rule)
    errors = [
        FieldError("/rule", "unknown-segment", _("There is no segment “%(key)s”.") % {"key": one})
        for one in sorted(used - others.keys() - {key})
    ]
    uses = {one.key: segments_in(queries.rule_of(one)) for one in others.values() if one.kind == SegmentKind.RULE}
    try:
        in_levels({**uses, key: used})
    except Circle as circle:
        errors.append(FieldError("/rule", "circle", _("Segments refer to each other in a circle: %(path)s.") % {"path": circle}))
    return errors


# --- Counting one segment ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of a count: ``outcome`` is ``good``, ``failed``, ``obsolete`` (stopped or edited), ``busy`` or ``idle``."""

    outcome: str
    entered: int = 0
    left: int = 0


def count_segment(
    *,
    segment: int,
    now: Callable[[], datetime.datetime] = timezone.now,
    timeout: datetime.timedelta = TIMEOUT,
) -> Counted:
    """Count one segment that waits, by its id, and write the difference; joins no transaction of the caller.

    Only one process counts a segment, and ``AT_ONCE`` of them count at a time: otherwise ``busy``, and it goes on waiting.
    """
    with _held(COUNTING, [segment]) as mine, _held(SLOT, range(AT_ONCE)) as slot:
        if mine is None or slot is None:
            return Counted("busy")
        row = _begin(segment, now())
        if row is None:
            return Counted("idle")
        started = time.monotonic()
        try:
            done = _count(row, now(), timeout, started)
        except DatabaseError as error:
            done = _ended(row, error, timeout)
        except Misunderstood as error:
            done = _failed(row, "; ".join(fault.detail for fault in error.faults))
        finally:
            SegmentTouch.objects.filter(segment=row).delete()
    if done.entered or done.left:
        tell_changes(segment=row.pk)
        _recount_dependents(row)
    return done


def _begin(pk: int, now: datetime.datetime) -> Segment | None:
    """From here on, who is judged for itself leaves a note. Nobody is being judged meanwhile."""
    with transaction.atomic():
        _gate(alone=True)
        SegmentTouch.objects.filter(segment=pk).delete()
        waiting = Segment.objects.filter(pk=pk, state=SegmentState.WAITING, kind=SegmentKind.RULE, archived_at=None)
        if waiting.update(state=SegmentState.RUNNING, running_since=now) != 1:
            return None
        return Segment.objects.get(pk=pk)


_SCRATCH = "CREATE TEMPORARY TABLE segment_scratch ON COMMIT DROP AS "
_LEAVE = """
WITH gone AS (
    DELETE FROM customers_segmentmember m WHERE m.segment_id = %(segment)s
        AND NOT EXISTS (SELECT 1 FROM segment_scratch s WHERE s.customer_id = m.customer_id)
        AND NOT EXISTS (SELECT 1 FROM customers_segmenttouch t WHERE t.segment_id = %(segment)s AND t.customer_id = m.customer_id)
    RETURNING m.customer_id
)
INSERT INTO customers_segmentchange (segment_id, customer_id, has_entered, at)
SELECT %(segment)s, customer_id, false, %(now)s FROM gone
"""
_ENTER = """
WITH new AS (
    INSERT INTO customers_segmentmember (segment_id, customer_id, since)
    SELECT %(segment)s, s.customer_id, %(now)s FROM segment_scratch s
    WHERE NOT EXISTS (SELECT 1 FROM customers_segmentmember m WHERE m.segment_id = %(segment)s AND m.customer_id = s.customer_id)
        AND NOT EXISTS (SELECT 1 FROM customers_segmenttouch t WHERE t.segment_id = %(segment)s AND t.customer_id = s.customer_id)
    RETURNING customer_id
)
INSERT INTO customers_segmentchange (segment_id, customer_id, has_entered, at)
SELECT %(segment)s, customer_id, true, %(now)s FROM new
"""
_LEAVE_ALL = """
WITH gone AS (DELETE FROM customers_segmentmember m WHERE m.segment_id = %(segment)s RETURNING m.customer_id)
INSERT INTO customers_segmentchange (segment_id, customer_id, has_entered, at)
SELECT %(segment)s, customer_id, false, %(now)s FROM gone
"""


def _count(row: Segment, now: datetime.datetime, timeout: datetime.timedelta, started: float) -> Counted:
    sql, parameters = queries.members_sql(queries.rule_of(row), now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        # A client that was killed is noticed, and the statement ends with it.
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('work_mem', %s, true),"
            " set_config('client_connection_check_interval', '2s', true)",
            [str(int(timeout.total_seconds() * 1000)), WORK_MEMORY],
        )
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        cost = queries.cost_of(cursor.fetchone()[0])
        cursor.execute(_SCRATCH + sql, parameters)
        rows = cursor.rowcount
        cursor.execute("ANALYZE segment_scratch")
        _gate(alone=True)
        still = Segment.objects.select_for_update(of=("self",), no_key=True).filter(
            pk=row.pk, version=row.version, state=SegmentState.RUNNING, archived_at=None
        )
        if not still.exists():
            transaction.set_rollback(True)
            return Counted("obsolete")
        values: dict[str, Any] = {"segment": row.pk, "now": now}
        cursor.execute(_LEAVE, values)
        left = cursor.rowcount
        cursor.execute(_ENTER, values)
        entered = cursor.rowcount
        cursor.execute("DROP TABLE segment_scratch")
        Segment.objects.filter(pk=row.pk).update(
            state=SegmentState.GOOD,
            reason="",
            running_since=None,
            good_at=now,
            good_version=row.version,
            seconds=round(time.monotonic() - started, 2),
            rows=rows,
            cost=cost,
        )
    return Counted("good", entered, left)


def _ended(row: Segment, error: DatabaseError, timeout: datetime.timedelta) -> Counted:
    """The database ended the count: stopped by somebody, too slow, or it could not be done."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", "") == "57014" and "timeout" in str(cause):
        words = _("It took longer than %(seconds)s seconds and was given up.") % {"seconds": int(timeout.total_seconds())}
        return _failed(row, words)
    if getattr(cause, "sqlstate", "") == "57014":
        return Counted("obsolete")
    return _failed(row, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)


def _failed(row: Segment, reason: str) -> Counted:
    """Who is in the segment stays as it was last counted."""
    running = Segment.objects.filter(pk=row.pk, version=row.version, state=SegmentState.RUNNING)
    if running.update(state=SegmentState.FAILED, reason=reason[:300], running_since=None) != 1:
        return Counted("obsolete")
    log.warning("segment_not_counted", segment=row.key, reason=reason[:300])
    return Counted("failed")


def recount(*, segment: Segment, by: str) -> None:
    """Have it counted anew, in the background; while it is being counted that changes nothing."""
    with transaction.atomic():
        found = Segment.objects.filter(pk=segment.pk, kind=SegmentKind.RULE, archived_at=None)
        found.exclude(state=SegmentState.RUNNING).update(state=SegmentState.WAITING, reason="")
        enqueue("customers.tasks.count_segment", segment=segment.pk)
    log.info("segment_recount", segment=segment.key, by=by)


def stop_count(*, segment: Segment, by: str) -> None:
    """Stop a count, or take it off what waits; who is in the segment stays as it was. Raises ``NotCounting``."""
    found = Segment.objects.filter(pk=segment.pk, state__in=[SegmentState.RUNNING, SegmentState.WAITING])
    reason = _("Stopped by %(who)s.") % {"who": by}
    if found.update(state=SegmentState.CANCELLED, reason=reason[:300], running_since=None) != 1:
        raise NotCounting(_("It was done before."))
    _stop_counting(segment.pk)


_CANCEL = """
SELECT pg_cancel_backend(l.pid) FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid() AND l.classid = %s AND l.objid = %s AND l.objsubid = 2
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _stop_counting(pk: int) -> None:
    """End the statement of whoever counts the segment; it then finds out that nobody wants it any more."""
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL, [COUNTING, pk])


def _recount_dependents(row: Segment) -> None:
    with transaction.atomic():
        for one in queries.dependents(row.key):
            Segment.objects.filter(pk=one.pk).exclude(state=SegmentState.RUNNING).update(state=SegmentState.WAITING, reason="")
            # One that is being counted may have read the old members: once more after it.
            Segment.objects.filter(pk=one.pk, state=SegmentState.RUNNING).update(
                state=SegmentState.WAITING, running_since=None, reason=""
            )
            enqueue("customers.tasks.count_segment", segment=one.pk)


# --- What runs by the clock -------------------------------------------------------------------------------------------------


def tend_segments(*, now: datetime.datetime) -> list[int]:
    """Put right what a crash left: counts whose process died wait again, and changes are told. The ids of those that wait.

    They come in the order in which they have to be counted.
    """
    for row in Segment.objects.filter(state=SegmentState.RUNNING):
        with _held(COUNTING, [row.pk]) as mine:
            if mine is not None:
                Segment.objects.filter(pk=row.pk, state=SegmentState.RUNNING, version=row.version).update(
                    state=SegmentState.WAITING, running_since=None
                )
    tell_changes()
    waiting = set(Segment.objects.filter(state=SegmentState.WAITING, archived_at=None).values_list("pk", flat=True))
    return [one.pk for level in queries.segment_levels(queries.segments()) for one in level if one.pk in waiting]


def call_for_counts(*, now: datetime.datetime) -> int:
    """Have counted anew what is due: hourly where time alone changes who is in, daily all others; how many wait."""
    due = Segment.objects.filter(kind=SegmentKind.RULE, archived_at=None, state__in=[SegmentState.GOOD, SegmentState.FAILED])
    hourly = due.filter(changes_with_time=True).exclude(good_at__gt=now - DUE_AFTER)
    daily = due.exclude(good_at__gt=now - ALWAYS_DUE_AFTER)
    return hourly.update(state=SegmentState.WAITING) + daily.update(state=SegmentState.WAITING)


_TAKE = """
DELETE FROM customers_segmentchange WHERE id IN (
    SELECT id FROM customers_segmentchange WHERE %(segment)s::bigint IS NULL OR segment_id = %(segment)s
    ORDER BY customer_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
) RETURNING segment_id, customer_id, has_entered, at
"""


def tell_changes(*, segment: int | None = None) -> int:
    """Write who entered and left by counts on their timelines and into their facts, a piece at a time; how many."""
    total = 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_TAKE, {"segment": segment, "most": TOLD_AT_ONCE})
                changes = cursor.fetchall()
            if changes:
                _tell(changes)
        total += len(changes)
        if len(changes) < TOLD_AT_ONCE:
            return total


# --- Single customers -------------------------------------------------------------------------------------------------------


def refresh_memberships(*, customers: Collection[int], now: datetime.datetime) -> int:
    """Judge these customers, by their ids, for every segment with a rule, and write what is different; how many differences.

    Joins the caller's transaction, which has locked the customers and written what changed about them.
    """
    if not customers:
        return 0
    active = list(queries.segments())
    if not any(one.kind == SegmentKind.RULE for one in active):
        return 0
    ids = sorted(customers)
    _gate(alone=False)
    by_key = {one.key: one.pk for one in active}
    running = list(Segment.objects.filter(state=SegmentState.RUNNING).values_list("pk", flat=True))
    changes: list[tuple[int, int, bool, datetime.datetime]] = []
    for level in queries.segment_levels(active):
        rules = {one.pk: queries.rule_of(one) for one in level}
        sql, parameters = queries.judged_sql(rules, customers=ids, now=now, ids=by_key)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows = cursor.fetchall()
        found = [(pk, frozenset(fits), frozenset(held)) for pk, fits, held in rows]
        entered = [(segment, pk, True, now) for pk, fits, held in found for segment in sorted(fits - held)]
        left = [(segment, pk, False, now) for pk, fits, held in found for segment in sorted(held - fits)]
        _write(entered, left)
        changes += entered + left
    with connection.cursor() as cursor:
        if running:
            cursor.execute(_TOUCH, [running, ids])
    if changes:
        _tell(changes)
    return len(changes)


_TOUCH = """
INSERT INTO customers_segmenttouch (segment_id, customer_id)
SELECT s, c FROM unnest(%s::bigint[]) AS s, unnest(%s::bigint[]) AS c ON CONFLICT DO NOTHING
"""
_WRITE_NEW = """
INSERT INTO customers_segmentmember (segment_id, customer_id, since)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) ON CONFLICT DO NOTHING
"""
_DELETE_OLD = """
DELETE FROM customers_segmentmember m USING unnest(%s::bigint[], %s::bigint[]) AS o (segment, customer)
WHERE m.segment_id = o.segment AND m.customer_id = o.customer
"""

Change = tuple[int, int, bool, datetime.datetime]


def _write(entered: Sequence[Change], left: Sequence[Change]) -> None:
    with connection.cursor() as cursor:
        if entered:
            cursor.execute(_WRITE_NEW, [[c[0] for c in entered], [c[1] for c in entered], [c[3] for c in entered]])
        if left:
            cursor.execute(_DELETE_OLD, [[c[0] for c in left], [c[1] for c in left]])


_EVENTS = """
INSERT INTO customers_event (public_id, customer_id, type, name, occurred_at, received_at, source, message_id, properties)
SELECT gen_random_uuid(), c.id, CASE WHEN t.entered THEN %(entered)s ELSE %(left)s END, s.name, t.at, t.at, 'customers',
    'segment:' || gen_random_uuid(), jsonb_build_object('segment', CASE WHEN s.archived_at IS NULL THEN s.key END, 'name', s.name)
FROM unnest(%(segments)s::bigint[], %(customers)s::bigint[], %(has)s::bool[], %(at)s::timestamptz[])
    AS t (segment, customer, entered, at)
JOIN customers_segment s ON s.id = t.segment JOIN customers_customer c ON c.id = t.customer
WHERE c.forwarded_to_id IS NULL AND c.erased_at IS NULL
"""
_LOCK = "SELECT id FROM customers_customer WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
_FACTS = """
UPDATE customers_customer c SET facts = CASE WHEN k.keys IS NULL THEN c.facts - 'segments'
    ELSE jsonb_set(c.facts, '{segments}', k.keys) END
FROM (
    SELECT o.id, jsonb_agg(s.key ORDER BY s.key) FILTER (WHERE s.key IS NOT NULL) AS keys FROM unnest(%s::bigint[]) AS o (id)
    LEFT JOIN customers_segmentmember m ON m.customer_id = o.id
    LEFT JOIN customers_segment s ON s.id = m.segment_id AND s.archived_at IS NULL GROUP BY o.id
) k WHERE c.id = k.id AND (c.facts -> 'segments') IS DISTINCT FROM k.keys
"""


def _array(values: Iterable[int | str]) -> str:
    """As PostgreSQL writes arrays of what needs no quotes: thousands at once cost the driver more than the database."""
    return "{" + ",".join(map(str, values)) + "}"


def _tell(changes: Sequence[Change]) -> None:
    """On the timelines and in the facts: these follow from who is stored now, whatever the order of changes."""
    ids = _array(sorted({change[1] for change in changes}))
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids])
        cursor.execute(
            _EVENTS,
            {
                "entered": EventType.ENTERED.value,
                "left": EventType.LEFT.value,
                "segments": _array(change[0] for change in changes),
                "customers": _array(change[1] for change in changes),
                "has": _array(change[2] for change in changes),
                "at": _array(change[3].isoformat() for change in changes),
            },
        )
        cursor.execute(_FACTS, [ids])


# --- Lists ------------------------------------------------------------------------------------------------------------------


def change_list(
    *,
    segment: Segment,
    add: Collection[int] = (),
    take_out: Collection[int] = (),
    exactly: Collection[int] | None = None,
    by: str,
    now: datetime.datetime,
) -> tuple[int, int]:
    """Put customers, by their ids, on a list and take others off, or have ``exactly`` these on it; how many came and went.

    What refers to it is counted anew. Raises ``Invalid`` for a segment that is no list.
    """
    if segment.kind != SegmentKind.LIST:
        raise Invalid(errors=[FieldError("/kind", "not-a-list", _("Who is in this segment follows from its rule."))])
    with transaction.atomic(), connection.cursor() as cursor:
        # Two who change the same list wait for each other, so that neither undoes what it has not seen.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LISTS, segment.pk])
        held = set(SegmentMember.objects.filter(segment=segment).values_list("customer_id", flat=True))
        if exactly is not None:
            add, take_out = exactly, held - set(exactly)
        cursor.execute(_LOCK, [sorted({*add, *take_out})])
        _gate(alone=False)
        held = set(SegmentMember.objects.filter(segment=segment).values_list("customer_id", flat=True))
        alive = Customer.objects.filter(pk__in=set(add) - held, forwarded_to=None, erased_at=None)
        entered = [(segment.pk, pk, True, now) for pk in sorted(alive.values_list("pk", flat=True))]
        left = [(segment.pk, pk, False, now) for pk in sorted(set(take_out) & held)]
        _write(entered, left)
        if entered or left:
            _tell([*entered, *left])
            _recount_dependents(segment)
        Segment.objects.filter(pk=segment.pk).update(changed_at=now, good_at=now)
    log.info("segment_list_changed", segment=segment.key, by=by, entered=len(entered), left=len(left))
    return len(entered), len(left)


# --- When two customers turn out to be one ----------------------------------------------------------------------------------


def _count_held(customer: Customer) -> int:
    return SegmentMember.objects.filter(customer=customer).count()


def _move(moving: Moving) -> dict[str, Any]:
    """Lists move; what follows from rules is judged anew, as the history moves."""
    held = list(SegmentMember.objects.filter(customer=moving.source).values_list("segment_id", "segment__kind"))
    lists = [pk for pk, kind in held if kind == SegmentKind.LIST]
    mine = set(SegmentMember.objects.filter(customer=moving.target, segment__in=lists).values_list("segment_id", flat=True))
    fresh = [pk for pk in lists if pk not in mine]
    SegmentMember.objects.filter(customer=moving.source).delete()
    _write([(pk, moving.target.pk, True, moving.now) for pk in fresh], [])
    _sync([moving.target.pk, moving.source.pk])
    return {"held": lists, "moved": fresh}


def _put_back(moving: Moving, moved: Mapping[str, Any]) -> None:
    there = set(Segment.objects.filter(pk__in=moved["held"], archived_at=None).values_list("pk", flat=True))
    _write(
        [(pk, moving.source.pk, True, moving.now) for pk in moved["held"] if pk in there],
        [(pk, moving.target.pk, False, moving.now) for pk in moved["moved"]],
    )
    _sync([moving.target.pk, moving.source.pk])


def _sync(ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [sorted(ids)])


def _export(customer: Customer) -> list[dict[str, Any]]:
    rows = SegmentMember.objects.filter(customer=customer, segment__archived_at=None).select_related("segment").order_by("pk")
    return [{"segment": row.segment.key, "name": row.segment.name, "since": row.since} for row in rows]


def _erase(erasing: Erasing) -> None:
    SegmentMember.objects.filter(customer__in=erasing.pks).delete()
    SegmentChange.objects.filter(customer__in=erasing.pks).delete()
    SegmentTouch.objects.filter(customer__in=erasing.pks).delete()
    Unjudged.objects.filter(customer__in=erasing.pks).delete()


SEGMENTS = Holding("segments", gettext_lazy("segments"), _count_held, _move, _put_back, _export, _erase, has_worth=False)


# --- Locks ------------------------------------------------------------------------------------------------------------------


def _gate(*, alone: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock{'' if alone else '_shared'}(%s)", [GATE])


@contextmanager
def _held(name: int, numbers: Sequence[int] | range) -> Iterator[int | None]:
    """One of these locks, by its number, for the connection; ``None`` when others hold all of them."""
    mine = None
    with connection.cursor() as cursor:
        for number in numbers:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [name, number])
            if cursor.fetchone()[0]:
                mine = number
                break
    try:
        yield mine
    finally:
        if mine is not None and connection.connection is not None and not connection.connection.closed:
            _let_go(name, mine)


def _let_go(name: int, mine: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [name, mine])
    except DatabaseError:
        connection.close()  # and with it the lock

"""Segments as they are read: rules compiled to SQL, who is in them, what a count would cost (``docs/segments.md``)."""

import datetime
import functools
import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import NotFound

from ..models import Customer, Event, Purchase, PurchaseLine, Segment, SegmentKind, SegmentMember
from ..rules.conditions import Leaf, Op
from ..rules.consent import ALL
from ..rules.segments import (
    OF_A_BUCKET,
    OF_A_CUSTOMER,
    OF_A_SEGMENT,
    OF_CONSENT,
    Bought,
    Group,
    Happened,
    Measure,
    Rule,
    Where,
    counts,
    in_levels,
    parse_rule,
    segments_in,
    starts_at,
)
from ._audience import Compiled, compile_group, compile_leaf, value_of_fact


class SegmentUnknown(NotFound):
    code = "segment-unknown"
    title = _("There is no such segment")


def segment_by_public_id(public_id: str | uuid.UUID) -> Segment:
    """Raises ``SegmentUnknown``."""
    try:
        return Segment.objects.get(public_id=uuid.UUID(str(public_id)), archived_at=None)
    except (ValueError, Segment.DoesNotExist):
        raise SegmentUnknown from None


def segment_named(name: str) -> Segment:
    """By its key, or else by its public id. Raises ``SegmentUnknown``."""
    found = None if "\x00" in name else Segment.objects.filter(key=name, archived_at=None).first()
    return found or segment_by_public_id(name)


def memberships(customer: Customer) -> QuerySet[SegmentMember]:
    """The segments the customer is in, by name. One query."""
    found = SegmentMember.objects.filter(customer=customer, segment__archived_at=None)
    return found.select_related("segment").order_by("segment__name", "segment")


def segments() -> QuerySet[Segment]:
    """Those that are in use, by name."""
    return Segment.objects.filter(archived_at=None).order_by("name", "pk")


def sizes(of: Iterable[Segment]) -> dict[int, int]:
    """How many customers are in each, by the segment's id. One query."""
    rows = SegmentMember.objects.filter(segment__in=[segment.pk for segment in of]).values_list("segment").annotate(n=Count("pk"))
    return dict(rows.order_by())


def members(segment: Segment) -> QuerySet[SegmentMember]:
    """Who is in it, the latest to come first."""
    return SegmentMember.objects.filter(segment=segment).select_related("customer").order_by("-since", "-pk")


def segments_of(customer: Customer) -> list[str]:
    """The keys of the customer's segments, as kept beside it: no query."""
    found = customer.facts.get("segments")
    return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []


@functools.lru_cache(maxsize=2048)
def _parsed(text: str) -> Rule:
    return parse_rule(json.loads(text))


def parsed_rule(rule: Any) -> Rule:
    """Raises ``Misunderstood``; what is too large or no JSON at all as well."""
    return parse_rule(rule or None)


def rule_of(segment: Segment) -> Rule:
    """What the segment says. Raises ``Misunderstood``."""
    return _parsed(json.dumps(segment.rule or None))


def dependents(key: str) -> list[Segment]:
    """The segments whose rule refers to this one."""
    return [one for one in segments() if one.kind == SegmentKind.RULE and key in segments_in(rule_of(one))]


def segment_levels(of: Collection[Segment]) -> list[list[Segment]]:
    """Segments with a rule, each in a level after those it refers to."""
    by_key = {one.key: one for one in of if one.kind == SegmentKind.RULE}
    levels = in_levels({key: segments_in(rule_of(one)) for key, one in by_key.items()})
    return [[by_key[key] for key in level] for level in levels]


def ids_by_key() -> dict[str, int]:
    return dict(segments().values_list("key", "pk"))


# --- What can be asked for --------------------------------------------------------------------------------------------------

LOOKED_AT = 5_000


def event_names() -> list[str]:
    """The names of events that came lately, most often first."""
    names = Event.objects.order_by("-pk").values_list("name", flat=True)[:LOOKED_AT]
    return [name for name, _times in Counter(name for name in names if name).most_common(100)]


def categories_bought() -> list[str]:
    words = PurchaseLine.objects.order_by("-pk").values_list("category", flat=True)[:LOOKED_AT]
    return [word for word, _times in Counter(word for word in words if word).most_common(100)]


def currencies_bought() -> list[str]:
    found = Purchase.objects.order_by("-pk").values_list("currency", flat=True)[:LOOKED_AT]
    return [currency for currency, _times in Counter(found).most_common()]


# --- Rules to SQL -----------------------------------------------------------------------------------------------------------


class _Compiler:
    """Puts one statement together: the conditions of rules, and the counts they need, each counted once.

    The text is put together from fixed pieces only; every name and value of a rule is a parameter.
    """

    def __init__(self, now: datetime.datetime, ids: Mapping[str, int], only: Sequence[int] | None) -> None:
        self.now, self.ids, self.only = now, ids, only
        self.events: list[tuple[Happened, Compiled]] = []
        self.purchases: list[Bought] = []
        # How each count is compared, by the name of its column in the rule's conditions.
        self.asked: dict[str, list[tuple[Op, int]]] = {}

    def condition(self, rule: Rule) -> Compiled:
        match rule:
            case Group(quantifier, items):
                return compile_group(quantifier, [self.condition(item) for item in items])
            case Happened():
                what = self.event_fits(rule)
                number = next((n for n, (_one, known) in enumerate(self.events) if known == what), None)
                if number is None:
                    number = len(self.events)
                    self.events.append((rule, what))
                return self.compared(rule.op, rule.value, f"ev.n{number}")
            case Bought():
                known_as = next((n for n, one in enumerate(self.purchases) if _same_purchases(one, rule)), None)
                if known_as is None:
                    known_as = len(self.purchases)
                    self.purchases.append(rule)
                return self.compared(rule.op, rule.value, f"pu{known_as}.n")
            case Leaf():
                return self.fact(rule)
        raise AssertionError(rule)

    def compared(self, op: Op, value: int, number: str) -> Compiled:
        self.asked.setdefault(number, []).append((op, value))
        return _counting(op, value, number)

    def only_useful(self, counted: Compiled, names: Mapping[str, str]) -> Compiled:
        """The counts without customers of whom no comparison holds, where it would not hold of nobody's zero either: what is
        joined is small then. ``names``: the column of each count here, by its name in the conditions.
        """
        uses = [(column, op, value) for name, column in names.items() for op, value in self.asked[name]]
        sql, parameters = counted
        if any(counts(op, 0, value) for _column, op, value in uses):
            return counted
        wanted = " OR ".join(f"q.{column} {_SQL_OPS[op]} %s" for column, op, _value in uses)
        return f"SELECT * FROM ({sql}) q WHERE {wanted}", [*parameters, *[value for _column, _op, value in uses]]  # noqa: S608

    def fact(self, leaf: Leaf) -> Compiled:
        kind, _dot, name = leaf.fact.partition(".")
        match kind + ".":
            case x if x == OF_A_CUSTOMER:
                return compile_leaf(leaf, *value_of_fact(name, "c"))
            case x if x == OF_A_SEGMENT:
                return self.membership(name, is_member=bool(leaf.value))
            case x if x == OF_CONSENT:
                return compile_leaf(leaf, *_consent(name))
            case x if x == OF_A_BUCKET:
                return compile_leaf(leaf, _BUCKET, [f"{name}:"])
        raise AssertionError(leaf)

    def membership(self, key: str, *, is_member: bool) -> Compiled:
        if key not in self.ids:
            return "false", []
        found = "EXISTS (SELECT 1 FROM customers_segmentmember m WHERE m.segment_id = %s AND m.customer_id = c.id)"
        return found if is_member else f"NOT {found}", [self.ids[key]]

    def event_fits(self, rule: Happened) -> Compiled:
        parts: list[Compiled] = []
        if rule.name:
            parts.append(("e.name = %s", [rule.name]))
        # Orders and consent from public keys have a type of their own on the timeline: no segment counts them.
        parts.append(("e.type = %s", [rule.type]) if rule.type else ("e.type <> 'unverified'", []))
        if rule.channel:
            parts.append(("e.channel_id = (SELECT id FROM customers_channel WHERE key = %s)", [rule.channel]))
        if rule.within_days is not None:
            parts.append(("e.occurred_at > %s", [starts_at(rule.within_days, self.now)]))
        parts += [_where(where) for where in rule.where]
        return " AND ".join(sql for sql, _p in parts), [p for _sql, ps in parts for p in ps]

    def joins(self) -> Compiled:
        found = [self.event_counts()] if self.events else []
        found += [self.purchase_counts(n, rule) for n, rule in enumerate(self.purchases)]
        return "".join(sql for sql, _p in found), [p for _sql, ps in found for p in ps]

    def among(self, column: str) -> Compiled:
        return ("", []) if self.only is None else (f" AND {column} = ANY(%s)", [list(self.only)])

    def event_counts(self) -> Compiled:
        """All counts of events in one pass over them."""
        few, ids = self.among("e.customer_id")
        end = "e.occurred_at <= %s"
        if len(self.events) == 1:
            (_rule, (sql, parameters)) = self.events[0]
            what, named, counted, counting = sql, parameters, "count(*) AS n0", []
        else:
            whats = [f"({sql})" for _rule, (sql, _p) in self.events]
            named = [p for _rule, (_sql, ps) in self.events for p in ps]
            counting = list(named)
            what = f"({' OR '.join(whats)})"
            counted = ", ".join(f"count(*) FILTER (WHERE {sql}) AS n{n}" for n, sql in enumerate(whats))
            windows = [rule.within_days for rule, _what in self.events]
            longest = [days for days in windows if days is not None]
            if len(longest) == len(windows):
                what, named = f"e.occurred_at > %s AND {what}", [starts_at(max(longest), self.now), *named]
        sql = f"SELECT e.customer_id, {counted} FROM customers_event e WHERE {what} AND {end}{few} GROUP BY e.customer_id"  # noqa: S608
        names = {f"ev.n{n}": f"n{n}" for n in range(len(self.events))}
        sql, parameters = self.only_useful((sql, [*counting, *named, self.now, *ids]), names)
        return f" LEFT JOIN ({sql}) ev ON ev.customer_id = c.id", parameters

    def purchase_counts(self, number: int, rule: Bought) -> Compiled:
        few, ids = self.among("p.customer_id")
        conditions, parameters = ["p.customer_id IS NOT NULL", "p.placed_at <= %s"], [self.now]
        if rule.within_days is not None:
            conditions.append("p.placed_at > %s")
            parameters.append(starts_at(rule.within_days, self.now))
        named: list[Any] = list(parameters)
        if rule.currency:
            conditions.append("p.currency = %s")
            named.append(rule.currency)
        if rule.channels:
            conditions.append("p.channel_id IN (SELECT id FROM customers_channel WHERE key = ANY(%s))")
            named.append(list(rule.channels))
        lines = ""
        if rule.is_about_lines:
            lines = " JOIN customers_purchaseline l ON l.purchase_id = p.id"
            for column, values in (("category", rule.categories), ("brand", rule.brands), ("sku", rule.skus)):
                if values:
                    conditions.append(f"l.{column} = ANY(%s)")
                    named.append(list(values))
        if rule.measure is Measure.COUNT:
            measured = "count(DISTINCT p.id)" if lines else "count(*)"
        else:
            measured = "sum(l.paid)" if lines else "sum(p.paid - p.refunded)"
        name = f"pu{number}"
        sql = (
            f"SELECT p.customer_id, {measured} AS n FROM customers_purchase p{lines}"  # noqa: S608
            f" WHERE {' AND '.join(conditions)}{few} GROUP BY p.customer_id"
        )
        sql, parameters = self.only_useful((sql, [*named, *ids]), {f"{name}.n": "n"})
        return f" LEFT JOIN ({sql}) {name} ON {name}.customer_id = c.id", parameters


_BUCKET = (
    "to_jsonb((('x' || left(encode(sha256(convert_to(%s || c.public_id::text, 'UTF8')), 'hex'), 8))::bit(32)::bigint)"
    " %% 10000 / 100.0)"
)
_SAID = "(c.consent -> 'said' -> %s -> 0)"


def _consent(name: str) -> Compiled:
    purpose, _dot, channel = name.partition(".")
    topics = [f"{ALL}/{purpose}/{ALL}", *([f"{channel}/{purpose}/{ALL}"] if channel else [])]
    said = [f"COALESCE({_SAID} = %s::jsonb, false)" for _topic in topics]
    either = " OR ".join(said)
    sql = f"CASE WHEN {either} THEN '\"withdrawn\"'::jsonb WHEN {either} THEN '\"given\"'::jsonb END"
    return sql, [*(p for t in topics for p in (t, "false")), *(p for t in topics for p in (t, "true"))]


def _where(where: Where) -> Compiled:
    if not where.inner:
        return _as_filter(*compile_leaf(where.leaf, "NULLIF(e.properties -> %s, 'null'::jsonb)", [where.name]))
    sql, parameters = _as_filter(*compile_leaf(where.leaf, "NULLIF(x.v -> %s, 'null'::jsonb)", [where.inner]))
    elements = (
        "CASE jsonb_typeof(e.properties -> %s) WHEN 'array' THEN e.properties -> %s"
        " WHEN 'object' THEN jsonb_build_array(e.properties -> %s) ELSE '[]'::jsonb END"
    )
    return f"EXISTS (SELECT 1 FROM jsonb_array_elements({elements}) AS x(v) WHERE {sql})", [*[where.name] * 3, *parameters]  # noqa: S608


def _as_filter(sql: str, parameters: list[Any]) -> Compiled:
    """Events are filtered without negation, where unknown is as good as false; what stands bare, the planner can estimate."""
    begins, ends = "COALESCE(", ", false)"
    if sql.startswith(begins) and sql.endswith(ends) and sql.count("COALESCE(") == 1:
        return sql[len(begins) : -len(ends)], parameters
    return sql, parameters


_SQL_OPS = {Op.EQ: "=", Op.NE: "<>", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}


def _counting(op: Op, value: int, number: str) -> Compiled:
    """Where none is not enough, whoever has none drops out early: the database may then join from the few who have some."""
    if counts(op, 0, value):
        return f"(COALESCE({number}, 0) {_SQL_OPS[op]} %s)", [value]
    return f"({number} IS NOT NULL AND {number} {_SQL_OPS[op]} %s)", [value]


def _same_purchases(one: Bought, other: Bought) -> bool:
    parts = ("measure", "currency", "categories", "brands", "skus", "channels", "within_days")
    return all(getattr(one, part) == getattr(other, part) for part in parts)


_ALIVE = "c.forwarded_to_id IS NULL AND c.erased_at IS NULL"


def members_sql(
    rule: Rule, *, now: datetime.datetime, ids: Mapping[str, int] | None = None, columns: str = "c.id AS customer_id"
) -> Compiled:
    """One statement for the ids of all customers who fit the rule at ``now``; agrees with ``rules.segments.rule_holds``.

    ``ids``: of the segments by their keys, when they are known already.
    """
    compiler = _Compiler(now, ids_by_key() if ids is None else ids, None)
    condition, named = compiler.condition(rule)
    joins, joined = compiler.joins()
    return f"SELECT {columns} FROM customers_customer c{joins} WHERE {_ALIVE} AND {condition}", [*joined, *named]  # noqa: S608


def judged_sql(
    rules: Mapping[int, Rule], *, customers: Sequence[int], now: datetime.datetime, ids: Mapping[str, int]
) -> Compiled:
    """One statement for a few customers and many segments: customer, the ids of the segments whose rule fits, those it is in."""
    compiler = _Compiler(now, ids, customers)
    cases, named = [], []
    for pk, rule in rules.items():
        condition, parameters = compiler.condition(rule)
        cases.append(f"CASE WHEN {_ALIVE} AND {condition} THEN %s::bigint END")
        named += [*parameters, pk]
    joins, joined = compiler.joins()
    return (
        f"SELECT c.id, array_remove(ARRAY[{', '.join(cases)}], NULL), ARRAY(SELECT m.segment_id FROM customers_segmentmember m"  # noqa: S608
        f" WHERE m.customer_id = c.id AND m.segment_id = ANY(%s)) FROM customers_customer c{joins} WHERE c.id = ANY(%s)"
    ), [*named, list(rules), *joined, list(customers)]


# --- What a count costs -----------------------------------------------------------------------------------------------------

CHEAP, FAIR = 50_000, 500_000


def cost_of(plan: Any) -> float:
    """The database's estimate in its own units, of the answer to ``EXPLAIN (FORMAT JSON)``."""
    read = json.loads(plan) if isinstance(plan, str) else plan
    return float(read[0]["Plan"]["Total Cost"])


def cost_in_words(cost: float | None) -> Any:
    if cost is None:
        return ""
    return _("small: seconds") if cost < CHEAP else _("fair: up to a minute") if cost < FAIR else _("large: minutes")


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a rule finds now: how many (``is_exact`` or as the database estimates), some of them, and what a count costs."""

    size: int
    is_exact: bool
    cost: float
    sample: Sequence[Customer]


def glimpse(rule: Rule, *, now: datetime.datetime, patience: datetime.timedelta, sample: int = 5) -> Glimpse:
    """Count and look at who fits, without waiting longer than ``patience``: then the size is estimated, without a sample."""
    sql, parameters = members_sql(rule, now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        plan = cursor.fetchone()[0]
        read = json.loads(plan) if isinstance(plan, str) else plan
        cost, estimate = cost_of(read), int(read[0]["Plan"]["Plan Rows"])
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(patience.total_seconds() * 1000))])
            counted = f"SELECT count(*), (array_agg(customer_id ORDER BY customer_id DESC))[1:%s] FROM ({sql}) AS found"  # noqa: S608
            cursor.execute(counted, [sample, *parameters])
            size, ids = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError:
        return Glimpse(estimate, False, cost, ())
    return Glimpse(size, True, cost, list(Customer.objects.filter(pk__in=ids or []).order_by("-pk")))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many customers are in exactly these of the segments compared, by their positions."""

    inside: tuple[int, ...]
    size: int


def overlap(of: Sequence[Segment]) -> list[Overlap]:
    """Every part of the picture of two or three segments, as stored. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inside, count(*) FROM (SELECT customer_id, array_agg(segment_id ORDER BY segment_id) AS inside"
            " FROM customers_segmentmember WHERE segment_id = ANY(%s) GROUP BY customer_id) AS each GROUP BY inside",
            [[one.pk for one in of]],
        )
        found = {frozenset(inside): size for inside, size in cursor.fetchall()}
    parts = [tuple(n for n in range(len(of)) if mask >> n & 1) for mask in range(1, 1 << len(of))]
    parts.sort(key=lambda part: (len(part), part))
    return [Overlap(part, found.get(frozenset(of[n].pk for n in part), 0)) for part in parts]

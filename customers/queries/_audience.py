"""Who is in an audience: the condition language compiled to SQL."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from ..models import Customer
from ..rules import patterns
from ..rules.conditions import ORDERING, Branch, Condition, Leaf, Op, Quantifier

Compiled = tuple[str, list[Any]]


def matching(condition: Condition) -> QuerySet[Customer]:
    """The customers for whom ``condition`` (over ``customer.`` facts) holds; agrees with ``rules.conditions.holds``."""
    sql, parameters = _compile(condition)
    # The text is put together from fixed pieces only; every name and value of the condition is a parameter.
    return Customer.objects.filter(RawSQL(sql, parameters, output_field=BooleanField()), forwarded_to=None)  # noqa: S611


def _compile(condition: Condition) -> Compiled:
    if isinstance(condition, Leaf):
        name = condition.fact.removeprefix("customer.")
        return compile_leaf(condition, *value_of_fact(name, "customers_customer"))
    return compile_group(condition.quantifier, [_compile(item) for item in _items(condition)])


def _items(condition: Branch) -> Sequence[Condition]:
    return condition.items


def compile_group(quantifier: Quantifier, parts: Sequence[Compiled]) -> Compiled:
    if not parts:
        return ("false" if quantifier is Quantifier.ANY else "true"), []
    glue = " AND " if quantifier is Quantifier.ALL else " OR "
    sql = "(" + glue.join(part for part, _parameters in parts) + ")"
    return ("NOT " + sql if quantifier is Quantifier.NONE else sql), [p for _sql, ps in parts for p in ps]


def value_of_fact(name: str, table: str) -> Compiled:
    """The value of a fact: what the timeline shows first, else what was said; a JSON null is no value.

    Membership of segments is never what somebody said.
    """
    if name == "segments":
        return f"NULLIF({table}.facts -> 'segments', 'null'::jsonb)", []
    value = f"COALESCE(NULLIF({table}.facts -> %s, 'null'::jsonb), NULLIF({table}.traits -> %s, 'null'::jsonb))"
    return value, [name, name]


_TEXT = "CASE WHEN jsonb_typeof({v}) = 'string' THEN ({v} #>> '{}') COLLATE \"C\" END"
_LIST = "CASE WHEN jsonb_typeof({v}) = 'array' THEN {v} END"
_SQL_OPS = {Op.EQ: "=", Op.NE: "<>", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}


def compile_leaf(leaf: Leaf, value: str, named: Sequence[Any]) -> Compiled:
    """A comparison with ``value``, an SQL expression of type jsonb, NULL for no value, whose parameters are ``named``."""
    wanted: Any = leaf.value
    match leaf.op:
        case Op.EXISTS:
            return f"({value} IS {'NOT ' if wanted else ''}NULL)", [*named]
        case Op.HAS | Op.HAS_ANY | Op.HAS_ALL:
            texts = list(wanted) if isinstance(wanted, tuple) else [wanted]
            operator = "?&" if leaf.op is Op.HAS_ALL else "?|"
            return _with(f"COALESCE({_LIST} {operator} %s, false)", value, named, [str(text) for text in texts])
        case Op.BETWEEN:
            bounds = zip((Op.GE, Op.LE), wanted, strict=True)
            return compile_group(Quantifier.ALL, [_compile_comparison(op, bound, value, named) for op, bound in bounds])
        case Op.MATCHES:
            return _with(f"COALESCE({_TEXT} ~ %s, false)", value, named, patterns.as_sql(str(wanted)))
        case Op.IN:
            return _with("COALESCE({v} = ANY(%s::text[]::jsonb[]), false)", value, named, [as_json(one) for one in wanted])
        case Op.NOT_IN:
            scalar = "COALESCE(jsonb_typeof({v}) NOT IN ('array', 'object') AND {v} <> ALL(%s::text[]::jsonb[]), false)"
            return _with(scalar, value, named, [as_json(one) for one in wanted])
    return _compile_comparison(leaf.op, wanted, value, named)


def _with(sql: str, value: str, named: Sequence[Any], *last: Any) -> Compiled:
    return sql.replace("{v}", value), [*[name for _time in range(sql.count("{v}")) for name in named], *last]


def _compile_comparison(op: Op, wanted: Any, value: str, named: Sequence[Any]) -> Compiled:
    # JSON compares numbers by value, and texts and booleans as they are; of two types none is equal.
    if op is Op.EQ:
        return _with("COALESCE({v} = %s::jsonb, false)", value, named, as_json(wanted))
    if isinstance(wanted, bool):
        if op in ORDERING:
            return "false", []
        kind = "boolean"
    elif isinstance(wanted, int | Decimal):
        kind = "number"
    elif op in ORDERING:
        return _with(f"COALESCE({_TEXT} {_SQL_OPS[op]} %s, false)", value, named, wanted)
    else:
        kind = "string"
    sql = f"COALESCE(jsonb_typeof({{v}}) = '{kind}' AND {{v}} {_SQL_OPS[op]} %s::jsonb, false)"
    return _with(sql, value, named, as_json(wanted))


def as_json(value: Any) -> str:
    """One plain value as JSON; a decimal keeps every digit."""
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)

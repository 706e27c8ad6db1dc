"""Who is in an audience: the condition language compiled to SQL."""

from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from ..models import Customer
from ..rules import patterns
from ..rules.conditions import ORDERING, Branch, Condition, Leaf, Op, Quantifier


def matching(condition: Condition) -> QuerySet[Customer]:
    """The customers for whom ``condition`` (over ``customer.`` facts) holds; agrees with ``rules.conditions.holds``."""
    sql, parameters = _compile(condition)
    # The text is put together from fixed pieces only; every name and value of the condition is a parameter.
    return Customer.objects.filter(RawSQL(sql, parameters, output_field=BooleanField()), forwarded_to=None)  # noqa: S611


def _compile(condition: Condition) -> tuple[str, list[Any]]:
    if isinstance(condition, Leaf):
        return _compile_leaf(condition)
    if not condition.items:
        return ("false" if condition.quantifier is Quantifier.ANY else "true"), []
    return _compile_branch(condition)


def _compile_branch(condition: Branch) -> tuple[str, list[Any]]:
    parts = [_compile(item) for item in condition.items]
    glue = " AND " if condition.quantifier is Quantifier.ALL else " OR "
    sql = "(" + glue.join(part for part, _parameters in parts) + ")"
    return ("NOT " + sql if condition.quantifier is Quantifier.NONE else sql), [p for _sql, ps in parts for p in ps]


# The value of a fact: what the timeline shows first, else what was said; a JSON null is no value.
_VALUE = "COALESCE(NULLIF(customers_customer.facts -> %s, 'null'::jsonb), NULLIF(customers_customer.traits -> %s, 'null'::jsonb))"
_NUMBER = f"CASE WHEN jsonb_typeof({_VALUE}) = 'number' THEN ({_VALUE} #>> '{{}}')::numeric END"
_TEXT = f"CASE WHEN jsonb_typeof({_VALUE}) = 'string' THEN ({_VALUE} #>> '{{}}') COLLATE \"C\" END"
_BOOLEAN = f"CASE WHEN jsonb_typeof({_VALUE}) = 'boolean' THEN ({_VALUE} #>> '{{}}')::boolean END"
_LIST = f"CASE WHEN jsonb_typeof({_VALUE}) = 'array' THEN {_VALUE} END"
_SQL_OPS = {Op.EQ: "=", Op.NE: "<>", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}


def _compile_leaf(leaf: Leaf) -> tuple[str, list[Any]]:
    name = leaf.fact.removeprefix("customer.")
    value: Any = leaf.value
    match leaf.op:
        case Op.EXISTS:
            return f"({_VALUE} IS {'NOT ' if value else ''}NULL)", [name, name]
        case Op.HAS | Op.HAS_ANY | Op.HAS_ALL:
            texts = list(value) if isinstance(value, tuple) else [value]
            operator = "?&" if leaf.op is Op.HAS_ALL else "?|"
            return f"COALESCE({_LIST} {operator} %s, false)", [*[name] * 4, [str(text) for text in texts]]
        case Op.BETWEEN:
            low, high = (_compile_leaf(Leaf(leaf.fact, op, bound)) for op, bound in zip((Op.GE, Op.LE), value, strict=True))
            return f"({low[0]} AND {high[0]})", low[1] + high[1]
        case Op.MATCHES:
            return f"COALESCE({_TEXT} ~ %s, false)", [*[name] * 4, patterns.as_sql(str(value))]
        case Op.IN:
            return _any_of(leaf, value)
        case Op.NOT_IN:
            inside, parameters = _any_of(leaf, value)
            scalar = f"COALESCE(jsonb_typeof({_VALUE}) NOT IN ('array', 'object'), false)"
            return f"({scalar} AND NOT {inside})", [name, name, *parameters]
    return _compile_comparison(leaf.op, name, value)


def _any_of(leaf: Leaf, values: Any) -> tuple[str, list[Any]]:
    parts = [_compile_leaf(Leaf(leaf.fact, Op.EQ, value)) for value in values]
    return "(" + " OR ".join(sql for sql, _parameters in parts) + ")", [p for _sql, ps in parts for p in ps]


def _compile_comparison(op: Op, name: str, value: Any) -> tuple[str, list[Any]]:
    if isinstance(value, bool):
        if op in ORDERING:
            return "false", []
        expression = _BOOLEAN
    elif isinstance(value, int | Decimal):
        expression = _NUMBER
    else:
        expression = _TEXT
    return f"COALESCE({expression} {_SQL_OPS[op]} %s, false)", [*[name] * 4, value]

"""The incentive language as JSON Schema (draft 2020-12, the dialect of OpenAPI 3.1), for programs that write it.

``language`` decides what is understood; a test keeps this description from refusing anything that it accepts, and from leaving a
field of it out. What a schema cannot say (an id that stands twice, a group within a group) only ``language`` refuses.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from customers.rules import conditions
from incentives_site.shared.money import LARGEST_AMOUNT

from . import language
from .awards import Rounding
from .candidates import OnShort
from .effects import Allocation, Scope, TierBy, UnitPick
from .expiry import RoundUp
from .groups import Base, Eligibility, Pick, PickScope
from .limits import Counted
from .policy import Choose, Failure, Order

Schema = dict[str, Any]
PREFIX = "#/components/schemas/"


def _ref(name: str) -> Schema:
    return {"$ref": PREFIX + name}


def _one_of(kinds: type[Enum], default: Enum | None = None) -> Schema:
    found: Schema = {"enum": [kind.value for kind in kinds]}
    return found if default is None else _or_null({**found, "default": default.value})


def _whole(low: int, high: int, default: int | None = None) -> Schema:
    found: Schema = {"type": "integer", "minimum": low, "maximum": high}
    return found if default is None else _or_null({**found, "default": default})


def _or_null(schema: Schema) -> Schema:
    """A field that may also be null, which is as good as leaving it out."""
    return {"anyOf": [schema, {"type": "null"}]}


def _list(item: Schema, most: int, least: int = 0) -> Schema:
    return {"type": "array", "items": item, "maxItems": most, **({"minItems": least} if least else {})}


def _object(fields: Mapping[str, Schema], required: Iterable[str] = (), description: str = "") -> Schema:
    found: Schema = {"type": "object", "properties": dict(fields), "additionalProperties": False}
    if names := sorted(required):
        found["required"] = names
    return {**found, "description": description} if description else found


TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": language.LONGEST_TEXT}
ANY_TEXT: Schema = {"type": "string", "maxLength": language.LONGEST_TEXT}
NAME = _or_null(ANY_TEXT)
AMOUNT = {**_whole(0, LARGEST_AMOUNT), "description": "Minor units of the basket's currency."}
MONEY: Schema = {
    "anyOf": [
        AMOUNT,
        {"type": "object", "additionalProperties": AMOUNT, "minProperties": 1, "maxProperties": 200},
    ],
    "description": "Minor units of the basket's currency, or an amount for each currency that is served.",
}
PERCENT: Schema = {"type": "string", "pattern": f"^{language.PERCENT.pattern}$", "examples": ["12.5"]}
FLAG = _or_null({"type": "boolean"})
TEXTS = _list(TEXT, language.LONGEST_LIST)
COUNT = _or_null(_whole(1, language.LARGEST_QUANTITY))
SKIPPED = _or_null(_whole(0, language.LARGEST_QUANTITY, 0))
CURRENCY: Schema = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "An ISO 4217 code."}

_BASKET = {
    "Line": _object(
        {
            "id": TEXT,
            "sku": TEXT,
            "name": NAME,
            "categories": _or_null(TEXTS),
            "brand": NAME,
            "quantity": _whole(1, language.LARGEST_QUANTITY),
            "unit_price": AMOUNT,
            "minimum_unit_price": _or_null(AMOUNT),
            "attributes": _or_null({"type": "object", "additionalProperties": TEXT, "maxProperties": 50}),
            "discountable": {"type": "boolean", "default": True},
            "currency": CURRENCY,
        },
        ["id", "sku", "quantity", "unit_price"],
    ),
    "Shipping": _object({"method": TEXT, "amount": AMOUNT}, ["method", "amount"]),
    "Basket": _object(
        {
            "lines": _or_null(_list(_ref("Line"), language.MOST_LINES)),
            "shipping": _or_null(_list(_ref("Shipping"), language.MOST_SHIPPING)),
            "currency": CURRENCY,
        }
    ),
}

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_CONDITIONS = {
    "Condition": {
        "oneOf": [
            *(
                _object({quantifier.value: _list(_ref("Condition"), conditions.MOST_LEAVES)}, [quantifier.value])
                for quantifier in conditions.Quantifier
            ),
            _object(
                {
                    "fact": TEXT,
                    "op": {"enum": [op.value for op in conditions.Op]},
                    "value": {"anyOf": [_SCALAR, _list(_SCALAR, conditions.LONGEST_LIST, 1), {"type": "null"}]},
                },
                ["fact", "op"],
            ),
        ],
        "description": f"A leaf, or a group of conditions; at most {conditions.DEEPEST} levels, {conditions.MOST_LEAVES} leaves.",
    }
}

_TARGETS = {
    "Filter": _object(
        {
            **{name: _or_null(_list(TEXT, language.LONGEST_LIST, 1)) for name in language.FILTER_LISTS},
            "attributes": _or_null({"type": "object", "additionalProperties": {**TEXTS, "minItems": 1}, "maxProperties": 50}),
            "unit_price": _or_null(_object({"from": _or_null(AMOUNT), "to": _or_null(AMOUNT)})),
        },
        description="Everything that is named must match; one entry of a list is enough.",
    ),
    "Units": _object(
        {
            "pick": _one_of(UnitPick, UnitPick.CHEAPEST),
            "max_per_line": COUNT,
            "max_per_order": COUNT,
            "skip": SKIPPED,
            "every": _or_null(_whole(1, language.LARGEST_QUANTITY, 1)),
            "group_size": COUNT,
            "per_group": COUNT,
            "max_groups": COUNT,
        }
    ),
    "Target": _object(
        {
            "scope": _one_of(Scope, Scope.ORDER),
            "include": _or_null(_ref("Filter")),
            "exclude": _or_null(_ref("Filter")),
            "units": _or_null(_ref("Units")),
            "undiscounted_only": FLAG,
        }
    ),
}
_FILTER, _TARGET, _CAP = _or_null(_ref("Filter")), _or_null(_ref("Target")), _or_null(MONEY)
_CAPS = {"max_amount": _CAP, "max_per_line": _CAP}


def _effect(kind: str, fields: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    return _object({"type": {"const": kind}, **fields}, ["type", *required])


_PARTS = language.MOST_PARTS
_EFFECTS: dict[str, Schema] = {
    "PercentOff": _effect("percent_off", {"percent": PERCENT, "target": _TARGET, **_CAPS}, ["percent"]),
    "AmountOff": _effect(
        "amount_off",
        {
            "amount": MONEY,
            "allocation": _one_of(Allocation, Allocation.BY_AMOUNT),
            "target": _TARGET,
            **_CAPS,
            "per_set": _or_null(_list(_object({"filter": _FILTER, "quantity": _or_null(_whole(1, 1000, 1))}), _PARTS)),
        },
        ["amount"],
    ),
    "FixedPrice": _effect("fixed_price", {"amount": MONEY, "target": _TARGET, **_CAPS}, ["amount"]),
    "BundlePrice": _effect(
        "bundle_price",
        {"amount": MONEY, "size": _whole(1, 1000), "repeat": FLAG, "target": _TARGET, "max_amount": _CAP},
        ["amount", "size"],
    ),
    "BuyGet": _effect(
        "buy_get",
        {
            "buy": _object({"filter": _FILTER, "quantity": _or_null(_whole(1, 1000)), "amount": _CAP}),
            "get": _object(
                {
                    "filter": _FILTER,
                    "quantity": _or_null(_whole(1, 1000, 1)),
                    "percent": _or_null(PERCENT),
                    "amount": _CAP,
                    "pick": _one_of(UnitPick, UnitPick.CHEAPEST),
                }
            ),
            "repeat": FLAG,
            "max_amount": _CAP,
        },
        ["buy", "get"],
    ),
    "FreeItem": _effect(
        "free_item",
        {"sku": TEXT, "quantity": _or_null(_whole(1, 1000, 1)), "unit_price": MONEY, "name": NAME},
        ["sku", "unit_price"],
    ),
    "Upgrade": _effect(
        "upgrade",
        {
            "from": _FILTER,
            "to": _object({"sku": TEXT, "unit_price": MONEY, "name": NAME}, ["sku", "unit_price"]),
            "max_units": COUNT,
        },
        ["to"],
    ),
    "StoredValue": _effect(
        "stored_value",
        {
            "available": AMOUNT,
            "rate": _or_null({"anyOf": [{"type": "string", "pattern": f"^{language.DECIMAL.pattern}$"}, _whole(0, 10**12 - 1)]}),
            "max": _CAP,
        },
        ["available"],
    ),
    "Tiers": _effect(
        "tiers",
        {
            "by": _one_of(TierBy, TierBy.SPEND),
            "tiers": _list(_object({"from": AMOUNT, "effect": _ref("Effect")}, ["from", "effect"]), _PARTS, 1),
            "target": _TARGET,
        },
        ["tiers"],
    ),
    "Compound": _effect("compound", {"effects": _list(_ref("Effect"), _PARTS, 1)}, ["effects"]),
}

_VALIDITY = {"valid_months": _or_null(_whole(1, 1200)), "round_up_to_end_of": _or_null(_one_of(RoundUp))}
_AWARD_KINDS: dict[str, Schema] = {
    "PointsAward": _effect(
        "points",
        {
            "per": _CAP,
            "points": _whole(1, 1_000_000),
            "rounding": _one_of(Rounding, Rounding.DOWN),
            "multiplier_fact": NAME,
            **_VALIDITY,
        },
        ["points"],
    ),
    "CreditAward": _effect("credit", {"amount": _CAP, "percent": _or_null(PERCENT), **_VALIDITY}),
    "ContestEntryAward": _effect("contest_entry", {"contest": TEXT, "entries": _or_null(_whole(1, 1000, 1))}, ["contest"]),
    "AccessAward": _effect("access", {"key": TEXT}, ["key"]),
    "GrantAward": _effect("grant", {"incentive": TEXT}, ["incentive"]),
}


def _union(kinds: Mapping[str, Schema], description: str) -> Schema:
    return {
        "oneOf": [_ref(name) for name in kinds],
        "discriminator": {
            "propertyName": "type",
            "mapping": {schema["properties"]["type"]["const"]: PREFIX + name for name, schema in kinds.items()},
        },
        "description": description,
    }


def _promising(*parts: Any) -> Schema:
    """It has an effect, or at least one award."""
    effect: Schema = {"required": ["effect"], "properties": {"effect": _ref("Effect")}}
    awards: Schema = {"required": ["awards"], "properties": {"awards": {"type": "array", "minItems": 1}}}
    return {**_object(*parts), "anyOf": [effect, awards]}


_RANK = _or_null(_whole(-1_000_000, 1_000_000))
_WHOLE = {
    "Group": _object(
        {
            "key": TEXT,
            "name": NAME,
            "eligibility": _one_of(Eligibility, Eligibility.COMMON),
            "rank": _RANK,
            "limit": _or_null(_whole(1, 1000)),
            "pick": _one_of(Pick, Pick.ALL),
            "scope": _one_of(PickScope, PickScope.BASKET),
            "base": _or_null(_one_of(Base)),
            "consume_without_effect": FLAG,
        },
        ["key"],
        "How incentives go together. A group that is not defined is common, rank 100, pick all.",
    ),
    "LimitLeft": _object(
        {"measure": {"enum": [*Counted]}, "left": AMOUNT, "on_short": _one_of(OnShort, OnShort.REFUSE)},
        ["measure", "left"],
    ),
    "SimulatedIncentive": _promising(
        {
            "key": TEXT,
            "name": NAME,
            "group": NAME,
            "priority": _RANK,
            "conditions": _or_null(_ref("Condition")),
            "effect": {"anyOf": [_ref("Effect"), {"type": "object", "maxProperties": 0}, {"type": "null"}]},
            "awards": _or_null(_list(_ref("Award"), language.MOST_AWARDS)),
            "limits": _or_null(_list(_ref("LimitLeft"), language.MOST_LIMITS)),
        },
        ["key"],
        "An effect, awards, or both.",
    ),
    "StackingPolicy": _object(
        {
            "order": _one_of(Order, Order.RANKED),
            "base": _one_of(Base, Base.RUNNING),
            "choose": _one_of(Choose, Choose.IN_ORDER),
            "failure": _one_of(Failure, Failure.PARTIAL),
            "max_total_percent": _or_null(PERCENT),
            "max_total_amount": _or_null(AMOUNT),
            "max_incentives": _or_null(_whole(1, 100, 30)),
            "max_exclusive": _or_null(_whole(1, 100, 5)),
        }
    ),
    "Simulation": _object(
        {
            "currency": CURRENCY,
            "at": _or_null({"type": "string", "format": "date-time"}),
            "channel": _or_null(_object({"key": NAME, "kind": NAME})),
            "store": _or_null(_object({"key": NAME})),
            "customer": _or_null(_object({"facts": _or_null({"type": "object", "maxProperties": 500})})),
            "basket": _ref("Basket"),
            "groups": _or_null(_list(_ref("Group"), language.MOST_GROUPS)),
            "incentives": _or_null(_list(_ref("SimulatedIncentive"), language.MOST_INCENTIVES)),
            "policy": _or_null(_ref("StackingPolicy")),
        },
        ["currency", "basket"],
        "A whole question to the stacking rule. Nothing is looked up or stored.",
    ),
}

SCHEMAS: Mapping[str, Schema] = {
    **_BASKET,
    **_CONDITIONS,
    **_TARGETS,
    **_EFFECTS,
    "Effect": _union(_EFFECTS, f"What it does to the price; nested at most {language.DEEPEST_EFFECT} deep."),
    **_AWARD_KINDS,
    "Award": _union(_AWARD_KINDS, "What it gives beside the price."),
    **_WHOLE,
}

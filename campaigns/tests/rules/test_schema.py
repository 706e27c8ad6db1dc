"""The published schema and the language say the same: nothing accepted is left out of it, and no field of it is unknown."""

import copy
import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from campaigns.rules import language, schema
from campaigns.rules.language import read_simulation
from campaigns.tests.rules.adapter import simulation
from campaigns.tests.rules.test_cases import CORE
from customers.rules.faults import Misunderstood

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
PUBLISHED = Draft202012Validator({"$ref": schema.PREFIX + "Simulation", "components": {"schemas": dict(schema.SCHEMAS)}})
FILTER = {
    "skus": ["a"], "categories": ["c"], "brands": ["b"], "lines": ["1"], "methods": ["m"],
    "attributes": {"colour": ["red"]}, "unit_price": {"from": 1, "to": 900},
}  # fmt: skip
UNITS = {
    "pick": "dearest", "max_per_line": 2, "max_per_order": 3, "skip": 1, "every": 2, "group_size": 3, "per_group": 1,
    "max_groups": 2,
}  # fmt: skip
TARGET = {"scope": "lines", "include": FILTER, "exclude": {"skus": ["z"]}, "units": UNITS, "undiscounted_only": True}
CAPS = {"target": TARGET, "max_amount": {"USD": 500}, "max_per_line": 300}
EFFECTS: list[dict[str, Any]] = [
    {"type": "percent_off", "percent": "12.5", **CAPS},
    {"type": "amount_off", "amount": 100, "allocation": "each_unit", **CAPS, "per_set": [{"filter": FILTER, "quantity": 2}]},
    {"type": "fixed_price", "amount": {"USD": 5, "EUR": 4}, **CAPS},
    {"type": "bundle_price", "amount": 5, "size": 3, "repeat": False, "target": TARGET, "max_amount": 10},
    {
        "type": "buy_get",
        "buy": {"filter": FILTER, "quantity": 2},
        "get": {"filter": FILTER, "quantity": 1, "percent": "100", "pick": "first"},
        "repeat": True,
        "max_amount": 100,
    },
    {"type": "buy_get", "buy": {"amount": 100}, "get": {"amount": 10}},
    {"type": "free_item", "sku": "gift", "quantity": 2, "unit_price": 100, "name": "Gift"},
    {"type": "upgrade", "from": FILTER, "to": {"sku": "big", "unit_price": 100, "name": "Big"}, "max_units": 2},
    {"type": "stored_value", "available": 100, "rate": "0.5", "max": 50},
    {
        "type": "tiers",
        "by": "quantity",
        "target": TARGET,
        "tiers": [{"from": 1, "effect": {"type": "percent_off", "percent": "1"}}],
    },
    {"type": "compound", "effects": [{"type": "percent_off", "percent": "1"}]},
    {},
]
VALIDITY = {"valid_months": 12, "round_up_to_end_of": "year"}
AWARDS: list[dict[str, Any]] = [
    {"type": "points", "per": 100, "points": 1, "rounding": "up", "multiplier_fact": "customer.factor", **VALIDITY},
    {"type": "credit", "amount": 10, **VALIDITY},
    {"type": "credit", "percent": "5"},
    {"type": "contest_entry", "contest": "car", "entries": 2},
    {"type": "access", "key": "lounge"},
    {"type": "grant", "incentive": "another"},
]
CONDITIONS = [
    {"all": [{"any": [{"fact": "basket.quantity", "op": ">=", "value": 1}]}, {"none": [{"fact": "customer.x", "op": "exists"}]}]},
    {"fact": "customer.tags", "op": "has_any", "value": ["a", "b"]},
    None,
]
WHOLE: dict[str, Any] = {
    "currency": "USD",
    "at": "2026-11-21T10:00:00Z",
    "channel": {"key": "till", "kind": "store"},
    "store": {"key": "s1"},
    "customer": {"facts": {"tier": "gold"}},
    "basket": {
        "currency": "USD",
        "lines": [
            {
                "id": "1", "sku": "a", "name": "A", "categories": ["c"], "brand": "b", "quantity": 3, "unit_price": 100,
                "minimum_unit_price": 10, "attributes": {"colour": "red"}, "discountable": True, "currency": "USD",
            }
        ],
        "shipping": [{"method": "m", "amount": 100}],
    },
    "groups": [
        {
            "key": "g", "name": "G", "eligibility": "exclusive", "rank": 5, "limit": 2, "pick": "first", "scope": "line",
            "base": "original", "consume_without_effect": True,
        }
    ],
    "incentives": [
        {
            "key": f"i{n}", "name": "One", "group": "g", "priority": 1, "conditions": CONDITIONS[n % len(CONDITIONS)],
            "effect": effect, "awards": AWARDS,
            "limits": [{"measure": "units", "left": 3, "on_short": "clip"}],
        }
        for n, effect in enumerate(EFFECTS)
    ],
    "policy": {
        "order": "listed", "base": "original", "choose": "least_cost", "failure": "all", "max_total_percent": "50",
        "max_total_amount": 1000, "max_incentives": 5, "max_exclusive": 2,
    },
}  # fmt: skip
# Refusals that a schema has no words for.
BEYOND_A_SCHEMA = {
    "repeated", "mixed-currency", "unknown-currency", "unknown-fact", "one-of", "too-deep", "wrong-value", "bad-text",
    "not-a-text", "without-group", "without-months", "not-for-shipping", "not-inside", "empty-range", "too-large", "out-of-range",
    "bad-percentage", "bad-instant", "too-many-conditions",
}  # fmt: skip


def refusals(document: Any) -> set[str]:
    try:
        read_simulation(document, now=NOW)
    except Misunderstood as error:
        return {fault.code for fault in error.faults}
    return set()


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(PUBLISHED.schema)


@pytest.mark.parametrize("case", CORE, ids=lambda case: case["id"])
def test_the_cases_are_described(case: Any) -> None:
    assert list(PUBLISHED.iter_errors(simulation(case))) == []


def test_every_field_of_the_language_is_in_the_schema_and_the_other_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example has every field the reader knows, the closed schema accepts the example, and has nothing beside."""
    seen: dict[frozenset[str], set[str]] = {}
    fields = language.Reader.fields

    def watch(self: language.Reader, data: Any, pointer: str, known: Any) -> Any:
        seen.setdefault(frozenset(known), set()).update(data)
        return fields(self, data, pointer, known)

    monkeypatch.setattr(language.Reader, "fields", watch)
    assert refusals(WHOLE) == set()
    assert {known: names for known, names in seen.items() if names != known} == {}
    assert list(PUBLISHED.iter_errors(WHOLE)) == []
    said = {name for component in schema.SCHEMAS.values() for name in _properties(component)}
    assert said - {"all", "any", "none", "fact", "op", "value", "type"} == {
        name for known in seen for name in known
    } - {"type"}  # fmt: skip


def _properties(component: Any) -> set[str]:
    if isinstance(component, list):
        return {name for item in component for name in _properties(item)}
    if not isinstance(component, dict):
        return set()
    own = set(component["properties"]) if isinstance(component.get("properties"), dict) else set()
    return own | {name for item in component.values() for name in _properties(item)}


ODDITIES = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        10**16,
        2.5,
        "",
        " ",
        "x",
        "USD",
        "12.5",
        "1e1",
        "101",
        "x" * 201,
        [],
        ["x"],
        [""],
        {},
        {"x": 1},
    ]
)


def places(document: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [here, *(place for key, value in inner for place in places(value, (*here, key)))]


PLACES = places(WHOLE)[1:]


@given(st.sampled_from(PLACES), st.sampled_from(["replace", "remove", "add"]), ODDITIES)
def test_whatever_the_language_accepts_the_schema_accepts(place: Any, change: str, oddity: Any) -> None:
    document = copy.deepcopy(WHOLE)
    *way, last = place
    holder: Any = document
    for step in way:
        holder = holder[step]
    if change == "replace":
        holder[last] = oddity
    elif change == "remove":
        del holder[last]
    elif isinstance(holder[last], dict):
        holder[last]["surprise"] = oddity
    said, published = refusals(document), [error.message[:200] for error in PUBLISHED.iter_errors(document)]
    if not said:
        assert published == []
    elif not published:
        assert said <= BEYOND_A_SCHEMA

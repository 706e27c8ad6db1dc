"""The language at its bounds, the words of its refusals, and the ways into it that saved incentives take."""

import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from campaigns.rules import language, schema
from campaigns.rules.basket import Basket
from campaigns.rules.effects import NoEffect, PercentOff
from campaigns.rules.groups import Group
from campaigns.rules.language import Reader, read_basket, read_instant, read_simulation
from customers.rules.conditions import ALWAYS
from customers.rules.faults import Fault, Misunderstood

from .test_refusals import NOW, ODDITIES, SMALL, _replaced, _sections
from .test_schema import AWARDS, EFFECTS, WHOLE, places

HERE = Path(__file__).parent / "cases"
LINE = {"id": "1", "sku": "a", "quantity": 1, "unit_price": 100}


def golden(name: str, found: Any) -> Any:
    """What ``cases/<name>`` holds; after a change that is meant, ``REWRITE=1`` writes it anew."""
    if os.environ.get("REWRITE"):
        (HERE / name).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    return json.loads((HERE / name).read_text())


def test_the_words_of_refusals_are_what_they_were() -> None:
    """Every sentence that some oddity at some place of the examples brings, by its code."""
    said: dict[str, set[str]] = {}
    real = Reader.fault

    def note(self: Reader, pointer: str, code: str, detail: str) -> None:
        said.setdefault(code, set()).add(detail)
        real(self, pointer, code, detail)

    Reader.fault = note  # type: ignore[method-assign]
    try:
        for document, judge in _sections().values():
            for place in places(document):
                for oddity in ODDITIES:
                    judge(_replaced(document, place, oddity))
        for change in (
            {"groups": [{"key": "g"}] * 2},
            {"basket": {"lines": [LINE, LINE]}},
            {"incentives": SMALL["incentives"] * 2},
        ):
            faults_of({**SMALL, **change})
        faults_of({**SMALL, "basket": {"lines": [{**LINE, "quantity": 10**6, "unit_price": 10**13}]}})
        faults_of({**SMALL, "incentives": [{"key": "a", "effect": {"type": "recorded"}}]})
        read_basket({"lines": []}, currency="USD", reader=Reader())
        for effect in EFFECTS:
            language.read_effect({**effect, "surprise": 1}, reader=Reader())
    finally:
        Reader.fault = real  # type: ignore[method-assign]
    found = {code: sorted(details) for code, details in said.items()}
    assert found == golden("sentences.json", found)


def test_the_published_schema_is_what_it_was() -> None:
    """Built anew, as it is when the program starts."""
    found = json.loads(json.dumps(importlib.reload(schema).SCHEMAS))
    assert found == golden("schema.json", found)


def faults_of(data: Any) -> list[tuple[str, str]]:
    try:
        read_simulation(data, now=NOW)
    except Misunderstood as error:
        return [(fault.pointer, fault.code) for fault in error.faults]
    return []


@pytest.mark.parametrize("n", [n for n, effect in enumerate(EFFECTS) if effect.get("type") in language.EFFECTS])
def test_a_field_an_effect_does_not_have_is_pointed_to(n: int) -> None:
    reader = Reader()
    language.read_effect({**EFFECTS[n], "surprise": 1}, reader=reader)
    assert ("/effect/surprise", "unknown-field") in [(fault.pointer, fault.code) for fault in reader.faults]


def many(count: int) -> dict[str, Any]:
    return {f"k{n}": "v" for n in range(count)}


CURRENCIES = sorted(language.CURRENCIES)


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"basket": {"lines": [{**LINE, "attributes": many(50)}]}}, []),
        ({"basket": {"lines": [{**LINE, "attributes": many(51)}]}}, ["/basket/lines/0/attributes"]),
        ({"basket": {"lines": [{**LINE, "attributes": {"a": 5}}]}}, ["/basket/lines/0/attributes/a"]),
        ({"basket": {"lines": [{**LINE, "attributes": {"x" * 201: "v"}}]}}, ["/basket/lines/0/attributes"]),
        ({"basket": {"lines": [{**LINE, "attributes": {"y" * 99: 5}}]}}, ["/basket/lines/0/attributes/" + "y" * 60]),
        ({"basket": {"lines": [{**LINE, "sku": "x" * 200}]}}, []),
        ({"basket": {"lines": [{**LINE, "sku": "x" * 201}]}}, ["/basket/lines/0/sku"]),
        ({"basket": {"lines": [LINE], "shipping": [{"method": "m", "amount": 1}] * 2}}, ["/basket/shipping/1/method"]),
        ({"basket": {"lines": [{**LINE, "quantity": 1, "unit_price": 10**13}]}}, []),
        ({"basket": {"lines": [{**LINE, "quantity": 2, "unit_price": 10**13}]}}, ["/basket"]),
        ({"customer": {"facts": many(500)}}, []),
        ({"customer": {"facts": many(501)}}, ["/customer/facts"]),
        ({"policy": {"max_incentives": 100, "max_exclusive": 100}}, []),
        ({"policy": {"max_incentives": 101}}, ["/policy/max_incentives"]),
        ({"policy": {"max_exclusive": 101}}, ["/policy/max_exclusive"]),
    ],
)
def test_bounds_of_a_simulation(change: Any, pointers: list[str]) -> None:
    assert [pointer for pointer, _code in faults_of({**SMALL, **change})] == pointers


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"priority": 1_000_000}, []),
        ({"priority": -1_000_000}, []),
        ({"priority": 1_000_001}, ["/incentives/0/priority"]),
        ({"priority": -1_000_001}, ["/incentives/0/priority"]),
        ({"name": 5}, ["/incentives/0/name"]),
        ({"conditions": {"all": 5}}, ["/incentives/0/conditions/all"]),
        ({"effect": {"type": "recorded"}}, ["/incentives/0/effect/type"]),
        ({"effect": {**EFFECTS[0], "max_amount": dict.fromkeys(CURRENCIES[:150], 1)}}, []),
        ({"effect": {**EFFECTS[0], "max_amount": {"Z" * 70: 1}}}, ["/incentives/0/effect/max_amount/" + "Z" * 60]),
        ({"limits": [{"measure": "discount", "left": 1}]}, []),
        ({"limits": [{"measure": "discounts", "left": 1}]}, ["/incentives/0/limits/0/measure"]),
        ({"awards": [{**AWARDS[0], "valid_months": 1_200}]}, []),
        ({"awards": [{**AWARDS[0], "valid_months": 1_201}]}, ["/incentives/0/awards/0/valid_months"]),
    ],
)
def test_bounds_of_an_incentive(change: Any, pointers: list[str]) -> None:
    found = faults_of({**SMALL, "incentives": [{**SMALL["incentives"][0], **change}]})
    assert sorted({pointer for pointer, _code in found}) == pointers


@pytest.mark.parametrize(
    ("said", "is_read"),
    [
        ("1970-01-01T00:00:00Z", True),
        ("1969-12-31T23:59:59Z", False),
        ("9000-12-31T00:00:00Z", True),
        ("9001-01-01T00:00:00Z", False),
        ("2026-11-21T10:00:00", False),
        ("2026-11-21", False),
        ("x", False),
        (20_261_121, False),
    ],
)
def test_instants(said: object, is_read: bool) -> None:
    reader = Reader()
    assert (read_instant(said, "/at", reader) is not None) is is_read
    assert bool(reader.faults) is not is_read


def test_ids_of_limits_differ_between_incentives() -> None:
    limits = [{"measure": "uses", "left": 1}] * 2
    incentives = [{"key": key, "effect": EFFECTS[0], "limits": limits} for key in "ab"]
    asked = read_simulation({**SMALL, "incentives": incentives}, now=NOW)
    found = [limit.id for candidate in asked.candidates for limit in candidate.standing.limits]
    assert found == sorted(set(found))
    assert [candidate.position for candidate in asked.candidates] == [0, 1]


def test_saved_incentives_are_read_as_they_were_said() -> None:
    effect = {"type": "percent_off", "percent": "10"}
    read = language.effect_of(effect)
    assert isinstance(read, PercentOff)
    assert language.promise_of(effect, AWARDS)[0] == read
    assert len(language.promise_of(effect, AWARDS)[1]) == len(AWARDS)
    assert language.promise_of({}, AWARDS)[0] == NoEffect()
    assert language.conditions_of(None) == ALWAYS
    group = language.stack_group_of(WHOLE["groups"][0])
    assert isinstance(group, Group)
    assert (group.key, group.name) == ("g", "G")


@pytest.mark.parametrize(
    ("read", "pointer"),
    [
        (lambda: language.effect_of({"type": "magic"}), "/effect/type"),
        (lambda: language.promise_of({"type": "percent_off", "percent": "10"}, [5]), "/awards/0/type"),
        (lambda: language.conditions_of({"all": 5}), "/conditions/all"),
        (lambda: language.stack_group_of({"key": "g", "rank": "x"}), "/rank"),
        (lambda: language.stack_group_of({"key": "g", "surprise": 1}), "/surprise"),
    ],
)
def test_what_could_not_have_been_saved_is_misunderstood(read: Any, pointer: str) -> None:
    with pytest.raises(Misunderstood) as error:
        read()
    assert [fault.pointer for fault in error.value.faults] == [pointer]


def test_a_basket_needs_a_line_unless_it_may_be_empty() -> None:
    reader = Reader()
    assert isinstance(read_basket({"lines": []}, currency="USD", reader=reader), Basket)
    assert reader.faults == [Fault("/basket/lines", "empty-basket", "A basket has at least one line.")]


def told(effect: Any) -> list[tuple[str, str, str]]:
    reader = Reader()
    language.read_effect(effect, reader=reader)
    return [(fault.pointer, fault.code, fault.detail) for fault in reader.faults]


SHIPPING = {"scope": "shipping"}
STEPS = [{"from": 5, "effect": EFFECTS[0]}, {"from": 5, "effect": EFFECTS[0]}]


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ({"type": "tiers", "tiers": STEPS}, [("/effect/tiers", "repeated", "Two tiers begin at the same place.")]),
        (
            {**EFFECTS[0], "target": {**SHIPPING, "units": {"max_per_order": 1}}},
            [("/effect/target", "not-for-shipping", "Units are picked of goods, not of shipping.")],
        ),
        (
            {"type": "bundle_price", "amount": 1, "size": 2, "target": SHIPPING},
            [("/effect/target/scope", "not-for-shipping", "A bundle is of goods.")],
        ),
        (
            {"type": "compound", "effects": [{"type": "stored_value", "available": 5}]},
            [("/effect/effects/0/type", "not-inside", "A payment stands by itself: give it an incentive of its own.")],
        ),
    ],
)
def test_refusals_that_only_the_whole_effect_brings_in_words(effect: Any, expected: list[tuple[str, str, str]]) -> None:
    assert told(effect) == expected


@pytest.mark.parametrize(("levels", "is_refused"), [(1, False), (2, True)])
def test_tiers_are_a_level_of_their_own(levels: int, is_refused: bool) -> None:
    inner: Any = EFFECTS[0]
    for _n in range(levels):
        inner = {"type": "compound", "effects": [inner]}
    found = told({"type": "tiers", "tiers": [{"from": 1, "effect": inner}]})
    assert ([code for _pointer, code, _detail in found] == ["too-deep"]) is is_refused


@pytest.mark.parametrize(("count", "is_refused"), [(50, False), (51, True)])
def test_a_filter_asks_for_fifty_attributes_at_most(count: int, is_refused: bool) -> None:
    include = {"attributes": {f"k{n}": ["v"] for n in range(count)}}
    assert bool(told({**EFFECTS[0], "target": {"scope": "lines", "include": include}})) is is_refused


def test_a_field_an_award_does_not_have_is_pointed_to() -> None:
    reader = Reader()
    language.read_awards([{**AWARDS[0], "surprise": 1}], reader=reader, pointer="/awards")
    assert [(fault.pointer, fault.code) for fault in reader.faults] == [("/awards/0/surprise", "unknown-field")]

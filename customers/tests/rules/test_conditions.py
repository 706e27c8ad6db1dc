"""The condition language: what is understood, what is refused and where, and what holds."""

from typing import Any

import pytest

from customers.rules.conditions import AUDIENCE_FACTS, first_failure, holds, parse
from customers.rules.faults import Misunderstood

ANN = {"group": "VIP", "orders": 12, "joined": "2026-01-05", "tags": ["a", "b"], "member": True}


def is_met(data: Any) -> bool:
    return holds(parse(data, facts=AUDIENCE_FACTS), lambda name: ANN.get(name.removeprefix("customer.")))


def leaf(fact: str, op: str, value: Any) -> dict[str, Any]:
    return {"fact": f"customer.{fact}", "op": op, "value": value}


@pytest.mark.parametrize(
    ("fact", "op", "value", "expected"),
    [
        ("group", "==", "VIP", True),
        ("group", "!=", "VIP", False),
        ("group", "in", ["VIP", "STAFF"], True),
        ("group", "not_in", ["STAFF"], True),
        ("orders", ">", 11, True),
        ("orders", ">=", 13, False),
        ("orders", "between", [10, 12], True),
        ("orders", "==", "12", False),  # a number is not a text
        ("member", "==", 1, False),  # nor is true one
        ("joined", "<", "2026-02-01", True),
        ("tags", "has", "a", True),
        ("tags", "has_any", ["x", "b"], True),
        ("tags", "has_all", ["a", "x"], False),
        ("group", "matches", "V.P", True),
        ("group", "matches", "[A-Z]{3}", True),
        ("group", "matches", "V", False),  # a pattern describes the whole text
        ("orders", "matches", r"\d+", False),  # a number is not a text
        ("nothing", "exists", False, True),
        ("nothing", "!=", "x", False),  # an unknown fact meets nothing
        ("nothing", "not_in", ["x"], False),
    ],
)
def test_a_leaf(fact: str, op: str, value: Any, expected: bool) -> None:
    assert is_met(leaf(fact, op, value)) is expected


def test_groups() -> None:
    yes, no = leaf("group", "==", "VIP"), leaf("group", "==", "X")
    assert is_met({"all": [yes, {"any": [no, yes]}, {"none": [no]}]})
    assert not is_met({"none": [no, yes]})
    assert is_met({"all": []})
    assert not is_met({"any": []})
    assert is_met(None)


def test_the_failing_leaf_is_named() -> None:
    condition = parse({"all": [leaf("group", "==", "VIP"), leaf("orders", ">=", 20)]}, facts=AUDIENCE_FACTS)
    failure = first_failure(condition, lambda name: ANN.get(name.removeprefix("customer.")))
    assert failure is not None
    assert (failure.fact, failure.value) == ("customer.orders", 20)


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        ("text", "", "not-an-object"),
        ({"all": {}}, "/all", "not-a-list"),
        ({"all": [], "extra": 1}, "/extra", "unknown-field"),
        ({"all": [{"fact": "basket.total", "op": "==", "value": 1}]}, "/all/0/fact", "unknown-fact"),
        (leaf("a", "~", 1), "/op", "unknown-op"),
        (leaf("a", ">", "word"), "/value", "wrong-value"),
        (leaf("a", "in", []), "/value", "wrong-value"),
        (leaf("a", "between", [1]), "/value", "wrong-value"),
        (leaf("a", "matches", "(a+"), "/value", "wrong-value"),
        (leaf("a", "matches", ["a"]), "/value", "wrong-value"),
        (leaf("a", "==", None), "/value", "wrong-value"),
        (leaf("a", "==", {"x": 1}), "/value", "wrong-value"),
        (leaf("a", "==", "nul\x00"), "/value", "wrong-value"),
        (leaf("a", "==", float("nan")), "/value", "wrong-value"),
        ({"any": [leaf("a", "==", 1)] * 201}, "", "too-many-conditions"),
    ],
)
def test_a_fault_has_its_place(data: Any, pointer: str, code: str) -> None:
    with pytest.raises(Misunderstood) as refusal:
        parse(data, facts=AUDIENCE_FACTS)
    assert (pointer, code) in [(fault.pointer, fault.code) for fault in refusal.value.faults]


def test_depth_is_bounded() -> None:
    data: Any = leaf("a", "==", 1)
    for _ in range(5000):
        data = {"all": [data]}
    with pytest.raises(Misunderstood) as refusal:
        parse(data, facts=AUDIENCE_FACTS)
    assert refusal.value.faults[0].code == "too-deep"

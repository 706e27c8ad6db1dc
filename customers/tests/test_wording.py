"""Rules of segments as sentences: every heading once, lists below the line they belong to."""

from typing import Any

import pytest

from customers.rules.segments import parse_rule
from customers.wording import rule_in_words

ROME = {"fact": "customer.city", "op": "==", "value": "Rome"}
OLD = {"fact": "customer.age", "op": ">=", "value": 60}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"all": [ROME, OLD]}, ["R", "O"]),
        ({"any": [ROME, OLD]}, ["one of:", ["R", "O"]]),
        ({"all": [ROME, {"any": [ROME, OLD]}]}, ["R", "one of:", ["R", "O"]]),
        ({"any": [{"all": [ROME, OLD]}, {"none": [OLD]}]}, ["one of:", ["all of:", ["R", "O"], "none of:", ["O"]]]),
        ({"all": []}, ["everybody"]),
        ({"all": [ROME, {"any": []}, {"all": []}]}, ["R", "nobody", "everybody"]),
    ],
)
def test_each_group_has_its_heading_once(rule: Any, expected: list[Any]) -> None:
    def short(lines: list[Any]) -> list[Any]:
        kinds = {"city": "R", "age": "O"}
        return [short(line) if isinstance(line, list) else kinds.get(str(line).partition(" ")[0], str(line)) for line in lines]

    assert short(rule_in_words(parse_rule(rule))) == expected

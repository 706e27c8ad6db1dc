"""Which groups of a wave are shown: as the rules say in words where one dimension is divided, and as one where they are few."""

import os
import random
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.rules.disclosure import smallest_disclosed
from surveys.rules.publishing import OTHER, publish
from surveys.tests.rules.test_cases import published
from surveys.tests.rules.test_disclosure import _in_span

EXAMPLES = int(os.environ.get("EXAMPLES", "40"))


def complement(respondents: dict[str, int], k: int) -> list[str]:
    """R3 word by word: hide what is under k; while the hidden are fewer than k, the smallest shown as well (the first listed)."""
    answered = {group: count for group, count in respondents.items() if count}
    if sum(answered.values()) < k:
        return []
    hidden = {group for group, count in answered.items() if count < k}
    while hidden and len(hidden) < len(answered) and sum(answered[group] for group in hidden) < k:
        hidden.add(min((group for group in answered if group not in hidden), key=lambda group: answered[group]))
    return [group for group in answered if group not in hidden]


@settings(max_examples=EXAMPLES, deadline=None)
@given(sizes=st.lists(st.integers(0, 12), max_size=8), k=st.integers(3, 10))
def test_of_one_dimension_what_r3_and_r7_say_is_shown(sizes: list[int], k: int) -> None:
    """Empty companies, groups nobody of answered, ties, all groups hidden."""
    respondents = {f"g{n}": size for n, size in enumerate(sizes)}
    found, shown = published(respondents, k), complement(respondents, k)
    together = sum(sizes) - sum(respondents[group] for group in shown)
    expected = {group: respondents[group] for group in shown} | ({"other": together} if together >= k else {})
    assert found == {"whole": sum(sizes) >= k, "groups": expected}


@settings(max_examples=EXAMPLES, deadline=None)
@given(inner=st.integers(0, 20), between=st.integers(0, 12), k=st.integers(3, 10))
def test_of_two_groups_one_inside_the_other_both_are_shown_only_with_nobody_or_k_between(
    inner: int, between: int, k: int
) -> None:
    """R4: a department that has one department, and some people of its own."""
    people = [{"department": ["all", "inside"]}] * inner + [{"department": ["all"]}] * between + [{"department": []}] * 20
    shown = publish(tallies(people), people, k=k)["shown"].get("department", [])
    assert ("inside" in shown) is (inner >= k and (between == 0 or between >= k))
    assert ("all" in shown) is (inner + between >= k)


def tallies(people: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"": {"": {"*": len(people)}}}
    for person in people:
        for dimension, value in person.items():
            for key in value if isinstance(value, list) else [value]:
                found.setdefault(dimension, {}).setdefault(key, {"*": 0})["*"] += 1
    return {"score": found}


def test_small_departments_are_one_within_the_one_that_is_shown() -> None:
    people = [{"department": ["all", "sales", f"team {n % 4}"]} for n in range(12)] + [{"department": ["all", "it"]}] * 6
    found = publish(tallies(people), people, k=5)
    inside = f"{OTHER}/sales"
    assert found["others"] == {"department": {inside: ["team 0", "team 1", "team 2", "team 3"]}}
    assert found["figures"]["score"]["department"][inside] == {"*": 12}


def test_others_name_those_nobody_of_answered_too() -> None:
    """Or being named would say that somebody did, and not being named that nobody."""
    people = [{"location": "Rome"}] * 9 + [{"location": "Bonn"}] * 3 + [{"location": "Lyon"}] * 3
    found = publish(tallies(people), people, k=5, invited=[*people, {"location": "Oslo"}])
    assert found["others"] == {"location": {OTHER: ["Bonn", "Lyon", "Oslo"]}}
    assert found["figures"]["score"]["location"] == {"Rome": {"*": 9}, OTHER: {"*": 6}}


def test_others_that_would_tell_of_a_few_are_not_shown() -> None:
    """Everybody who is in Bonn or Lyon is in sales, which has two more: the small places together would tell of the two."""
    people = [{"location": place, "department": ["sales"]} for place in ["Bonn"] * 3 + ["Lyon"] * 3]
    people += [{"location": "", "department": ["sales"]}] * 2 + [{"location": "", "department": ["it"]}] * 20
    found = publish(tallies(people), people, k=5)
    assert "sales" in found["shown"]["department"]
    assert found["others"] == {}
    # Without the department they are.
    alone = [{"location": person["location"]} for person in people]
    assert publish(tallies(alone), alone, k=5)["others"] == {"location": {OTHER: ["Bonn", "Lyon"]}}


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 10**6), people=st.integers(6, 12), k=st.integers(3, 4))
def test_with_others_nothing_smaller_than_k_follows(seed: int, people: int, k: int) -> None:
    """Against every set of fewer than k people, by an elimination of its own (``test_disclosure``)."""
    chance = random.Random(seed)
    staff = [
        {
            "department": ["all", f"d{chance.randrange(3)}"],
            "location": f"l{chance.randrange(4)}",
            "tenure": f"t{chance.randrange(4)}",
        }
        for _n in range(people)
    ]
    found = publish(tallies(staff), staff, k=k)
    family = [frozenset(range(people))] if found["figures"] else []
    for dimension, keys in found["shown"].items():
        for key in keys:
            parts = set(found["others"].get(dimension, {}).get(key, [key]))
            mine = [set(value if isinstance(value, list) else [value]) for value in (person[dimension] for person in staff)]
            family.append(frozenset(n for n in range(people) if parts & mine[n]))
    for size in range(1, k):
        assert not any(_in_span(family, set(target), people) for target in combinations(range(people), size))


@pytest.mark.parametrize("seed", range(5))
def test_what_was_shown_before_is_judged_with_what_is_shown_now(seed: int) -> None:
    """Steps of the company's score are groups of people too; a department that with them would tell of a few is left out."""
    chance = random.Random(seed)
    people = [{"department": ["it" if n < 8 else "sales"]} for n in range(20)]
    first = list(range(6)) + chance.sample(range(8, 20), 2)  # six of the eight in IT, and two of sales
    found = publish(tallies(people), people, k=5, steps={"score": [first, list(range(20))]})
    figures = found["figures"]["score"].get("department", {})
    sets = [set(range(20)), set(first)]
    for key, members in (("it", set(range(8))), ("sales", set(range(8, 20)))):
        sets += [members] if key in figures else []
    assert smallest_disclosed(sets, 5, seed=99) is None

"""What can be worked out from what is shown: small attacks by hand, and a solver against whole companies."""

import random
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.rules import disclosure
from surveys.rules.disclosure import safe_groups, smallest_disclosed


def test_the_rest_of_a_whole_is_found() -> None:
    everybody, shown = set(range(13)), set(range(9))
    assert smallest_disclosed([everybody, shown], 5) == set(range(9, 13))
    assert smallest_disclosed([everybody, shown], 4) is None


def test_one_group_inside_another_of_a_different_kind_is_found() -> None:
    # Everybody in Rome is in sales, and sales has two more.
    assert smallest_disclosed([set(range(12)), set(range(10))], 5) == {10, 11}


def test_three_groups_that_meet_in_one_person_are_found() -> None:
    a, b, c = {0, 1, 2, 3, 4, 5}, {0, 6, 7, 8, 9, 10}, set(range(1, 11))
    # a + b − c is twice the one whom a and b share.
    assert smallest_disclosed([a, b, c], 5) == {0}


def test_groups_that_tell_of_nobody_are_safe() -> None:
    departments = [set(range(10)), set(range(10, 20)), set(range(20, 30))]
    assert smallest_disclosed([set(range(30)), *departments], 5) is None


def test_what_would_tell_is_left_out_and_the_rest_is_shown() -> None:
    groups = {
        "all": frozenset(range(30)),
        "sales": frozenset(range(12)),
        "it": frozenset(range(12, 30)),
        "rome": frozenset(range(10)),  # inside sales, which has two more
        "bonn": frozenset(range(10, 30)),
    }
    shown = safe_groups(groups, 5, first=["all"])
    assert shown[0] == "all"
    assert not {"sales", "rome"} <= set(shown)
    assert len(shown) >= 3


def _in_span(groups: list[frozenset[int]], target: set[int], people: int) -> bool:
    """Exact: is the indicator of ``target`` a combination of the groups'? Gauss with fractions; nothing of ours."""
    rows = [[Fraction(int(person in group)) for person in range(people)] for group in groups]
    wanted = [Fraction(int(person in target)) for person in range(people)]
    pivots: list[tuple[int, list[Fraction]]] = []
    for row in rows:
        for column, pivot in pivots:
            if row[column]:
                factor = row[column]
                row = [a - factor * b for a, b in zip(row, pivot, strict=True)]
        column = next((n for n, value in enumerate(row) if value), -1)
        if column >= 0:
            row = [value / row[column] for value in row]
            pivots.append((column, row))
    for column, pivot in pivots:
        if wanted[column]:
            factor = wanted[column]
            wanted = [a - factor * b for a, b in zip(wanted, pivot, strict=True)]
    return not any(wanted)


@st.composite
def companies(draw: st.DrawFn) -> dict[str, frozenset[int]]:
    """A small company, divided in three ways, one of them nested."""
    people = draw(st.integers(6, 11))
    found: dict[str, frozenset[int]] = {"all": frozenset(range(people))}
    for dimension in ("department", "location", "tenure"):
        values = draw(st.lists(st.integers(0, 3), min_size=people, max_size=people))
        for value in set(values):
            found[f"{dimension}:{value}"] = frozenset(n for n, mine in enumerate(values) if mine == value)
    found["department:wide"] = frozenset().union(*(found.get(f"department:{value}", ()) for value in (0, 1)))
    tree = draw(st.lists(st.booleans(), min_size=people, max_size=people))
    found["division:0"] = frozenset(n for n, mine in enumerate(tree) if mine)
    return found


@settings(max_examples=60, deadline=None)
@given(groups=companies(), k=st.integers(2, 4))
def test_nothing_smaller_than_k_follows_from_what_is_shown(groups: dict[str, frozenset[int]], k: int) -> None:
    """Against every subset of fewer than k people, exactly."""
    people = len(groups["all"])
    shown = safe_groups(groups, k, first=["all"])
    assert all(len(groups[name]) >= k for name in shown)
    assert "all" in shown or people < k
    family = [groups[name] for name in shown]
    for size in range(1, k):
        for target in combinations(range(people), size):
            assert not _in_span(family, set(target), people), (shown, target)


@settings(max_examples=40, deadline=None)
@given(groups=companies(), k=st.integers(2, 4))
def test_what_is_disclosed_is_found(groups: dict[str, frozenset[int]], k: int) -> None:
    people = len(groups["all"])
    family = [group for group in groups.values() if len(group) >= k]
    found = smallest_disclosed(family, k)
    if found is not None:
        assert len(found) < k
        assert _in_span(family, found, people)
    else:
        assert not any(
            _in_span(family, set(target), people) for size in range(1, k) for target in combinations(range(people), size)
        )


@pytest.mark.parametrize("k", [5, 10])
def test_a_company_of_320_people_is_looked_through(k: int) -> None:
    chance = random.Random(320)
    people = range(320)
    groups = {"all": frozenset(people)}
    for dimension, values in (("department", 14), ("location", 6), ("manager", 40), ("tenure", 5), ("language", 4)):
        mine = [chance.randrange(values) for _n in people]
        for value in range(values):
            groups[f"{dimension}:{value}"] = frozenset(n for n in people if mine[n] == value)
    # One place is one department and two people more: both together tell of the two.
    groups["location:small"] = groups["department:0"] | {min(groups["department:1"]), max(groups["department:1"])}
    shown = safe_groups(groups, k, first=["all"])
    assert len(shown) > 20
    family = [groups[name] for name in shown]
    assert smallest_disclosed(family, k, seed=1) is None
    # Not for nothing: all groups of k together would tell of somebody.
    everything = [group for group in groups.values() if len(group) >= k]
    assert len(everything) > len(family)
    assert smallest_disclosed(everything, k) is not None


# --- Many people ------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=8, max_size=40), k=st.integers(2, 4), seed=st.integers(0, 9))
def test_what_is_made_one_neither_hides_nor_makes_what_tells(values: list[tuple[int, ...]], k: int, seed: int) -> None:
    """Judged by classes as by people: three dimensions, one of them the blocks."""
    chance = random.Random(seed)
    rows = [*values, *chance.choices(values, k=len(values))]  # people who are alike, so that something is made one
    block, *others = (np.array(column) for column in zip(*rows, strict=True))
    people = {
        f"d{d}:{value}": np.flatnonzero(column == value) for d, column in enumerate(others) for value in set(column.tolist())
    }
    blocks = [np.flatnonzero(block == value) for value in set(block.tolist())]
    told = smallest_disclosed([set(mine.tolist()) for mine in [*people.values(), *blocks]], k)
    assert disclosure._is_safe_across(list(people), people, block, k) is (told is None)


def large(people: int, seed: int = 5) -> dict[str, frozenset[int]]:
    """Departments in divisions, teams in departments, places that most of a department share, years, languages of a place."""
    chance = random.Random(seed)
    found: dict[str, set[int]] = {"": set(range(people))}
    for person in range(people):
        team = chance.randrange(people // 9)
        department = team // 6
        place = department % 40 if chance.random() < 0.9 else chance.randrange(40)
        years = chance.choices(range(5), [20, 30, 25, 15, 10])[0]
        language = place % 4 if chance.random() < 0.95 else chance.randrange(6)
        for name in (
            f"department:{department}",
            f"department:division {department // 12}",
            f"manager:{team}",
            f"location:{place}",
            f"tenure:{years}",
            f"language:{language}",
        ):
            found.setdefault(name, set()).add(person)
    return {name: frozenset(group) for name, group in found.items()}


def test_a_large_company_is_divided_in_every_way() -> None:
    groups = large(12_000)
    shown = safe_groups(groups, 5, first=["", *(name for name in groups if name.startswith("department:"))])
    counts = {dimension: sum(name.startswith(dimension) for name in shown) for dimension in ("location", "tenure", "language")}
    assert counts == {"location": 40, "tenure": 5, "language": 6}
    assert sum(name.startswith("manager:") for name in shown) > 1_000


def test_one_who_can_be_told_from_a_large_company_is_found() -> None:
    """Two people of a department work elsewhere: it and the place that is all its others tell of them."""
    groups = large(6_000)
    sales = frozenset(range(3_000))
    groups = {"": groups[""], "department:sales": sales, "location:home": sales - {1, 2}, "tenure:0": groups["tenure:0"]}
    assert safe_groups(groups, 5, first=list(groups)) == ["", "department:sales", "tenure:0"]


def test_two_who_can_be_told_by_four_groups_that_cut_one_another_are_found() -> None:
    """Two departments have all of their people in two places, each in both, but for two."""
    a, b = frozenset(range(2_000)), frozenset(range(2_000, 4_000))
    north = frozenset(person for person in a | b if person % 2) - {1, 3}
    groups = {"": frozenset(range(9_000)), "department:a": a, "department:b": b, "location:north": north}
    groups |= {"location:south": (a | b) - north - {1, 3}, "location:west": frozenset({1, 3, *range(4_000, 9_000)})}
    shown = safe_groups(groups, 5, first=list(groups))
    assert len(shown) == 4, "everybody, the departments, one of the places"
    groups["location:south"] -= {0, 2, 4}
    groups["location:west"] |= {0, 2, 4}
    assert len(safe_groups(groups, 5, first=list(groups))) == 6, "of five people it may tell"

"""Which groups may stand beside each other: against every few people, by an elimination that knows nothing of the rules."""

import random
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from surveys.rules.disclosure import Tree, bad_sizes, cells, choose, few_between, most_of_a_tree
from surveys.tests.rules.exact import fewest_touched


def tree_of(parents: list[int], of: list[int]) -> Tree:
    return Tree(np.array(parents, dtype=np.int64), np.array(of, dtype=np.int64))


def random_tree(chance: random.Random, nodes: int, people: int) -> Tree:
    parents = [0, *(chance.randrange(node) for node in range(1, nodes))]
    return tree_of(parents, [chance.randrange(nodes) for _person in range(people)])


def test_the_checker_finds_what_a_difference_of_one_person_each_tells() -> None:
    """+1 on one person and −1 on another: no set of few people is a group, and still both answers are known."""
    logistics, returns, team = set(range(12)), set(range(5, 12)), {0, 1, 2, 3, 20}
    assert fewest_touched([logistics, returns, team, set(range(30))], 3) == (4, 20)
    assert fewest_touched([logistics, returns, set(range(30))], 5) is None


@given(seed=st.integers(0, 10**6), nodes=st.integers(1, 7), people=st.integers(3, 25), k=st.integers(1, 5))
def test_no_other_choice_of_one_dimension_shows_more(seed: int, nodes: int, people: int, k: int) -> None:
    """Against every subset of the groups."""
    chance = random.Random(seed)
    tree = random_tree(chance, nodes, people)
    took_part = np.array([chance.random() < 0.7 for _person in range(people)])
    worth = np.array([chance.choice([1.0, 2.0, 2.5]) for _node in range(nodes)])
    reach = tree.sizes(took_part.astype(np.int64))

    def is_allowed(shown: np.ndarray) -> bool:
        return all(reach[node] >= k for node in np.flatnonzero(shown)[1:]) and not len(
            bad_sizes(cells([tree], [shown]), took_part, k)
        )

    every = [np.array([True, *flags]) for flags in product([False, True], repeat=nodes - 1)]
    allowed = [shown for shown in every if is_allowed(shown)]
    if not allowed:
        return
    found = most_of_a_tree(tree, took_part, worth, k)
    assert is_allowed(found)
    assert worth[found][1:].sum() == pytest.approx(max(worth[shown][1:].sum() for shown in allowed))


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(seed=st.integers(0, 10**6), people=st.integers(6, 16), k=st.integers(2, 3))
def test_between_two_waves_exactly_the_light_cuts_are_found(seed: int, people: int, k: int) -> None:
    chance = random.Random(seed)
    now = np.array([chance.choice([-1, 0, 0, 1, 2]) for _person in range(people)])
    then = np.array([chance.choice([-1, at, at, at, chance.choice([0, 1, 2])]) for at in now.tolist()])
    groups = [set(np.flatnonzero(wave == cell)) for wave in (now, then) for cell in range(3)]
    assume(all(len(group) >= k for group in groups if group))
    follows = fewest_touched([group for group in groups if group], k)
    assert few_between(now, then, 3, k).any() == (follows is not None)


def test_a_cycle_of_few_changes_is_safe_where_no_single_cut_is_light() -> None:
    """Three departments that swapped two people with each other: each border is light, and no side has a light border."""
    now, then = [], []
    for one, other in ((0, 1), (1, 2), (2, 0)):
        now += [one] * 2 + [other] * 2
        then += [other] * 2 + [one] * 2
    assert not few_between(np.array(now), np.array(then), 3, 4).any()
    assert few_between(np.array(now), np.array(then), 3, 5).any() == (
        fewest_touched([set(np.flatnonzero(np.array(wave) == cell)) for wave in (now, then) for cell in range(3)], 5) is not None
    )


def test_what_must_be_hidden_is_hidden_and_the_rest_stays() -> None:
    # Rome lies in sales, which has two more: of the two dimensions the later gives way.
    departments = tree_of([0, 0, 0], [1] * 12 + [2] * 18)
    places = tree_of([0, 0, 0], [1] * 10 + [2] * 20)
    everything = [np.ones(3, dtype=bool)] * 2
    wanted = [(0, 2), (0, 1), (1, 2), (1, 1)]
    took_part = np.ones(30, dtype=bool)
    trees = [departments, places]
    kept = choose(trees, everything, wanted, lambda shown: bad_sizes(cells(trees, shown), took_part, 5))
    assert kept is not None
    assert kept[0].all()
    assert kept[1].tolist() == [True, False, False]

"""Groups that cut across departments: against every few people and every possible answer, without the rules."""

import random
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from surveys.rules.crossing import are_safe, are_safe_between, can_exchange
from surveys.rules.disclosure import few_between
from surveys.tests.rules.exact import fewest_touched


def groups_of(*labels: np.ndarray) -> list[set[int]]:
    return [set(np.flatnonzero(label == value)) for label in labels for value in np.unique(label[label >= 0])]


@given(seed=st.integers(0, 10**6), people=st.integers(6, 40), k=st.integers(2, 4))
def test_what_is_taken_for_safe_tells_of_no_fewer_than_k(seed: int, people: int, k: int) -> None:
    chance = random.Random(seed)
    labels = [np.array([chance.randrange(size) for _person in range(people)]) for size in (3, chance.choice([1, 2, 3]), 2)]
    cells = labels[0]
    large = all(len(group) >= k for group in groups_of(cells))
    if large and are_safe(cells, labels[1:], k):
        assert fewest_touched(groups_of(*labels), k) is None


def test_of_two_ways_to_divide_the_answer_is_exact() -> None:
    safe = 0
    for seed in range(200):
        chance = random.Random(seed)
        cells, places = (np.array([chance.randrange(3) for _person in range(18)]) for _way in range(2))
        if all(len(group) >= 3 for group in groups_of(cells, places)):
            verdict = are_safe(cells, [places], 3)
            assert verdict == (fewest_touched(groups_of(cells, places), 3) is None)
            safe += verdict
    assert safe > 50


@given(seed=st.integers(0, 10**6), people=st.integers(8, 40), k=st.integers(2, 3))
def test_of_two_waves_what_is_taken_for_safe_tells_of_no_fewer_than_k(seed: int, people: int, k: int) -> None:
    chance = random.Random(seed)
    everywhere = [[chance.randrange(2), chance.randrange(2), chance.randrange(2)] for _person in range(people)]
    waves = []
    for _wave in range(2):
        here = np.array([chance.random() < 0.7 for _person in range(people)])
        waves.append([np.where(here, np.array([mine[way] for mine in everywhere]), -1) for way in range(3)])
        for mine in everywhere:
            if chance.random() < 0.15:
                mine[chance.randrange(3)] = chance.randrange(2)
    (now, *others_now), (then, *others_then) = waves
    large = all(len(group) >= k for group in groups_of(now, then))
    if large and are_safe_between([now, then], [*others_now, *others_then], k) and not few_between(now, then, 2, k).any():
        assert fewest_touched(groups_of(*waves[0], *waves[1]), k) is None


def test_places_of_two_waves_can_be_safe() -> None:
    """Ninety people of whom a third are new and a third have left: there are pairs enough that differ in the place alone."""
    now = np.array([-1] * 30 + [n % 3 for n in range(60)])
    then = np.array([n % 3 for n in range(60)] + [-1] * 30)
    place = np.array([n // 3 % 2 for n in range(90)])
    labels = [np.where(now >= 0, place, -1), np.where(then >= 0, place, -1)]
    assert are_safe_between([now, then], labels, 5)
    assert fewest_touched(groups_of(now, then, *labels), 4) is None


@given(seed=st.integers(0, 10**6), people=st.integers(4, 9))
def test_whoever_can_exchange_could_have_answered_otherwise(seed: int, people: int) -> None:
    """Against every way to answer that leaves all sums over cells and places as they are."""
    chance = random.Random(seed)
    cells, places, answers = (np.array([chance.randrange(2) for _person in range(people)]) for _row in range(3))

    def sums(given_answers: np.ndarray) -> list[int]:
        return [int(given_answers[label == value].sum()) for label in (cells, places) for value in (0, 1)]

    possible = [set() for _person in range(people)]
    for other in product([0, 1], repeat=people):
        if sums(np.array(other)) == sums(answers):
            for person, answer in enumerate(other):
                possible[person].add(answer)
    assert can_exchange(cells, places, answers) == all(len(mine) == 2 for mine in possible)

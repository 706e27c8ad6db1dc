"""What is published of a wave: as the rules say in words where that is short, and against attackers who do not know the rules."""

import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.rules.publishing import CROSSING, OTHER, Earlier, Invited, publish
from surveys.tests.rules.exact import fewest_touched
from surveys.tests.rules.test_cases import published

EXAMPLES = int(os.environ.get("EXAMPLES", "40"))
SCORE = {"key": "score", "kind": "enps"}
MIXED = [0, 7, 9, 10, 8, 3, 10, 5, 7, 9]


def ballots(groups: list[dict[str, Any]], scores: list[int] | None = None) -> list[dict[str, Any]]:
    given_scores = scores or MIXED
    return [{"groups": mine, "values": {"score": given_scores[n % len(given_scores)]}} for n, mine in enumerate(groups)]


def figures_of(found: dict[str, Any], dimension: str, question: str = "score") -> dict[str, Any]:
    return found["figures"].get(question, {}).get(dimension, {})


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
def test_of_two_groups_one_inside_the_other_as_many_as_can_be_are_shown(inner: int, between: int, k: int) -> None:
    """R4: a department that has one department, and some people of its own."""
    people = [{"department": ["all", "inside"]}] * inner + [{"department": ["all"]}] * between + [{"department": []}] * 20
    shown = publish(ballots(people), [SCORE], k=k, hides_uniform=False)["shown"].get("department", [])
    could = {name for name, size in (("inside", inner), ("all", inner + between)) if size >= k}
    clash = could == {"inside", "all"} and 0 < between < k
    assert len(shown) == len(could) - clash
    assert set(shown) <= could


def test_small_departments_are_one_within_the_one_that_is_shown() -> None:
    people = [{"department": ["all", "sales", f"team {n % 4}"]} for n in range(12)] + [{"department": ["all", "it"]}] * 6
    found = publish(ballots(people), [SCORE], k=5)
    inside = f"{OTHER}/sales"
    assert found["others"] == {"department": {inside: ["team 0", "team 1", "team 2", "team 3"]}}
    assert figures_of(found, "department")[inside]["*"] == 12


def test_others_name_those_nobody_of_answered_too() -> None:
    """Or being named would say that somebody did, and not being named that nobody."""
    people = [{"location": "Rome"}] * 9 + [{"location": "Bonn"}] * 3 + [{"location": "Lyon"}] * 3
    invited = [Invited(n, groups) for n, groups in enumerate(people)] + [Invited(99, {"location": "Oslo"}, took_part=False)]
    found = publish(ballots(people), [SCORE], k=5, invited=invited)
    assert found["others"] == {"location": {OTHER: ["Bonn", "Lyon", "Oslo"]}}
    assert {key: figure["*"] for key, figure in figures_of(found, "location").items()} == {"Rome": 9, OTHER: 6}


def test_the_combination_that_named_two_people_is_not_shown() -> None:
    """(Logistics − Returns) − one manager's team was {7: +1, 6: −1}."""
    people = [{"department": ["logistics", "returns"], "manager": "m1"}] * 7
    people += [{"department": ["logistics"], "manager": "m2"}] * 6 + [{"department": ["logistics"], "manager": "m1"}]
    people += [{"department": ["it"], "manager": "m2"}] + [{"department": ["it"], "manager": "m3"}] * 9
    found = publish(ballots(people), [SCORE], k=5)
    assert found["shown"]["department"]
    assert fewest_touched(published_groups(found, dict(enumerate(people))), 5) is None


def published_groups(found: dict[str, Any], staff: dict[int, dict[str, Any]]) -> list[set[int]]:
    """Who is in each published group, by the directory: what a reader knows."""
    family = [set(staff)] if found["figures"] else []
    for dimension, keys in found["shown"].items():
        for key in keys:
            parts = set(found["others"].get(dimension, {}).get(key, [key]))
            mine = {n: groups[dimension] for n, groups in staff.items()}
            family.append({n for n, value in mine.items() if parts & set(value if isinstance(value, list) else [value])})
    return [group for group in family if group]


def random_company(chance: random.Random, people: int) -> dict[int, dict[str, Any]]:
    teams = [chance.randrange(6) for _person in range(people)]
    return {
        n: {
            "department": ["all", f"d{team % 3}", f"t{team}"][: chance.choice([1, 2, 3, 3])],
            "manager": f"m{chance.randrange(3)}",
            "location": f"l{chance.randrange(3)}",
        }
        for n, team in enumerate(teams)
    }


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 10**6), people=st.integers(6, 30), k=st.integers(3, 4))
def test_nothing_smaller_than_k_follows_from_a_wave_and_the_next(seed: int, people: int, k: int) -> None:
    """People come, go and move. The attacker knows who answered; of answers across waves, of who took part in each."""
    chance = random.Random(seed)
    staff = random_company(chance, people)
    earlier: list[Earlier] = []
    known: list[set[int]] = []
    for _wave in range(2):
        invited = [Invited(n, groups, chance.random() < 0.8) for n, groups in staff.items()]
        answered = {one.person: one.groups for one in invited if one.took_part}
        found = publish(
            [{"groups": groups, "values": {"score": chance.randrange(11)}} for groups in answered.values()],
            [SCORE],
            k=k,
            invited=invited,
            earlier=earlier,
        )
        known += published_groups(found, answered)
        assert fewest_touched(known, k) is None
        assert fewest_touched(published_groups(found, staff), k) is None
        for groups in found["figures"].get("score", {}).values():
            assert all(figure["*"] >= k for figure in groups.values())
        earlier = [Earlier(invited, found["shown"], found["others"], k)]
        for n in chance.sample(sorted(staff), people // 8):
            del staff[n]
        for n in chance.sample(sorted(staff), people // 8):
            staff[n] = random_company(chance, 1)[0]
        staff |= {100 + n: groups for n, groups in random_company(chance, chance.randrange(3)).items()}


@pytest.mark.parametrize("seed", range(5))
def test_what_was_shown_before_is_judged_with_what_is_shown_now(seed: int) -> None:
    """Steps of the company's score are groups of people too; a department that with them would tell of a few is left out."""
    chance = random.Random(seed)
    people = [{"department": ["it" if n < 8 else "sales"]} for n in range(20)]
    first = [*range(6), *chance.sample(range(8, 20), 2)]  # six of the eight in IT, and two of sales
    found = publish(ballots(people), [SCORE], k=5, steps=[first, list(range(20))])
    groups = published_groups(found, dict(enumerate(people)))
    assert fewest_touched([*groups, set(first)], 5) is None


def test_a_leaver_who_is_the_only_change_hides_the_department_in_the_next_wave() -> None:
    people = [{"department": ["it"]}] * 12 + [{"department": ["sales"]}] * 12
    invited = [Invited(n, groups) for n, groups in enumerate(people)]
    first = publish(ballots(people), [SCORE], k=5, invited=invited)
    assert first["shown"] == {"department": ["it", "sales"]}
    then = Earlier(invited, first["shown"], first["others"], 5)
    # One leaves IT, and six of sales are new.
    now = invited[1:18] + [Invited(50 + n, {"department": ["sales"]}) for n in range(6)]
    second = publish(ballots([one.groups for one in now]), [SCORE], k=5, invited=now, earlier=[then])
    assert second["shown"] == {"department": [OTHER]}, "which is everybody"
    assert figures_of(second, "")[""]["*"] == 23
    apart = publish(ballots([one.groups for one in now]), [SCORE], k=5, invited=now)
    assert apart["shown"] == {"department": ["sales", "it"]}


def test_places_are_shown_beside_departments_they_cut_across() -> None:
    """Of 60 people no combination of department and place has five, and still nothing follows of fewer than five."""
    people = [{"department": [f"d{n % 5}"], "location": f"l{n // 5 % 3}", "language": f"s{n // 15 % 2}"} for n in range(60)]
    found = publish(ballots(people), [SCORE], k=5)
    assert {dimension: len(keys) for dimension, keys in found["shown"].items()} == {"department": 5, "location": 3, "language": 2}
    assert fewest_touched(published_groups(found, dict(enumerate(people))), 5) is None


def test_a_place_that_is_nearly_a_department_is_not_shown() -> None:
    people = [{"department": ["it"], "location": "Rome"}] * 12 + [{"department": ["sales"], "location": "Bonn"}] * 12
    people += [{"department": ["sales"], "location": "Rome"}] * 2
    found = publish(ballots(people), [SCORE], k=5)
    assert set(found["shown"]) == {"department"}


# --- Homogeneity --------------------------------------------------------------------------------------------------------


def test_a_group_that_agrees_is_not_shown_and_cannot_be_worked_out() -> None:
    people = [{"department": ["it"]}] * 8 + [{"department": ["sales"]}] * 12
    found = publish(ballots(people, [10] * 8 + [0, 7, 9] * 4), [SCORE], k=5)
    assert found["shown"] == {"department": ["sales", "it"]}
    assert figures_of(found, "department") == {}
    assert figures_of(found, "")[""]["*"] == 20


def test_where_everybody_agrees_nothing_is_shown_unless_that_is_switched_off() -> None:
    people = [{"department": ["it"]}] * 20
    assert publish(ballots(people, [9]), [SCORE], k=5)["figures"] == {}
    shown = publish(ballots(people, [9]), [SCORE], k=5, hides_uniform=False)
    assert figures_of(shown, "")[""] == {"*": 20, "9": 20}


def test_a_distribution_is_shown_of_three_times_k_people_and_in_classes_below() -> None:
    people = [{"department": ["it"]}] * 14 + [{"department": ["sales"]}] * 15
    found = publish(ballots(people), [SCORE], k=5)
    assert figures_of(found, "department")["it"] == {"*": 14, "sum": 2, "detractors": 4, "passives": 4, "promoters": 6}
    assert "detractors" in figures_of(found, "department")["sales"], "or the other's distribution were the difference"
    assert figures_of(found, "")[""] == {"*": 29, "0": 3, "3": 3, "5": 3, "7": 6, "8": 3, "9": 5, "10": 6}


def test_where_a_class_is_empty_a_small_group_has_its_score_alone() -> None:
    people = [{"department": ["it"]}] * 10 + [{"department": ["sales"]}] * 20
    found = publish(ballots(people, [9, 10, 7, 9, 8, 7, 9, 9, 8, 10] + MIXED * 2), [SCORE], k=5)
    assert figures_of(found, "department")["it"] == {"*": 10, "sum": 6}


def test_a_mean_stands_alone_where_ratings_leave_a_class_empty() -> None:
    agreement = {"key": "fair", "kind": "agreement"}
    people = [{"department": ["it"]}] * 6 + [{"department": ["sales"]}] * 20
    said = [4, 5, 4, 5, 4, 5] + [1, 3, 5, 4] * 5
    voted = [{"groups": groups, "values": {"fair": said[n]}} for n, groups in enumerate(people)]
    found = publish(voted, [agreement], k=5)
    assert figures_of(found, "department", "fair")["it"] == {"*": 6, "sum": 27}
    assert figures_of(found, "department", "fair")["sales"] == {"*": 20, "sum": 65}, "or the classes of IT were the difference"


@pytest.mark.parametrize("unhappy", [7, 8])
def test_to_be_asked_after_an_answer_is_an_answer(unhappy: int) -> None:
    """All of IT were asked what went wrong, or all but one: each of them was unhappy."""
    asked = {"key": "wrong", "kind": "single", "branch": {"key": "happy", "values": [False]}}
    people = [{"department": ["it"]}] * 8 + [{"department": ["sales"]}] * 20
    voted: list[dict[str, Any]] = []
    for n, groups in enumerate(people):
        is_asked = n < unhappy or (n >= 8 and n % 2)
        voted.append({"groups": groups, "values": {"wrong": "ab"[n % 3 == 0]} if is_asked else {}})
    found = publish(voted, [asked], k=5)
    assert figures_of(found, "department", "wrong") == {}
    assert figures_of(found, "", "wrong")[""]["*"] == unhappy + 10


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 10**6), people=st.integers(6, 40))
def test_two_people_of_a_cell_who_answered_otherwise_can_change_places(seed: int, people: int) -> None:
    """Theorem 4: everybody has somebody whose other answer could be theirs, and then nothing that is shown is different. For
    groups that cut across see ``test_crossing``.
    """
    chance, k = random.Random(seed), 4
    staff = random_company(chance, people)
    weights = [chance.random() ** 3 for _score in range(11)]
    voted = [{"groups": groups, "values": {"score": chance.choices(range(11), weights)[0]}} for groups in staff.values()]
    found = publish(voted, [SCORE], k=k)
    shown = {dimension: set(keys) for dimension, keys in found["figures"].get("score", {}).items() if dimension not in CROSSING}
    if not shown:
        return
    parts = found["others"]

    def seen(groups: dict[str, Any]) -> tuple[Any, ...]:
        mine = []
        for dimension, keys in sorted(shown.items()):
            value = groups.get(dimension, "")
            inside = set(value if isinstance(value, list) else [value])
            mine.append(frozenset(key for key in keys if inside & set(parts.get(dimension, {}).get(key, [key])) or key == ""))
        return tuple(mine)

    classes: dict[tuple[Any, ...], list[int]] = {}
    for ballot in voted:
        score = ballot["values"]["score"]
        classes.setdefault(seen(ballot["groups"]), []).append((score >= 9) + (score >= 7))
    for mine in classes.values():
        assert len(mine) - max(mine.count(value) for value in set(mine)) >= 2

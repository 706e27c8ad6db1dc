"""The company's score while a wave is open: in steps of k people, told to those who answer, safe beside what comes after."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client

from customers.tests.factories import NOON
from incentives_site.accounts.roles import Role
from surveys import operations, queries
from surveys.models import Ballot, Invitation, Survey, Wave
from surveys.queries import Place
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, link_of, opened
from surveys.tests.test_results import somebody

pytestmark = pytest.mark.django_db
CASES = {case["id"]: case for case in json.loads((Path(__file__).parents[1] / "rules" / "cases" / "surveys.json").read_text())}
MIXED = [9, 3, 10, 7, 0]
ASKED = [{"key": "score"}, {"key": "mood", "kind": "agreement", "texts": {"en": "I like Mondays"}}]


def live(**fields: Any) -> Survey:
    survey: Survey = SurveyFactory(is_live=True, **fields)
    return survey


def based_on(wave: Wave) -> int | None:
    wave.refresh_from_db()
    figure = queries.figure(wave, "score")
    return figure["*"] if figure else None


def test_the_score_is_renewed_when_k_more_have_answered() -> None:
    """Case E25."""
    given, expect = CASES["E25"]["given"], CASES["E25"]["expect"]
    EmployeeFactory.create_batch(max(given["respondents_so_far"]))
    wave = opened(live(k=given["k"]))
    found: list[int | None] = []
    so_far = 0
    for respondents in given["respondents_so_far"]:
        while so_far < respondents:
            answered(wave, {"score": MIXED[so_far % 5]})
            so_far += 1
        found.append(based_on(wave))
    assert found == expect["result_based_on"]


def test_the_last_few_are_in_no_figure_and_in_participation_they_are() -> None:
    EmployeeFactory.create_batch(20)
    wave = opened(live(asked=ASKED))
    for n in range(13):
        answered(wave, {"score": MIXED[n % 5], "mood": n % 5 + 1})
    assert based_on(wave) == 10
    closed(wave)
    assert queries.figure(wave, "score") == {"*": 10, "sum": 0, "promoters": 4, "passives": 2, "detractors": 4}
    assert queries.figure(wave, "mood") == {"*": 10, "sum": 30, "low": 4, "middle": 2, "high": 4}
    assert queries.participation(wave) == 65.0


@pytest.mark.parametrize(("answers", "shown"), [(10, 10), (14, 10), (15, 15)])
def test_at_the_close_the_whole_is_the_last_step_or_k_more(answers: int, shown: int) -> None:
    EmployeeFactory.create_batch(20)
    wave = opened(live())
    for n in range(answers):
        answered(wave, {"score": MIXED[n % 5]})
    closed(wave)
    assert based_on(wave) == shown


def test_whoever_gives_no_score_is_in_no_step_and_is_counted_at_the_close() -> None:
    EmployeeFactory.create_batch(20)
    wave = opened(live(asked=ASKED))
    for n in range(15):
        answered(wave, {"mood": n % 5 + 1} if n % 3 == 0 else {"score": MIXED[n % 5], "mood": n % 5 + 1})
    assert based_on(wave) == 10
    closed(wave)
    assert based_on(wave) == 10
    assert (queries.figure(wave, "mood") or {})["*"] == 15


def test_only_the_score_and_only_of_everybody_is_shown_before() -> None:
    EmployeeFactory.create_batch(12)
    wave = opened(live(asked=ASKED))
    for n in range(12):
        answered(wave, {"score": MIXED[n % 5], "mood": 3}, {"score": "x"})
    assert based_on(wave) == 10
    assert queries.figure(wave, "mood") is None
    assert queries.figure(wave, "score", Place("department", "sales")) is None
    assert not queries.comments(wave).exists()
    assert queries.participation(wave) is None


def test_a_department_that_would_tell_of_a_few_beside_a_step_is_left_out() -> None:
    """Eight in IT. Where a step was six of them, the department's figure would tell of the other two."""
    it = EmployeeFactory.create_batch(8, department=DepartmentFactory(key="it"))
    sales = EmployeeFactory.create_batch(12, department=DepartmentFactory(key="sales"))
    mixed = [*it[:3], *sales[:3], *it[3:6], *sales[3:6], *it[6:], *sales[6:]]
    for turn, (order, shown) in enumerate([([*it, *sales], []), (mixed, ["it", "sales"])]):
        wave = opened(live(k=6), at=NOON + dt.timedelta(days=40 * turn))
        for n, employee in enumerate(order):
            answered(wave, {"score": MIXED[n % 5]}, by=employee)
        closed(wave)
        assert based_on(wave) == 18
        places = [Place("department", key) for key in ("it", "sales")]
        assert [place.group for place in places if queries.figure(wave, "score", place)] == shown


def test_a_step_of_people_who_agree_waits_for_one_who_does_not() -> None:
    EmployeeFactory.create_batch(20)
    wave = opened(live())
    for score in (9, 10, 9, 9, 10, 10, 3):
        answered(wave, {"score": score})
    assert based_on(wave) is None
    answered(wave, {"score": 7})
    assert queries.figure(Wave.objects.get(), "score") == {"*": 8, "sum": 5}


def test_late_answers_that_agree_are_in_no_figure() -> None:
    EmployeeFactory.create_batch(20)
    wave = opened(live())
    for score in (*MIXED, *[10] * 6):
        answered(wave, {"score": score})
    assert based_on(closed(wave)) == 5


def test_without_the_wish_nothing_is_shown_before() -> None:
    EmployeeFactory.create_batch(12)
    wave = opened()
    for _n in range(12):
        answered(wave, {"score": 7})
    assert based_on(wave) is None
    assert set(Ballot.objects.values_list("step", flat=True)) == {None}


def test_a_large_company_has_larger_steps_and_at_most_forty() -> None:
    from surveys.rules.visibility import MOST_STEPS, may_be_live, step_of_live

    for invited in (0, 10, 199, 200, 201, 3_000, 5_000):
        step = step_of_live(5, invited)
        assert step >= 5
        assert invited / step <= MOST_STEPS
    assert step_of_live(5, 200) == 5
    assert (may_be_live(5_000), may_be_live(5_001)) == (True, False)


def test_turning_it_on_holds_from_the_next_wave_on() -> None:
    EmployeeFactory.create_batch(6)
    survey = SurveyFactory()
    wave = opened(survey)
    operations.revise(survey=survey, fields={"is_live": True}, by="x")
    for _n in range(6):
        answered(wave, {"score": 7})
    assert based_on(wave) is None


def test_who_answers_is_told_and_hr_sees_the_score(client: Client) -> None:
    EmployeeFactory.create_batch(6, language="fr")
    survey = live(languages=["en", "fr"])
    wave = opened(survey)
    with time_machine.travel(NOON, tick=False):
        page = client.get(f"/s/{link_of(Invitation.objects.all()[0])}/").content.decode()
        assert "lorsque 5 autres personnes ont répondu" in page
        hr = somebody(Role.HR)
        assert "No score so far" in hr.get(f"/surveys/{survey.public_id}/").content.decode()
        for n in range(6):
            answered(wave, {"score": MIXED[n % 5]})
        said = hr.get(f"/surveys/{survey.public_id}/").content.decode()
        assert "Score so far: <strong>0</strong>" in said
        assert "of 5 answers" in said


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_whole_steps() -> None:
    EmployeeFactory.create_batch(12)
    wave = opened(live(hides_uniform=False))
    tokens = [link_of(invitation) for invitation in Invitation.objects.filter(wave=wave)]

    def send(token: str) -> None:
        operations.answer(token=token, values={"score": 9}, comments={}, now=NOON)
        connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, tokens))
    assert based_on(wave) == 10
    steps = list(Ballot.objects.filter(wave=wave).values_list("step", flat=True))
    assert sorted(steps, key=str) == [1] * 5 + [2] * 5 + [None] * 2
    assert based_on(closed(wave)) == 10

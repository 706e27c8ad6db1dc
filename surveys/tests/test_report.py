"""A wave on paper: all that may be shown of it, and nothing else."""

import datetime as dt

import pytest

from customers.tests.factories import NOON
from incentives_site.accounts.roles import Role
from surveys import operations
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, opened
from surveys.tests.test_results import ASKED, somebody

pytestmark = pytest.mark.django_db


def test_it_holds_score_trend_groups_comments_and_the_promise() -> None:
    for key, people in (("sales", 40), ("it", 6), ("shop", 2)):
        EmployeeFactory.create_batch(people, department=DepartmentFactory(key=key))
    survey = SurveyFactory(asked=ASKED)
    for turn in range(2):
        wave = opened(survey, at=NOON + dt.timedelta(days=30 * turn))
        for n, invitation in enumerate(wave.invitations.select_related("employee").order_by("-employee__pk")[:44]):
            values = {"score": 9 if n % 4 > turn else 2, "mood": 1 + n % 5, "lift": n % 2 == 0}
            answered(wave, values, {"score": f"comment {turn} {n}"}, by=invitation.employee)
        closed(wave)
    operations.plan_action(
        survey=survey, fields={"title": "Mend the lift", "owner": "Bo", "due_on": NOON.date()}, by="x", now=NOON
    )
    page = somebody(Role.HR).get(f"/surveys/{survey.public_id}/results/2/report/")
    said = " ".join(page.content.decode().split())
    assert page.status_code == 200
    score = page.context["scored"].score
    assert f"with 95 % certainty between {score.low} and {score.high}" in said
    assert [point.score is not None for point in page.context["trend"]] == [True, True]
    assert "lower, and that is real" in said
    assert said.count("comment 1 ") == 44
    assert "comment 0 " not in said
    assert "Others: It, Shop" in said
    assert "kept without your name" in said
    assert "Mend the lift" in said
    first = somebody(Role.HR, "hr2@company.test").get(f"/surveys/{survey.public_id}/results/1/report/")
    assert len(first.context["trend"]) == 1, "a report of a wave knows nothing of later ones"


def test_with_too_few_it_says_so_and_an_open_wave_has_none() -> None:
    EmployeeFactory.create_batch(9)
    wave = opened(SurveyFactory(asked=ASKED))
    for _n in range(4):
        answered(wave, {"score": 9}, {"score": "I am the only one"})
    hr, path = somebody(Role.HR), f"/surveys/{wave.survey.public_id}/results/1/report/"
    assert hr.get(path).status_code == 404
    closed(wave)
    said = hr.get(path).content.decode()
    assert "Not enough answers" in said
    assert "I am the only one" not in said


def test_managers_do_not_get_it() -> None:
    EmployeeFactory(email="manager@company.test")
    wave = closed(opened())
    assert somebody(Role.MANAGER).get(f"/surveys/{wave.survey.public_id}/results/1/report/").status_code == 403

"""What HR plans about results: what, who, by when; late ones are marked; about nothing that is not shown."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.test import Client

from customers.tests.factories import NOON
from incentives_site.accounts.roles import Role
from incentives_site.shared.problems import Invalid
from surveys import operations, queries
from surveys.models import ActionPlan, Wave
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, answered, closed, opened
from surveys.tests.test_results import somebody

pytestmark = pytest.mark.django_db
TODAY = NOON.date()
PLAN: dict[str, Any] = {"title": "Mend the lift", "owner": "Bo", "due_on": TODAY}


@pytest.fixture
def wave() -> Wave:
    for key, people in (("sales", 12), ("it", 6), ("shop", 2)):
        EmployeeFactory.create_batch(people, department=DepartmentFactory(key=key))
    found = opened()
    for n in range(20):
        answered(found, {"score": n % 11})
    return closed(found)


@pytest.fixture
def hr() -> Client:
    return somebody(Role.HR)


def planned(wave: Wave, **fields: Any) -> ActionPlan:
    return operations.plan_action(survey=wave.survey, fields={**PLAN, **fields}, by="x", now=NOON)


def test_hr_plans_from_the_results_and_says_how_far_it_is(hr: Client, wave: Wave) -> None:
    results = f"/surveys/{wave.survey.public_id}/results/?group=department:sales"
    assert f"/surveys/{wave.survey.public_id}/actions/new/?group=department:sales" in hr.get(results).content.decode()
    path = f"/surveys/{wave.survey.public_id}/actions/new/"
    page = hr.get(path, {"group": "department:sales"})
    assert page.context["form"]["group"].value() == "department:sales"
    sent = {**PLAN, "due_on": "2026-12-01", "state": "open", "group": "department:sales", "question": "score", "notes": "a\nb"}
    assert hr.post(path, sent).status_code == 302
    action = ActionPlan.objects.get()
    assert (action.dimension, action.group, action.question, action.state) == ("department", "sales", "score", "open")
    listed = hr.get("/surveys/actions/").content.decode()
    assert "Mend the lift" in listed
    assert "Would you recommend us? · Sales" in listed
    assert "Mend the lift" in hr.get(results).content.decode()
    done = hr.post(f"/surveys/actions/{action.public_id}/", sent | {"state": "done"})
    assert done.status_code == 302
    assert ActionPlan.objects.get().state == "done"
    assert "Mend the lift" not in hr.get("/surveys/actions/?state=open").content.decode()


def test_what_is_late_is_marked_until_it_is_done(hr: Client, wave: Wave) -> None:
    late, _today = planned(wave, due_on=TODAY - dt.timedelta(days=1), title="Late"), planned(wave, title="Today")
    done = planned(wave, due_on=TODAY - dt.timedelta(days=5), state="done", title="Was late")
    rows = queries.actions(today=TODAY)
    assert [(row.action.title, row.is_overdue) for row in rows] == [("Late", True), ("Today", False), ("Was late", False)]
    assert [row.action for row in queries.actions(today=TODAY, state="overdue")] == [late]
    assert [row.action for row in queries.actions(today=TODAY, state="done")] == [done]
    with time_machine.travel(NOON, tick=False):
        assert hr.get("/surveys/actions/").content.decode().count("survey-missing") == 1


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": " "}, "/title"),
        ({"owner": ""}, "/owner"),
        ({"due_on": None}, "/due_on"),
        ({"state": "x"}, "/state"),
        ({"notes": "x" * 5_001}, "/notes"),
        ({"question": "nothing"}, "/question"),
        ({"dimension": "department", "group": "shop"}, "/group"),  # two people
        ({"dimension": "department", "group": "nowhere"}, "/group"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(wave: Wave, fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        planned(wave, **fields)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert not ActionPlan.objects.exists()


def test_a_refused_form_keeps_what_was_typed(hr: Client, wave: Wave) -> None:
    page = hr.post(f"/surveys/{wave.survey.public_id}/actions/new/", {"title": "Mend the lift", "due_on": "soon"})
    assert page.status_code == 422
    assert 'value="Mend the lift"' in page.content.decode()


def test_an_action_outlives_that_its_group_is_shown(hr: Client, wave: Wave) -> None:
    action = planned(wave, dimension="department", group="sales")
    Wave.objects.filter(pk=wave.pk).update(results={**wave.results, "shown": {}})
    page = hr.get(f"/surveys/actions/{action.public_id}/")
    assert page.context["form"]["group"].value() == "department:sales"
    operations.revise_action(action=action, fields={"dimension": "department", "group": "sales", "state": "doing"}, by="x")
    assert ActionPlan.objects.get().state == "doing"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HR])
def test_it_is_for_hr_alone(wave: Wave, role: Role) -> None:
    client, action = somebody(role), planned(wave)
    for path in ("actions/", f"actions/{action.public_id}/", f"{wave.survey.public_id}/actions/new/"):
        assert client.get(f"/surveys/{path}").status_code == 403


def test_an_unknown_one_is_not_there_and_an_empty_list_says_what_to_do(hr: Client) -> None:
    assert hr.get("/surveys/actions/00000000-0000-0000-0000-000000000000/").status_code == 404
    assert "Nothing is planned yet" in hr.get("/surveys/actions/").content.decode()

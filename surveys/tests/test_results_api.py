"""Personnel systems read what the pages show, and are told when waves open and close."""

import json
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from customers.tests.factories import NOON
from incentives_site.integrations.models import Scope, WebhookEndpoint, WebhookMessage
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from surveys import queries
from surveys.models import Wave
from surveys.queries import WHOLE, Place
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, opened
from surveys.tests.test_results import ASKED

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> PartnerClient:
    return PartnerClient(partner_key(scopes=[Scope.SURVEY_RESULTS])[1])


@pytest.fixture
def wave() -> Wave:
    """Twelve in sales, six in IT, two in a shop."""
    for key, people in (("sales", 12), ("it", 6), ("shop", 2)):
        EmployeeFactory.create_batch(people, department=DepartmentFactory(key=key))
    found = opened(SurveyFactory(asked=ASKED))
    for n in range(20):
        answered(
            found, {"score": n % 11, "mood": 1 + n % 5, "lift": n % 2 == 0, "why": f"because {n}"}, {"score": f"comment {n}"}
        )
    return closed(found)


def path(wave: Wave, end: str = "") -> str:
    return f"surveys/{wave.survey.public_id}{end}"


def test_surveys_and_waves_are_listed(client: PartnerClient, wave: Wave) -> None:
    SurveyFactory(kind="feedback")
    [survey] = client.get("surveys").json()["results"]
    assert (survey["id"], survey["title"], survey["k"]) == (str(wave.survey.public_id), {"en": "How are we doing?"}, 5)
    assert [q["key"] for q in client.get(path(wave)).json()["questions"]] == ["score", "mood", "lift", "why"]
    listed = client.get(path(wave, "/waves")).json()
    assert set(listed) == {"results", "next", "previous"}
    assert listed["results"][0]["participation"] == {"at_least": "100.00", "at_most": "100.00"}
    assert listed["results"][0]["invited"] == 20


def test_lists_go_on_by_cursor(client: PartnerClient) -> None:
    SurveyFactory.create_batch(3)
    first = client.get("surveys", limit=2).json()
    assert len(first["results"]) == 2
    assert len(client.client.get(first["next"], headers=client.headers).json()["results"]) == 1


def test_results_are_those_of_the_page_and_no_more(client: PartnerClient, wave: Wave) -> None:
    body = client.get(path(wave, "/waves/1/results")).json()
    assert [question["key"] for question in body["questions"]] == ["score", "mood", "lift"]
    given = {
        (question["key"], figure["dimension"], figure["group"]): figure
        for question in body["questions"]
        for figure in question["figures"]
    }
    places = [WHOLE] + [
        Place(dimension, group) for dimension in ("department", "language") for group in queries.groups_shown(wave, dimension)
    ]
    assert set(given) == {(key, place.dimension, place.group) for key in ("score", "mood", "lift") for place in places}
    for (key, dimension, group), figure in given.items():
        shown = queries.figure(wave, key, Place(dimension, group))
        times = {
            said["answer"]: said["times"]
            for said in figure["distribution"] or []
            if said["times"] or not said["answer"].isdigit()
        }
        of_answers = {key: times for key, times in (shown or {}).items() if key != "sum"}
        assert of_answers == ({"*": figure["answered"]} | times if shown else {})
    score = given["score", "", ""]["score"]
    assert (score["value"], score["low"], score["high"]) == (-60, -60, -60), "everybody answered"
    assert score["promoters"] + score["passives"] + score["detractors"] == 20
    assert "because" not in json.dumps(body)
    assert "comment" not in json.dumps(body)
    assert "shop" not in {figure["group"] for figure in given.values()}


def test_groups_that_are_shown_as_one_say_of_which(client: PartnerClient, wave: Wave) -> None:
    [others] = [group for group in client.get(path(wave, "/waves/1")).json()["groups"] if group["group"].startswith("*other")]
    assert (others["includes"], others["name"]) == (["it", "shop"], "Others: It, Shop")
    assert others["participation"] is None, "how many of the eight answered stands beside their figures"


def test_too_few_are_not_enough_and_why_is_not_said(client: PartnerClient) -> None:
    EmployeeFactory.create_batch(20)
    few = opened()
    for _n in range(4):
        answered(few, {"score": 9})
    still_open = client.get(path(few, "/waves/1/results")).json()
    closed(few)
    body = client.get(path(few, "/waves/1/results")).json()
    for one in (still_open, body):
        assert one["note"] == "not enough answers"
        assert [(f["answered"], f["score"], f["distribution"]) for q in one["questions"] for f in q["figures"]] == [(None,) * 3]
    assert still_open["participation"] is None
    assert client.get(path(few, "/waves")).json()["results"][0]["participation"] == {"at_least": "20.00", "at_most": "20.00"}


@pytest.mark.parametrize("end", ["/waves/2", "/waves/x/results", "/waves/99999999999", "/waves/²"])
def test_what_is_not_there_is_404(client: PartnerClient, wave: Wave, end: str) -> None:
    answer = client.get(path(wave, end))
    assert (answer.status_code, answer.json()["code"]) == (404, "wave-unknown")
    feedback = SurveyFactory(kind="feedback")
    for public_id in ("x", "00000000-0000-0000-0000-000000000000", feedback.public_id):
        assert client.get(f"surveys/{public_id}").json()["code"] == "survey-unknown"


@pytest.mark.parametrize("scope", [scope for scope in Scope.values if scope != Scope.SURVEY_RESULTS])
def test_no_other_scope_reads_them(wave: Wave, scope: str) -> None:
    other = PartnerClient(partner_key(scopes=[scope])[1])
    for end in ("", "/waves", "/waves/1", "/waves/1/results"):
        assert other.get(path(wave, end)).status_code == 403
    assert other.get("surveys").status_code == 403


def test_the_document_has_them() -> None:
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    assert {"get"} == set(paths["/api/v1/surveys/{public_id}/waves/{number}/results"])


def test_a_system_is_told_when_a_wave_opens_and_closes() -> None:
    _key, text = partner_key(scopes=[Scope.SURVEY_RESULTS, Scope.WEBHOOKS])
    types = ["survey.wave.opened", "survey.wave.closed"]
    asked = {"url": "https://93.184.215.14/hook", "types": types}
    assert PartnerClient(text).post("webhooks", asked).status_code == 201
    EmployeeFactory.create_batch(8)
    wave = opened()
    opened(wave.survey)
    for _n in range(5):
        answered(wave, {"score": 3})
    closed(wave)
    told = {message.type: message.data for message in WebhookMessage.objects.order_by("pk")}
    assert list(told) == types
    ids = {"survey": str(wave.survey.public_id), "wave": str(wave.public_id), "number": 1, "invited": 8}
    assert told["survey.wave.opened"] == ids | {
        "opens_at": told["survey.wave.opened"]["opens_at"],
        "closes_at": _as_json(wave.closes_at),
    }
    # Eight were invited: a band.
    assert told["survey.wave.closed"] == ids | {
        "published_at": _as_json(wave.closes_at),
        "participation": {"at_least": "50.00", "at_most": "75.00"},
    }


def _as_json(instant: Any) -> str:
    return str(instant.isoformat()).replace("+00:00", "Z")


def test_only_who_may_read_results_is_told() -> None:
    shop = PartnerClient(partner_key(scopes=[Scope.WEBHOOKS, Scope.SURVEYS])[1])
    asked: dict[str, Any] = {"url": "https://93.184.215.14/hook", "types": ["survey.wave.closed"]}
    answer = shop.post("webhooks", asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")
    made = shop.post("webhooks", asked | {"types": ["grant.created"]}).json()
    changed = shop.client.patch(
        f"/api/v1/webhooks/{made['id']}",
        json.dumps({"types": ["survey.wave.closed"]}),
        content_type="application/json",
        headers=shop.headers,
    )
    assert changed.status_code == 403
    assert WebhookEndpoint.objects.get().types == ["grant.created"]
    EmployeeFactory()
    opened(at=NOON)
    assert not WebhookMessage.objects.exists()

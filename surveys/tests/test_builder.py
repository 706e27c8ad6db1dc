"""HR's pages: an eNPS in two clicks, questions in order and in six languages, refusals in sentences."""

import datetime
import random
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from customers.tests.factories import NOON
from incentives_site.accounts.models import User
from incentives_site.shared.problems import Invalid
from surveys import operations, sealing
from surveys.models import BankQuestion, Invitation, Survey, Wave
from surveys.rules.questions import MOST_QUESTIONS
from surveys.rules.ready_made import LANGUAGES, READY_MADE
from surveys.tests.factories import EmployeeFactory, SurveyFactory, answered, closed, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def hr() -> Client:
    user = User.objects.create_user("hr@example.com")
    user.groups.add(Group.objects.get(name="hr"))
    client = Client()
    client.force_login(user)
    return client


def as_sent(form: Any) -> dict[str, Any]:
    """What a browser sends of a form that nobody touched."""
    data: dict[str, Any] = {}
    for field in form:
        value = field.value()
        if value is True:
            data[field.name] = "on"
        elif value not in (None, "", False):
            data[field.name] = [str(v) for v in value] if isinstance(value, list) else str(value)
    return data


def test_an_enps_takes_two_clicks(hr: Client) -> None:
    EmployeeFactory.create_batch(4)
    page = hr.get("/surveys/new/enps/")
    done = hr.post("/surveys/new/enps/", as_sent(page.context["form"]), follow=True)
    survey = Survey.objects.get()
    assert done.redirect_chain[-1][0] == f"/surveys/{survey.public_id}/"
    assert (survey.status, survey.mode, survey.k, survey.every, survey.languages) == (
        "running",
        "anonymous",
        5,
        "quarterly",
        list(LANGUAGES),
    )
    assert survey.questions.get().scale == "0-10"
    now = timezone.now()
    operations.advance_surveys(now=now)
    # On a weekend it opens on the Monday after.
    assert Wave.objects.exists() or operations.next_openings(survey, now=now)[0] > now


def test_the_other_scale_and_the_next_five_dates(hr: Client) -> None:
    EmployeeFactory()
    data = as_sent(hr.get("/surveys/new/enps/").context["form"]) | {
        "scale": "1-10",
        "anchor_on": "2099-01-31",
        "every": "monthly",
    }
    page = hr.post("/surveys/new/enps/", data | {"look": "1"})
    assert [str(instant.date()) for instant in page.context["next"]] == [
        "2099-02-02",
        "2099-03-02",
        "2099-03-31",
        "2099-04-30",
        "2099-06-01",
    ]
    assert not Survey.objects.exists()
    hr.post("/surveys/new/enps/", data | {"draft": "1"})
    assert Survey.objects.get().questions.get().scale == "1-10"
    assert "Every month" in hr.get("/surveys/dates/", data).content.decode()
    assert hr.get("/surveys/dates/", {"every": "weekly"}).status_code == 200


@pytest.mark.parametrize("key", sorted(set(READY_MADE) - {"enps"}))
def test_a_template_can_be_started_as_it_is(hr: Client, key: str) -> None:
    EmployeeFactory()
    hr.post("/surveys/bank/", {"fill": "1"})
    hr.post(f"/surveys/new/{key}/")
    survey = Survey.objects.get()
    assert hr.get(f"/surveys/{survey.public_id}/questions/").status_code == 200
    for item in operations.questions_of(survey):
        assert set(item["texts"]) == set(LANGUAGES)
        assert all(set(option["texts"]) == set(LANGUAGES) for option in item["options"])
        assert hr.get(f"/surveys/{survey.public_id}/preview/", {"language": "ms"}).status_code == 200
    page = hr.post(f"/surveys/{survey.public_id}/start/", follow=True)
    assert page.status_code == 200
    survey.refresh_from_db()
    assert survey.status == "running"


def test_a_survey_that_asks_nothing_is_not_started(hr: Client) -> None:
    hr.post("/surveys/new/empty/")
    survey = Survey.objects.get()
    page = hr.post(f"/surveys/{survey.public_id}/start/")
    assert page.status_code == 409
    assert "It asks nothing yet." in page.content.decode()
    assert "It has no title yet." in page.content.decode()


def test_questions_are_made_moved_and_taken_out_without_a_script(hr: Client) -> None:
    hr.post("/surveys/new/empty/")
    survey = Survey.objects.get()
    address = f"/surveys/{survey.public_id}/questions/"
    hr.post(f"{address}new/", {"kind": "agreement", "text-en": "I like it here."})
    hr.post(
        f"{address}new/",
        {
            "kind": "single",
            "text-en": "Tea?",
            "text-de": "Tee?",
            "options-en": "Green\nBlack",
            "options-de": "Grün\nSchwarz",
            "keep": "1",
        },
    )
    hr.post(f"{address}new/", {"kind": "text", "text-en": "Why?", "after": "i-like-it-here", "after_values": "1, 2"})
    assert list(survey.questions.values_list("key", flat=True)) == ["i-like-it-here", "tea", "why"]
    tea = survey.questions.get(key="tea")
    assert tea.options[1] == {"key": "option-2", "texts": {"en": "Black", "de": "Schwarz"}}
    assert BankQuestion.objects.get().key == "tea"
    assert "No words in Italian" in hr.get(address).content.decode()
    hr.post(address, {"do": "up:tea"})
    assert list(survey.questions.values_list("key", flat=True)) == ["tea", "i-like-it-here", "why"]
    refused = hr.post(address, {"do": "down:i-like-it-here"})
    assert refused.status_code == 422
    assert "can only follow one that stands before it" in refused.content.decode()
    page = hr.get(f"{address}why/")
    assert page.context["form"]["after_values"].value() == "1, 2"
    hr.post(address, {"do": "drop:i-like-it-here"})
    assert list(survey.questions.values_list("key", flat=True)) == ["tea"], "what followed it goes with it"
    assert hr.get(f"{address}gone/").status_code == 404


def test_an_eleventh_question_is_refused(hr: Client) -> None:
    survey = SurveyFactory(asked=[{"key": f"q{n}", "kind": "yes_no"} for n in range(MOST_QUESTIONS)])
    page = hr.post(f"/surveys/{survey.public_id}/questions/new/", {"kind": "text", "text-en": "One more?"})
    assert page.status_code == 422
    assert "at most 10 questions" in page.content.decode()
    assert survey.questions.count() == MOST_QUESTIONS


def test_what_answers_have_fixed_stays() -> None:
    EmployeeFactory()
    survey = SurveyFactory(k=5)
    operations.revise(survey=survey, fields={"k": 4}, by="x")
    answered(opened(survey), {"score": 9})
    for fields, code in (
        ({"k": 3}, "k-is-fixed"),
        ({"mode": "named"}, "mode-is-fixed"),
        ({"every": "weekly", "open_days": 8}, "no-first-date"),
        ({"open_days": 90}, "open-too-long"),
        ({"time_zone": "Mars"}, "unknown-zone"),
        ({"audience": ["nowhere"]}, "unknown-department"),
    ):
        with pytest.raises(Invalid) as caught:
            operations.revise(survey=survey, fields=fields, by="x")
        assert caught.value.errors[0].code == code
    assert operations.revise(survey=survey, fields={"k": 7}, by="x").k == 7
    [question] = operations.own_questions(survey)
    with pytest.raises(Invalid) as caught:
        operations.revise_questions(survey=survey, questions=[{**question, "scale": "1-10"}], by="x")
    assert caught.value.errors[0].code == "scale-is-fixed"


def test_it_ends_and_is_copied(hr: Client) -> None:
    survey = SurveyFactory()
    hr.post(f"/surveys/{survey.public_id}/end/")
    assert hr.post(f"/surveys/{survey.public_id}/end/").status_code == 409
    hr.post(f"/surveys/{survey.public_id}/copy/")
    assert Survey.objects.get(status="draft").questions.count() == 1


def test_a_shared_device_asks_for_the_code(client: Client) -> None:
    EmployeeFactory.create_batch(3)
    wave = opened(SurveyFactory(), at=timezone.now())
    invitation = Invitation.objects.filter(wave=wave)[1]
    code = sealing.invitation_code(invitation.pk)
    assert client.get("/s/").status_code == 200
    wrong = client.post("/s/", {"code": "AAAAA-AAAAA"})
    assert (wrong.status_code, "Type the code" in wrong.content.decode()) == (422, True)
    page = client.post("/s/", {"code": code.lower().replace("-", " ")})
    assert page["Location"] == f"/s/{sealing.invitation_token(invitation.pk)}/"


def test_codes_are_counted_by_where_they_are_typed(client: Client) -> None:
    """Strangers who guess keep nobody else's device from working."""
    EmployeeFactory.create_batch(3)
    wave = opened(SurveyFactory(), at=timezone.now())
    code = sealing.invitation_code(Invitation.objects.filter(wave=wave)[1].pk)
    stranger, device = f"192.0.2.{random.randrange(256)}", f"198.51.100.{random.randrange(256)}"
    answers = [client.post("/s/", {"code": "AAAAA-AAAAA"}, REMOTE_ADDR=stranger) for _n in range(32)]
    assert "Too many codes" in answers[-1].content.decode()
    assert "Too many codes" in client.post("/s/", {"code": code}, REMOTE_ADDR=stranger).content.decode()
    assert client.post("/s/", {"code": code}, REMOTE_ADDR=device).status_code == 302


def test_while_a_wave_is_open_changes_apply_from_the_next_and_the_page_says_so(hr: Client) -> None:
    EmployeeFactory.create_batch(6)
    survey = SurveyFactory()
    paths = [f"/surveys/{survey.public_id}/{page}/" for page in ("plan", "questions")]
    said = "applies from the next wave"
    assert not any(said in hr.get(path).content.decode() for path in paths)
    wave = opened(survey)
    assert all(said in hr.get(path).content.decode() for path in paths)
    operations.revise(survey=survey, fields={"k": 7}, by="x")
    operations.revise_questions(survey=survey, questions=[{"key": "other", "kind": "yes_no", "texts": {"en": "Well?"}}], by="x")
    wave.refresh_from_db()
    assert (wave.k, [item["key"] for item in wave.questions]) == (5, ["score"])


def test_waves_are_listed_from_the_newest(hr: Client) -> None:
    EmployeeFactory.create_batch(2)
    survey = SurveyFactory()
    for number in range(6):
        wave = opened(survey, at=NOON + datetime.timedelta(days=90 * number))
        for _n in range(number % 3):
            answered(wave, {"score": 9})
        closed(wave)
    numbers = [wave.number for wave in hr.get(f"/surveys/{survey.public_id}/").context["waves"]]
    assert numbers == [6, 5, 4, 3, 2, 1]

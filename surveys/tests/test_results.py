"""What HR and managers read of a wave: what was published, with its margin, and nothing else."""

import random
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import translation

from customers.tests.factories import NOON
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from surveys import queries
from surveys.models import Wave
from surveys.queries import WHOLE, Place
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, opened

pytestmark = pytest.mark.django_db

ASKED: list[dict[str, Any]] = [
    {"key": "score", "has_comment": True},
    {"key": "mood", "kind": "agreement", "texts": {"en": "I like Mondays", "de": "Ich mag Montage"}},
    {"key": "lift", "kind": "yes_no", "texts": {"en": "The lift works"}},
    {"key": "why", "kind": "text", "texts": {"en": "Why?"}},
]


def somebody(role: Role, email: str = "") -> Client:
    user = User.objects.create_user(email or f"{role}@company.test")
    user.groups.add(Group.objects.get(name=role.value))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def wave() -> Wave:
    return wave_of_boss()


def wave_of_boss() -> Wave:
    """Eleven in sales, five in IT, all of whom answered; their manager, who leads both, did not."""
    boss = EmployeeFactory(email="boss@company.test", key="boss", name="Bo Boss", department=DepartmentFactory(key="board"))
    sales = EmployeeFactory.create_batch(11, manager=boss)
    it = EmployeeFactory.create_batch(5, department=DepartmentFactory(key="it", name="Information"))
    found = opened(SurveyFactory(asked=ASKED))
    chance = random.Random(7)
    for n in range(16):
        values = {"score": 9 if n % 4 else 3, "mood": 1 + n % 5, "lift": n % 2 == 0, "why": f"because {n}"}
        employee = it.pop() if n % 4 in {0, 3} and it else sales.pop()
        answered(found, values, {"score": f"comment {chance.random()}"}, by=employee)
    return closed(found)


def test_a_score_has_its_margin(wave: Wave) -> None:
    found = queries.answered(wave, wave.questions[0])
    assert found.score is not None
    assert (found.answered, found.score.counts.promoters, found.score.counts.detractors) == (16, 12, 4)
    assert (found.score.shown, found.score.low < 50 < found.score.high) == (50, True)


def test_other_questions_have_means_and_shares(wave: Wave) -> None:
    mood, lift = (queries.answered(wave, item, language="de") for item in wave.questions[1:3])
    assert mood.text == "Ich mag Montage"
    assert mood.rating is not None
    assert sum(mood.rating.distribution) == 16
    assert dict(lift.distribution) == {"Yes": 8, "No": 8}


def test_a_hidden_group_is_not_enough_whoever_asks(wave: Wave) -> None:
    assert queries.figure(wave, "score", Place("department", "it")) is None
    assert queries.figure(wave, "score", Place("department", "nowhere")) is None
    assert queries.figure(wave, "why") is None
    assert queries.figure(wave, "score") is not None


def test_an_open_wave_shows_nothing() -> None:
    EmployeeFactory.create_batch(9)
    wave = opened()
    for _n in range(9):
        answered(wave, {"score": 3})
    assert queries.figure(wave, "score") is None
    assert not queries.comments(wave).exists()


def test_comments_come_from_ten_answers_on_and_by_one_filter(wave: Wave) -> None:
    assert queries.comments(wave).count() == 32
    assert queries.comments(wave, question="why").count() == 16
    page = somebody(Role.HR).get(f"/surveys/{wave.survey.public_id}/results/1/comments/?question=why&department=sales")
    assert page.context["department"] == ""


def test_hr_reads_the_results(wave: Wave) -> None:
    page = somebody(Role.HR).get(f"/surveys/{wave.survey.public_id}/results/")
    assert page.status_code == 200
    assert page.context["scored"].score.shown == 50
    said = page.content.decode()
    assert 'value="department:it"' not in said
    # Five people, who are shown only together with one who did not answer.
    names = [name for name, _cells in page.context["heat_map"]["rows"]]
    assert [name for name in names if "Information" in name and not name.startswith("Others: ")] == []
    assert any(name.startswith("Others: Board, Information") for name in names)


def test_a_manager_sees_the_own_level_only(wave: Wave) -> None:
    client = somebody(Role.MANAGER, "boss@company.test")
    page = client.get(f"/surveys/{wave.survey.public_id}/results/?group=department:it")
    assert page.status_code == 200
    assert page.context["place"] in {WHOLE, Place("manager", "boss")}
    assert page.context["heat_map"] is None
    assert ("Too few" not in page.context["whose"]) is (page.context["place"] == Place("manager", "boss"))
    assert client.get(f"/surveys/{wave.survey.public_id}/results/1/comments/").status_code == 403
    assert client.get(f"/surveys/{wave.survey.public_id}/results/1/export/").status_code == 403


def test_a_manager_who_is_not_in_the_directory_sees_nothing(wave: Wave) -> None:
    page = somebody(Role.MANAGER, "nobody@company.test").get(f"/surveys/{wave.survey.public_id}/results/")
    assert page.status_code == 403


@pytest.mark.parametrize("role", [Role.MARKETER, Role.ANALYST, Role.STORE, Role.OPERATOR])
def test_nobody_else_sees_results(wave: Wave, role: Role) -> None:
    client = somebody(role)
    for path in ("results/", "results/1/comments/", "results/1/export/"):
        assert client.get(f"/surveys/{wave.survey.public_id}/{path}").status_code == 403


def test_the_export_holds_what_may_be_shown(wave: Wave) -> None:
    page = somebody(Role.HR).get(f"/surveys/{wave.survey.public_id}/results/1/export/")
    lines = page.content.decode().splitlines()
    assert "score,,,answered,16" in lines
    assert not any(",it," in line for line in lines)


def test_a_trend_breaks_where_the_scale_changes() -> None:
    EmployeeFactory.create_batch(6)
    survey = SurveyFactory()
    import datetime as dt

    for turn, scale in enumerate(["0-10", "0-10", "1-10"]):
        survey.questions.update(scale=scale)
        wave = opened(survey, at=NOON + dt.timedelta(days=30 * turn))
        for n in range(6):
            answered(wave, {"score": (9, 7, 3)[n % 3]})
        closed(wave)
    points = queries.trend(survey, "score")
    assert [point.is_break for point in points] == [False, False, True]
    assert [point.score is not None and point.score.change is not None for point in points] == [False, True, False]


def test_drivers_need_fifty_answers() -> None:
    EmployeeFactory.create_batch(60)
    wave = opened(SurveyFactory(asked=ASKED))
    for n in range(60):
        answered(wave, {"score": n % 11, "mood": 1 + (n % 11) // 3})
    found = queries.drivers(closed(wave))
    assert [driver.key for driver in found] == ["mood"]
    assert found[0].r > 0.9


def test_the_interval_never_leaves_out_the_score_itself() -> None:
    """The interval is around a middle that is drawn in, and narrow where nearly all answered."""
    EmployeeFactory.create_batch(21)
    wave = opened(SurveyFactory(asked=ASKED))
    for n in range(20):
        answered(wave, {"score": 0 if n > 1 else 9})
    closed(wave)
    score = queries.answered(wave, wave.questions[0]).score
    assert score is not None
    assert score.margin.low > -80
    assert (score.shown, score.low) == (-80, -80)
    assert score.high > -80


@pytest.mark.parametrize(("language", "title"), [("de", "Wie geht es?"), ("en", "How is it?"), ("fr", "Come va?")])
def test_a_survey_is_called_in_the_language_that_is_spoken(language: str, title: str) -> None:
    survey = SurveyFactory(title={"de": "Wie geht es?", "en": "How is it?", "it": "Come va?"}, languages=["it", "en", "de"])
    with translation.override(language):
        assert str(survey) == title

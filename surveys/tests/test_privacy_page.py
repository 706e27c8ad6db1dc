"""The page that says how answers are protected, for HR and works councils."""

import pytest

from incentives_site.accounts.roles import Role
from surveys.models import Wave
from surveys.tests.factories import EmployeeFactory, SurveyFactory
from surveys.tests.test_results import somebody, wave_of_boss

pytestmark = pytest.mark.django_db
TITLES = {
    "en": "How answers are protected",
    "it": "Come sono protette le risposte",
    "ms": "Cara jawapan dilindungi",
    "es": "Cómo se protegen las respuestas",
    "de": "So werden Antworten geschützt",
    "fr": "Comment les réponses sont protégées",
}


@pytest.fixture
def wave() -> Wave:
    return wave_of_boss()


def path(wave: Wave) -> str:
    return f"/surveys/{wave.survey.public_id}/privacy/"


@pytest.mark.parametrize("language", TITLES)
def test_it_speaks_each_language(wave: Wave, language: str) -> None:
    page = somebody(Role.HR).get(path(wave) + f"?lang={language}")
    said = page.content.decode()
    assert f'<html lang="{language}"' in said
    assert TITLES[language] in said


def test_it_counts_what_is_not_shown_and_names_no_group(wave: Wave) -> None:
    page = somebody(Role.HR).get(path(wave))
    rows = {str(row["name"]): row for row in page.context["hidden"]}
    assert rows["Department"] == {"name": rows["Department"]["name"], "groups": 3, "shown": 1, "together": 2, "hidden": 0}
    assert "Information" not in page.content.decode()


def test_before_the_first_wave_it_says_what_will_hold() -> None:
    survey = SurveyFactory(k=7)
    page = somebody(Role.HR).get(f"/surveys/{survey.public_id}/privacy/")
    said = page.content.decode()
    assert "No wave has been published yet." in said
    assert "fewer than 7 people" in said


def test_a_protection_that_is_switched_off_is_marked() -> None:
    EmployeeFactory.create_batch(6)
    survey = SurveyFactory(hides_uniform=False)
    page = somebody(Role.HR).get(f"/surveys/{survey.public_id}/privacy/")
    assert [rule.is_on for rule in page.context["protections"]] == [None, True, False, None, None]
    assert ">Off<" in page.content.decode()


@pytest.mark.parametrize("role", [Role.MANAGER, Role.MARKETER, Role.OPERATOR])
def test_it_is_for_hr(wave: Wave, role: Role) -> None:
    assert somebody(role).get(path(wave)).status_code == 403

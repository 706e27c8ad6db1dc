"""The page that an invitation's link opens: nothing is written until it is sent, and nothing that was typed is lost."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from surveys.models import Ballot, Employee, Invitation, Wave
from surveys.tests.factories import EmployeeFactory, SurveyFactory, answered, closed, link_of, opened

pytestmark = pytest.mark.django_db


def wave_of(*asked: dict[str, Any], **fields: Any) -> Wave:
    if not Employee.objects.exists():
        EmployeeFactory.create_batch(3)
    survey = SurveyFactory(asked=asked or None, languages=["en", "de"], **fields)
    return opened(survey, at=timezone.now() - dt.timedelta(hours=1))


def path_of(wave: Wave) -> str:
    invitation = Invitation.objects.filter(wave=wave).order_by("employee__key").first()
    assert invitation is not None
    return f"/s/{link_of(invitation)}/"


def test_opening_it_writes_nothing_and_tells_nobody(client: Client) -> None:
    wave = wave_of()
    before = list(Invitation.objects.filter(wave=wave).order_by("pk").values())
    answer = client.get(path_of(wave))
    assert answer.status_code == 200
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"], answer["Cache-Control"]) == (
        "no-referrer",
        "noindex",
        "private, no-store",
    )
    assert not answer.cookies, "nobody is followed"
    assert "anonymous" in answer.content.decode()
    assert list(Invitation.objects.filter(wave=wave).order_by("pk").values()) == before
    assert not Ballot.objects.exists()


def test_it_is_answered_once_without_a_script_or_a_cookie() -> None:
    wave = wave_of()
    client = Client(enforce_csrf_checks=True)
    page = client.post(path_of(wave), {"q-score": "9", "c-score": "Fine.", "wants_reply": "1", "go": "send"})
    assert page.status_code == 200
    assert "Your key for a reply" in page.content.decode()
    assert len(page.context["thread"]) >= 20
    again = client.post(path_of(wave), {"q-score": "1", "go": "send"})
    assert again.status_code == 409
    assert "answered once" in again.content.decode()
    assert client.get(path_of(wave)).status_code == 409
    assert Ballot.objects.count() == 1


def test_a_link_that_is_none_and_one_that_is_too_late(client: Client) -> None:
    assert client.get("/s/forged/").status_code == 404
    wave = wave_of()
    path = path_of(wave)
    Wave.objects.filter(pk=wave.pk).update(closes_at=timezone.now())
    late = client.post(path, {"q-score": "9", "go": "send"})
    assert late.status_code == 409
    assert "until" in late.content.decode()
    wave.refresh_from_db()
    closed(wave)
    assert client.get(path).status_code == 409
    assert not Ballot.objects.exists()


def test_zero_on_one_to_ten_is_refused_with_a_sentence(client: Client) -> None:
    wave = wave_of({"key": "score", "scale": "1-10", "has_comment": True})
    page = client.post(path_of(wave), {"q-score": "0", "c-score": "Because.", "go": "send"})
    assert page.status_code == 422
    assert "Please choose a number from 1 to 10." in page.content.decode()
    assert "Because." in page.content.decode()
    assert 'value="0"' not in page.content.decode()


def test_a_comment_that_is_too_long_is_refused_and_not_lost(client: Client) -> None:
    wave, text = wave_of(), "x" * 100_000
    page = client.post(path_of(wave), {"q-score": "9", "c-score": text, "go": "send"})
    assert page.status_code == 422
    assert text in page.content.decode()
    assert "at most 5,000 characters" in page.content.decode()
    assert not Invitation.objects.filter(is_used=True).exists()


def test_nothing_answered_is_not_sent(client: Client) -> None:
    page = client.post(path_of(wave_of()), {"go": "send"})
    assert page.status_code == 422
    assert "at least one question" in page.content.decode()


def test_html_is_shown_as_it_was_typed(client: Client) -> None:
    page = client.post(path_of(wave_of()), {"q-score": "77", "c-score": "<script>alert(1)</script>", "go": "send"})
    assert "&lt;script&gt;alert(1)" in page.content.decode()
    assert "<script>alert" not in page.content.decode()


PULSE = (
    {"key": "mood", "kind": "agreement", "texts": {"en": "I like it."}, "is_required": True},
    {"key": "why", "kind": "text", "texts": {"en": "Why not?"}, "branch": {"key": "mood", "values": [1, 2]}},
    {
        "key": "food",
        "kind": "multiple",
        "texts": {"en": "What do you eat?"},
        "options": [{"key": "soup", "texts": {"en": "Soup"}}, {"key": "bread", "texts": {"en": "Bread", "de": "Brot"}}],
    },
)


def step(client: Client, path: str, page: Any, go: str, **typed: Any) -> Any:
    fields = {f"q-{key}": value for key, value in typed.items()}
    return client.post(path, {"so_far": page.context["so_far"], "go": go, **fields})


def test_questions_come_one_by_one_and_only_those_that_are_asked(client: Client) -> None:
    wave = wave_of(*PULSE)
    path = path_of(wave)
    page = client.get(path)
    assert "Question 1 of 3" in page.content.decode()
    assert step(client, path, page, "next").status_code == 422, "it is required"
    page = step(client, path, page, "next", mood="5")
    assert [q["key"] for q in page.context["questions"]] == ["food"]
    page = step(client, path, page, "back", food=["bread"])
    assert [q["key"] for q in page.context["questions"]] == ["mood"]
    assert "5" in page.context["questions"][0]["chosen"]
    page = step(client, path, page, "next", mood="1")
    assert [q["key"] for q in page.context["questions"]] == ["why"]
    page = step(client, path, page, "next", why="It rains.")
    assert page.context["questions"][0]["chosen"] == ["bread"], "what was answered before going back is still there"
    assert step(client, path, page, "send", food=["bread"]).status_code == 200
    assert Ballot.objects.count() == 1


def test_it_is_resumed_in_the_same_browser_and_in_no_other(client: Client) -> None:
    wave = wave_of(*PULSE)
    path = path_of(wave)
    page = step(client, path, client.get(path), "next", mood="2")
    cookie = page.cookies["answers"]
    assert (cookie["path"], bool(cookie["httponly"]), cookie["max-age"], cookie["expires"]) == (path, True, "", "")
    assert [q["key"] for q in client.get(path).context["questions"]] == ["why"]
    assert [q["key"] for q in Client().get(path).context["questions"]] == ["mood"]
    other = f"/s/{link_of(Invitation.objects.filter(wave=wave).order_by('employee__key')[1])}/"
    client.cookies["answers"]["path"] = other
    assert [q["key"] for q in client.get(other).context["questions"]] == ["mood"], "another link's answers are not taken"


def test_all_on_one_page(client: Client) -> None:
    wave = wave_of(*PULSE, is_one_page=True)
    path = path_of(wave)
    page = client.get(path)
    assert [q["key"] for q in page.context["questions"]] == ["mood", "why", "food"]
    kept = client.post(path, {"q-mood": "4", "go": "keep"})
    assert "kept in this browser" in kept.content.decode()
    assert client.get(path).context["questions"][0]["chosen"] == ["4"]
    assert client.post(path, {"q-mood": "4", "q-why": "dropped", "go": "send"}).status_code == 200


def test_a_language_is_chosen_by_link_directory_and_browser(client: Client) -> None:
    wave = wave_of(*PULSE)
    path = path_of(wave)
    assert '<html lang="en"' in client.get(path, headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de"' in client.get(path + "?lang=de").content.decode()
    assert '<html lang="en"' in client.get(path + "?lang=fr").content.decode(), "it has no words in French"


def test_the_link_of_another_wave_opens_that_wave_alone(client: Client, settings: Any) -> None:
    settings.SURVEY_REST_DAYS = 0
    first, second = wave_of(), wave_of()
    answered(first, {"score": 9})
    assert client.post(path_of(second), {"q-score": "9", "go": "send"}).status_code == 200
    assert Ballot.objects.filter(wave=first).count() == 1


def test_a_log_line_tells_neither_the_link_nor_who_answered() -> None:
    from incentives_site.shared.logs import without_secrets

    line = {"event": "request_finished", "request": "POST /s/abcDEF-123/", "ip": "10.0.0.1", "user_id": 7, "user_agent": "Phone"}
    assert without_secrets(None, "info", line) == {"event": "request_finished", "request": "POST /s/…/"}


def test_what_is_kept_of_the_thanks_is_nobodys(client: Client) -> None:
    """The page is the same for all and rendered once: with each language, mode and theme, and nothing of a request."""
    waves, said = [], {}
    for mode in ("anonymous", "named"):
        EmployeeFactory.create_batch(3)
        waves.append(opened(SurveyFactory(mode=mode, languages=["en", "de"]), at=timezone.now()))
    for wave in waves:
        for lang, theme in (("en", "dark"), ("de", ""), ("en", "no<b>ne")):
            invitation = Invitation.objects.filter(wave=wave, is_used=False)[0]
            client.cookies["theme"] = theme
            page = client.post(f"/s/{link_of(invitation)}/?lang={lang}", {"go": "send", "q-score": "9"})
            said[wave.mode, lang, theme] = page.content.decode()
            assert page["Cache-Control"] == "private, no-store"
            assert link_of(invitation) not in said[wave.mode, lang, theme]
    assert 'data-bs-theme="dark"' in said["anonymous", "en", "dark"]
    assert "data-bs-theme" not in said["anonymous", "en", "no<b>ne"]
    assert '<html lang="de"' in said["named", "de", ""]
    assert "Ihre Antworten sind angekommen" in said["named", "de", ""]
    assert "Nobody can see what you answered" in said["anonymous", "en", "dark"]
    assert "Nobody can see what you answered" not in said["named", "en", "dark"]


def test_an_answer_asks_the_database_twice(client: Client, django_assert_num_queries: Any) -> None:
    EmployeeFactory()
    opened(at=timezone.now())
    path = f"/s/{link_of(Invitation.objects.get())}/"
    with django_assert_num_queries(2):
        assert client.post(path, {"go": "send", "q-score": "9"}).status_code == 200

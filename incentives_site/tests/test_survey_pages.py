"""The main job in a real browser: started in two clicks, answered on a phone, by keyboard, without a script."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers.tests.factories import CustomerFactory, IdentityFactory
from incentives_site.accounts.roles import Role
from surveys import operations, sealing
from surveys.models import Ballot, Comment, Invitation, Survey, Wave
from surveys.rules.ready_made import CUSTOMERS, LANGUAGES, READY_MADE
from surveys.tests.factories import EmployeeFactory, SurveyFactory, closed, link_of, opened

from .test_journey import assert_sound, base, sign_in, somebody
from .test_languages import Heard

__all__ = ["base"]
pytestmark = pytest.mark.django_db(transaction=True)


def picture(page: Any, name: str) -> None:
    """Kept where somebody wants to look at them."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def link_into(base: str, **fields: Any) -> str:
    if not Invitation.objects.exists():
        EmployeeFactory.create_batch(3)
    survey = SurveyFactory(languages=list(LANGUAGES), **fields)
    wave = opened(survey, at=timezone.now())
    return f"{base}/s/{link_of(Invitation.objects.filter(wave=wave).first())}/"  # type: ignore[union-attr]


@pytest.mark.parametrize(("width", "scheme", "script"), [(320, "light", False), (390, "dark", True), (1280, "light", True)])
def test_every_kind_is_answered(new_page: Any, base: str, width: int, scheme: str, script: bool) -> None:
    kinds = [
        READY_MADE["enps"].asked()[0],
        *READY_MADE["change"].asked(),
        *READY_MADE["exit"].asked()[0:1],
        READY_MADE["exit"].asked()[2],
    ]
    page = new_page(width=width, color_scheme=scheme, java_script_enabled=script)
    page.goto(link_into(base, asked=kinds))

    def sound() -> None:
        if script:
            assert_sound(page)

    picture(page, f"answer-first-{width}")
    sound()
    page.locator("label.survey-number", has_text="9").click()
    page.fill("[name=c-score]", "Good people.")
    picture(page, f"answer-chosen-{width}")
    page.click("button.btn-primary[value=next]")
    for number, answer in enumerate(["4", "2", "worse", "A better plan.", "pay", "yes"]):
        sound()
        picture(page, f"answer-{number}-{width}")
        field = page.locator("textarea[name^=q-]")
        if field.count():
            field.fill(answer)
        else:
            page.locator(f"input[name^=q-][value='{answer}']").check(force=True)
        if page.locator("button.btn-primary[value=send]").count():
            page.check("[name=wants_reply]") if page.locator("[name=wants_reply]").count() else None
            page.click("button.btn-primary[value=send]")
        else:
            page.click("button.btn-primary[value=next]")
    expect(page.locator("h1")).to_have_text("Thank you")
    sound()
    picture(page, f"answer-thanks-{width}")
    assert Ballot.objects.count() == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_fits_a_small_screen(new_page: Any, base: str, language: str) -> None:
    page = new_page(width=320)
    page.goto(link_into(base, asked=[READY_MADE["enps"].asked()[0]], is_one_page=True) + f"?lang={language}")
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert_sound(page)
    picture(page, f"language-{language}")


def test_it_is_answered_by_keyboard_alone(page: Any, base: str) -> None:
    page.goto(link_into(base))
    for _press in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "q-score":
            break
    page.keyboard.press("Space")
    for _press in range(8):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.value") == "8"
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Thank you')")
    assert Ballot.objects.count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_hr_starts_an_enps_in_two_clicks_and_builds_a_pulse(new_page: Any, base: str, width: int, scheme: str) -> None:
    EmployeeFactory.create_batch(3)
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, somebody(Role.HR), base)

    def see(name: str) -> None:
        assert_sound(page)
        picture(page, f"{name}-{width}")

    page.goto(f"{base}/surveys/")
    see("list-empty")
    page.locator("main a:has-text('New eNPS')").first.click()
    see("enps")
    page.locator("main button.btn-primary:has-text('Start')").first.click()
    page.wait_for_selector("text=It runs")
    operations.advance_surveys(now=timezone.now())
    operations.send_invitations(now=timezone.now())
    survey = Survey.objects.get()
    if Wave.objects.exists():  # on a weekend it opens on the Monday after
        assert len(mail.outbox) == 3
    page.reload()
    see("detail")
    page.goto(f"{base}/surveys/{survey.public_id}/poster/")
    see("poster")
    page.goto(f"{base}/surveys/new/")
    see("new")
    page.click("button:has-text('After the change')")
    see("questions")
    page.keyboard.press("Tab")
    page.locator("button[value='down:change-reason']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("button[value='up:change-reason']:not([disabled])")
    pulse = Survey.objects.get(kind="pulse")
    assert list(pulse.questions.values_list("key", flat=True))[:2] == ["change-informed", "change-reason"]
    page.goto(f"{base}/surveys/{pulse.public_id}/questions/change-better/")
    see("question")
    page.goto(f"{base}/surveys/{pulse.public_id}/preview/?language=de")
    see("preview")
    page.goto(f"{base}/surveys/{pulse.public_id}/plan/")
    page.select_option("[name=every]", "monthly")
    page.wait_for_selector("#dates >> text=Every month")
    see("plan")
    page.goto(f"{base}/surveys/bank/")
    page.click("button:has-text('Fill it')")
    see("bank")
    page.goto(f"{base}/surveys/directory/")
    see("directory")
    page.goto(f"{base}/surveys/directory/import/")
    see("import")
    people = b"key,name,email,department\n" + b"".join(b"%d,P,p%d@company.test,\n" % (n, n) for n in range(3))
    for name, content, button in (
        ("good.csv", people.replace(b",\n", b",Sales\n"), "Validate file"),
        ("bad.csv", people, "Import"),
    ):
        page.goto(f"{base}/surveys/directory/import/")
        page.set_input_files("[name=file]", {"name": name, "mimeType": "text/csv", "buffer": content})
        page.click(f"button:has-text('{button}')")
        page.wait_for_selector(".status-checked, .badge:has-text('Failed'), .badge:has-text('Validated')")
        see(name)
    page.goto(f"{base}/surveys/")
    see("list")
    page.goto(f"{base}/s/")
    see("code")


@pytest.mark.parametrize("language", ["it", "ms", "es", "de", "fr"])
def test_nothing_that_whoever_answers_reads_is_left_in_english(
    client: Client, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    EmployeeFactory.create_batch(3, language=language)
    survey = SurveyFactory(asked=[READY_MADE["enps"].asked()[0], *READY_MADE["change"].asked()], languages=list(LANGUAGES))
    wave = opened(survey, at=timezone.now() - dt.timedelta(hours=1))
    path, heard = f"/s/{link_of(Invitation.objects.filter(wave=wave)[0])}/", Heard()
    client.get("/s/")  # addresses are read by then, which says things of forms
    heard.listen(monkeypatch)
    now = timezone.now()  # at a weekend nothing is sent before Monday
    operations.send_invitations(now=now if now.weekday() < 5 else now + dt.timedelta(days=7 - now.weekday(), hours=12))
    assert len(mail.outbox) == 3
    page = client.get(path)
    assert f'<html lang="{language}"' in page.content.decode()
    client.post(path, {"go": "next", "q-score": "99"})
    while page.context["questions"]:
        page = client.post(path, {"so_far": page.context["so_far"], "go": "next"})
    client.post(path, {"go": "send", "q-score": "9", "c-score": "Yes.", "wants_reply": "1"})
    client.get(path)
    for address in ("/s/", "/s/none/"):
        client.get(address, {"lang": language}, headers={"Accept-Language": language})
    client.post(f"/s/?lang={language}", {"code": "x"})
    assert heard == set()


@pytest.mark.parametrize("language", ["it", "ms", "es", "de", "fr"])
def test_nothing_that_customers_and_authors_of_comments_read_is_left_in_english(
    client: Client, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    campaign = CampaignFactory(live=True)
    fields: dict[str, Any] = {
        "kind": "feedback",
        "campaign": campaign,
        "incentive": IncentiveFactory(campaign=campaign, claim="grant", name="Fünf"),
        "asked": [*CUSTOMERS["nps"].asked(), *CUSTOMERS["csat"].asked(), {"key": "why", "kind": "text", "texts": {}}],
        "languages": list(LANGUAGES),
    }
    now = timezone.now()
    named, openly = SurveyFactory(mode="named", **fields), SurveyFactory(mode="anonymous", **fields)
    feedback, _new = operations.ask(survey=named, customer=CustomerFactory(language=language), occasion="1", now=now)
    mail = IdentityFactory(kind="email", value="ann@example.com")
    EmployeeFactory.create_batch(3)
    comment = Comment.objects.create(
        wave=closed(opened(SurveyFactory(), at=now)), question="score", text="x", thread_digest=sealing.thread_digest("key", 0)
    )
    address, heard = operations.feedback_url(feedback), Heard()
    client.get("/s/")  # addresses are read by then, which says things of forms
    heard.listen(monkeypatch)
    assert f'<html lang="{language}"' in client.get(address).content.decode()
    for body in (
        {"q-nps": "77", "q-csat": "9"},
        {},
        {"q-why": "x" * 5_001},
        {"q-nps": "9", "review": "x" * 5_001},
        {"q-nps": "9"},
    ):
        client.post(address, body)
    client.get(address)
    lang = f"?lang={language}"
    client.get("/feedback/none/" + lang)
    for body in ({"q-nps": "77"}, {}, {"q-nps": "9"}):
        page = client.post(operations.open_url(openly) + lang, body)
    code, claim = page.context["code"], "/feedback/claim/" + lang
    client.get(claim)
    for body in (
        {"code": "x", "who": "y"},
        {"code": code, "who": "y"},
        {"code": code, "who": mail.value},
        {"code": code, "who": mail.value},
    ):
        client.post(claim, body)
    reply = "/reply/" + lang
    client.get(reply)
    for body in (
        {"key": "none"},
        {"key": "key"},
        {"key": "key", "step": "reply", "text": ""},
        {"key": "key", "step": "reply", "text": "y"},
    ):
        client.post(reply, body)
    operations.reply(comment=comment, text="HR asks", by="user:1")
    client.post(reply, {"key": "key", "step": "close"})
    client.post(reply, {"key": "key", "step": "reply", "text": "z"})
    operations.end(survey=openly, by="x")
    assert client.get(operations.open_url(openly) + lang).status_code == 409
    assert heard == set()

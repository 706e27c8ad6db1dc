"""Results, one-on-ones, customer feedback and replies in a real browser: wide and narrow, light and dark, without scripts."""

import datetime as dt
import os
import random
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers.tests.factories import CustomerFactory, IdentityFactory
from incentives_site.accounts.roles import Role
from surveys import operations
from surveys.models import Survey
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, opened

from .test_journey import assert_sound, base, sign_in, somebody

__all__ = ["base"]
pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [("light", 1280), ("dark", 390), ("light", 320)]
ASKED: list[dict[str, Any]] = [
    {"key": "score", "has_comment": True, "texts": {"en": "How likely are you to recommend our company as a place to work?"}},
    {"key": "mood", "kind": "agreement", "texts": {"en": "I can do my best work here"}},
    {"key": "lift", "kind": "yes_no", "texts": {"en": "My manager listens"}},
]


def picture(page: Any, name: str) -> None:
    """Kept for looking at where a folder is named; tests do not need it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def two_waves() -> Survey:
    chance = random.Random(3)
    top = DepartmentFactory(key="company", name="Company")
    for name in ("Sales", "Technology", "Logistics"):
        EmployeeFactory.create_batch(18, department=DepartmentFactory(key=name.lower(), name=name, parent=top), location="Rome")
    EmployeeFactory.create_batch(3, department=DepartmentFactory(key="legal", name="Legal", parent=top))
    survey = SurveyFactory(asked=ASKED, title={"en": "Quarterly pulse"}, kind="pulse", hides_few_changes=False)
    for turn in range(2):
        wave = opened(survey, at=timezone.now() - dt.timedelta(days=120 - 90 * turn))
        for _n in range(50):
            score = chance.choice([10, 9, 9, 8, 7, 6, 3 + 3 * turn])
            answered(
                wave, {"score": score, "mood": max(1, score // 2), "lift": score > 6}, {"score": f"Comment {chance.random():.3f}"}
            )
        closed(wave)
    return survey


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_hr_reads_results_and_comments(new_page: Any, base: str, scheme: str, width: int) -> None:
    survey = two_waves()
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, somebody(Role.HR), base)
    page.goto(f"{base}/surveys/{survey.public_id}/results/")
    assert page.inner_text("[data-testid=score]").lstrip("-−").isdigit()
    # Three people, who are shown only together with others.
    assert [
        row for row in page.locator(".heat-map tbody th").all_inner_texts() if "Legal" in row and "Others in Company" not in row
    ] == []
    page.wait_for_timeout(500)
    assert_sound(page)
    picture(page, f"results-{scheme}-{width}")
    page.select_option("#group", "department:sales")
    page.click("main form button[type=submit]")
    page.wait_for_url("**group=department**")
    assert_sound(page)
    page.goto(f"{base}/surveys/{survey.public_id}/results/2/comments/")
    expect(page.locator("article")).to_have_count(50)
    assert_sound(page)
    picture(page, f"comments-{scheme}-{width}")


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_two_people_prepare_their_one_on_one(new_page: Any, base: str, scheme: str, width: int) -> None:
    user = somebody(Role.MANAGER)
    boss = EmployeeFactory(name="Bo Boss", email=user.email)
    EmployeeFactory(name="Ann Other", manager=boss)
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, user, base)
    page.goto(f"{base}/surveys/one-on-ones/")
    page.fill("#first_on", (timezone.localdate() + dt.timedelta(days=1)).isoformat())
    assert_sound(page)
    picture(page, f"one-on-ones-{scheme}-{width}")
    page.click("text=Arrange >> nth=-1")
    page.wait_for_url("**/one-on-ones/*/")
    page.fill("#agenda-text", "Holidays")
    page.click("section:has(#agenda-title) button:has-text('Add')")
    page.fill("#action-text", "Write it up")
    page.fill("#due_on", "2026-12-24")
    page.click("section:has(#actions-title) button:has-text('Add')")
    page.fill("#private-text", "Mine alone")
    page.click("section:has(#private-title) button:has-text('Keep')")
    page.wait_for_load_state()
    expect(page.locator("main")).to_contain_text("Mine alone")
    assert_sound(page)
    picture(page, f"one-on-one-{scheme}-{width}")
    page.click("section:has(#agenda-title) button:has-text('Done')")
    page.wait_for_load_state()
    expect(page.locator("section:has(#agenda-title)")).to_contain_text("first point")


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_a_customer_says_how_it_was_without_scripts(new_page: Any, base: str, scheme: str, width: int) -> None:
    campaign = CampaignFactory(live=True)
    survey = SurveyFactory(
        kind="feedback",
        mode="named",
        title={"en": "How was it?"},
        campaign=campaign,
        incentive=IncentiveFactory(campaign=campaign, claim="grant", name="Five off"),
        asked=[
            {"key": "nps", "kind": "nps", "texts": {"en": "Would you recommend our shop to a friend?"}},
            {"key": "found", "kind": "yes_no", "texts": {"en": "Did you find everything?"}},
        ],
    )
    feedback, _new = operations.ask(survey=survey, customer=CustomerFactory(), occasion="1", now=timezone.now())
    page = new_page(width=width, color_scheme=scheme, java_script_enabled=False)
    page.goto(base + operations.feedback_url(feedback))
    picture(page, f"feedback-{scheme}-{width}")
    page.check("[name=q-nps][value='9']")
    page.fill("#review", "Nice")
    page.click("main button[type=submit]")
    expect(page.locator("main")).to_contain_text("Thank you")
    expect(page.locator("main")).to_contain_text("Five off")


def test_the_author_of_a_comment_reads_a_reply(new_page: Any, base: str) -> None:
    page = new_page(width=320)
    page.goto(f"{base}/reply/")
    page.fill("#key", "nothing")
    page.click("main button[type=submit]")
    expect(page.locator("[role=alert]")).to_contain_text("No comment belongs")
    page.errors.assert_none(but="status of 422")
    page.errors.clear()
    assert_sound(page)
    picture(page, "reply-320")


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_hr_plans_actions_and_prints_a_report(new_page: Any, base: str, scheme: str, width: int) -> None:
    survey = two_waves()
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, somebody(Role.HR), base)
    page.goto(f"{base}/surveys/actions/")
    assert_sound(page)
    page.goto(f"{base}/surveys/{survey.public_id}/results/")
    page.click("a:has-text('New action')")
    page.fill("[name=title]", "Talk about workload in every team")
    page.fill("[name=owner]", "Bo Boss")
    page.fill("[name=due_on]", "2026-01-15")
    assert_sound(page)
    picture(page, f"action-{width}")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Overdue")
    assert_sound(page)
    picture(page, f"actions-{width}")
    page.goto(f"{base}/surveys/{survey.public_id}/plan/")
    assert_sound(page)
    picture(page, f"plan-more-{width}")
    page.goto(f"{base}/surveys/{survey.public_id}/results/2/report/")
    assert_sound(page)
    picture(page, f"report-{width}")
    page.emulate_media(media="print")
    picture(page, f"report-paper-{width}")
    if os.environ.get("PICTURES") and width == 1280:
        page.pdf(path=f"{os.environ['PICTURES']}/report.pdf", format="A4")


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_a_marketer_asks_everybody_and_somebody_claims_what_was_promised(
    new_page: Any, base: str, scheme: str, width: int
) -> None:
    campaign = CampaignFactory(live=True, name="Autumn thanks")
    IncentiveFactory(campaign=campaign, claim="grant", name="Five off")
    IdentityFactory(kind="email", value="ann@example.com")
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, somebody(Role.MARKETER), base)
    page.goto(f"{base}/surveys/feedback/")
    page.select_option("[name=campaign]", label="Autumn thanks")
    page.check("[name=mode][value=anonymous]")
    page.select_option("[name=incentive]", label="Autumn thanks: Five off")
    page.click("main form button:has-text('Start')")
    page.wait_for_selector("text=It runs")
    assert_sound(page)
    picture(page, f"customers-{scheme}-{width}")
    page.goto(f"{base}/surveys/reviews/")
    assert_sound(page)
    stranger = new_page(width=width, color_scheme=scheme, java_script_enabled=False)
    stranger.goto(base + operations.open_url(Survey.objects.get()))
    stranger.check("[name=q-nps][value='9']", force=True)
    stranger.click("main button[type=submit]")
    code = stranger.inner_text("#claim-code")
    stranger.click("main a:has-text('Use it now')")
    stranger.fill("#code", code)
    stranger.fill("#who", "ann@example.com")
    stranger.click("main button[type=submit]")
    expect(stranger.locator("main")).to_contain_text("in their wallet now")
    picture(stranger, f"claimed-{scheme}-{width}")

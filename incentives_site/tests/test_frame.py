"""The frame around the pages, in a real browser: signing in, two-factor authentication, themes, narrow screens, no JavaScript."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import expect

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a-long-enough-one-7"
ACCOUNT_PAGES = [
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/email/",
    "/accounts/logout/",
]
STRANGERS_PAGES = ["/accounts/login/", "/accounts/password/reset/", "/accounts/signup/", "/nowhere/"]


@pytest.fixture
def operator() -> Any:
    user = get_user_model().objects.create_user(
        "ada@example.com", PASSWORD, first_name="Ada", last_name="Lovelace", is_staff=True
    )
    user.groups.add(Group.objects.get_or_create(name="operator")[0])
    return user


def assert_sound(page: Any) -> None:
    """No finding of axe, nothing wider than the screen, nothing reported by the browser (but statuses asked for on purpose)."""
    page.wait_for_load_state()  # a click returns while the old page is being taken away
    findings = Axe().run(page).response["violations"]
    assert not findings, [(finding["id"], [node["html"][:120] for node in finding["nodes"]]) for finding in findings]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.errors.assert_none(but="status of 4")
    page.errors.clear()


def open_as(page: Any, user: Any, base: str) -> None:
    client = Client()
    client.force_login(user)
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base}])


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_pages_for_strangers_are_sound(new_page: Any, live_server: Any, scheme: str, width: int) -> None:
    page = new_page(width=width, color_scheme=scheme)
    for path in STRANGERS_PAGES:
        page.goto(live_server.url + path)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        assert_sound(page)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 320)])
def test_pages_of_the_own_account_are_sound(new_page: Any, live_server: Any, operator: Any, scheme: str, width: int) -> None:
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, operator, live_server.url)
    for path in ACCOUNT_PAGES:
        page.goto(live_server.url + path)
        assert_sound(page)


def test_a_wrong_password_is_said_and_the_right_one_lets_in(page: Any, live_server: Any, operator: Any) -> None:
    page.goto(live_server.url + "/accounts/login/?next=/accounts/2fa/")
    for password in ("wrong", PASSWORD):
        page.fill("[name=login]", operator.email)
        page.fill("[name=password]", password)
        page.click("main button[type=submit]")
        if password == "wrong":
            page.wait_for_selector("[data-form-errors]")
            assert page.evaluate("document.activeElement.hasAttribute('data-form-errors')")
    page.wait_for_url("**/accounts/2fa/")
    page.click(".app-user")
    page.click(".menu-panel button:has-text('Sign out')")
    page.wait_for_load_state()
    page.goto(live_server.url + "/accounts/2fa/")
    page.wait_for_url("**/accounts/login/?next=/accounts/2fa/")
    page.errors.assert_none(but="status of 4")
    page.errors.clear()


def test_the_chosen_theme_stays_and_menus_close_by_keyboard(page: Any, live_server: Any) -> None:
    page.goto(live_server.url + "/accounts/login/")
    page.click("summary[aria-label=Theme]")
    page.click("[data-theme-set=dark]")
    page.keyboard.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_narrow_screen_opens_the_sidebar_by_keyboard(new_page: Any, live_server: Any, operator: Any) -> None:
    page = new_page(width=360)
    open_as(page, operator, live_server.url)
    page.goto(live_server.url + "/accounts/2fa/")
    assert page.locator("#sidebar-menu").is_hidden()
    page.focus("[data-sidebar-toggle]")
    page.keyboard.press("Enter")
    expect(page.locator("#sidebar-menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-sidebar-toggle]")).to_have_attribute("aria-expanded", "false")


def test_without_javascript_the_page_follows_the_system_and_the_navigation_is_open(
    new_page: Any, live_server: Any, operator: Any, settings: Any
) -> None:
    settings.WORKSPACE_LANGUAGES = ["en", "de"]
    page = new_page(width=360, java_script_enabled=False, color_scheme="dark")
    open_as(page, operator, live_server.url)
    page.goto(live_server.url + "/accounts/2fa/")
    expect(page.locator("#sidebar-menu")).to_be_visible()
    assert page.locator("[data-sidebar-toggle]").is_hidden()
    page.click("summary[aria-label=Language]")
    page.click("button[lang=de]")
    expect(page.locator("html")).to_have_attribute("lang", "de")

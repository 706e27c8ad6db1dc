"""The public preference page: opened by a signed link, changed by a form, left by one click."""

import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from customers import operations, queries
from customers.models import Channel, Consent, Customer
from customers.rules.consent import How, Purpose
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role

from .test_journey import assert_sound, base, sign_in, somebody

__all__ = ["base"]

pytestmark = pytest.mark.django_db


def path_of(customer: Customer) -> str:
    return urlsplit(queries.preferences_url(customer)).path


def typed(**fields: Any) -> dict[str, Any]:
    """The form as it is sent, with every kind."""
    kinds = ["discounts", "points", "credit", "contests", "access"]
    return {"does": "save", "kinds": kinds, "research": "on", "per_week": "", "paused_until": "", "language": "", **fields}


def wishes(customer: Customer) -> Any:
    return queries.wishes_of(Customer.objects.get(pk=customer.pk))


@pytest.fixture
def mail() -> Channel:
    channel: Channel = ChannelFactory(mail=True, name="Newsletter", can_message=True)
    return channel


def test_opening_it_changes_nothing_and_says_so_to_nobody(client: Client, mail: Channel) -> None:
    customer = CustomerFactory()
    answer = client.get(path_of(customer))
    assert answer.status_code == 200
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("same-origin", "noindex")
    assert "private" in answer["Cache-Control"]
    assert "Newsletter" in answer.content.decode()
    assert not Consent.objects.exists()


def test_what_is_chosen_holds_and_is_confirmed(client: Client, mail: Channel) -> None:
    customer = CustomerFactory()
    until = timezone.now().date() + datetime.timedelta(days=9)
    data = typed(channels=["mail"], kinds=["points"], per_week="2", paused_until=until.isoformat())
    del data["research"]
    answer = client.post(path_of(customer), data, follow=True)
    assert "Your preferences are saved" in answer.content.decode()
    held = wishes(customer)
    assert held.may(channel="mail", asks_first=True, kinds=["points"]).allowed
    assert not held.may(channel="mail", kinds=["contests"]).allowed
    assert not held.may(channel="mail", purpose=Purpose.RESEARCH).allowed
    assert (held.per_week, held.paused_until) == (2, until)
    lines = Consent.objects.count()
    assert {row.how for row in Consent.objects.all()} == {How.PREFERENCE_PAGE}
    assert {row.wording for row in Consent.objects.all()} == {f"{operations.WORDING}-en"}
    client.post(path_of(customer), data)
    assert Consent.objects.count() == lines, "the same again says nothing new"


def test_leaving_everything_is_one_click_and_so_is_coming_back(client: Client, mail: Channel) -> None:
    customer = CustomerFactory()
    left = client.post(path_of(customer), {"does": "leave"}, follow=True).content.decode()
    assert "You have left everything" in left
    assert "stays yours" in left
    assert wishes(customer).has_opted_out
    back = client.post(path_of(customer), {"does": "return"}, follow=True).content.decode()
    assert "Welcome back" in back
    assert not wishes(customer).has_opted_out
    assert "Welcome back" not in client.get(path_of(customer)).content.decode()
    assert "You have left everything" not in client.get(path_of(customer) + "?done=left").content.decode()


def test_a_form_from_elsewhere_is_refused_and_changes_nothing(mail: Channel) -> None:
    customer = CustomerFactory()
    answer = Client(enforce_csrf_checks=True).post(path_of(customer), {"does": "leave"})
    assert answer.status_code == 403
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"paused_until": "2020-01-01"}, {"paused_until": "soon"}, {"kinds": ["sausages"]}, {"language": "xx"}, {"per_week": "99"}],
)
def test_what_cannot_be_is_refused_beside_its_field(client: Client, mail: Channel, wrong: dict[str, Any]) -> None:
    answer = client.post(path_of(CustomerFactory()), typed(**wrong))
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.context["form"].errors
    assert not Consent.objects.exists()


@pytest.mark.parametrize("address", ["/preferences/forged:token/", "/preferences/x/unsubscribe/"])
def test_a_forged_link_opens_nothing(client: Client, address: str) -> None:
    for answer in (client.get(address), client.post(address, {"does": "leave"})):
        assert answer.status_code == 404
        assert "does not open anybody" in answer.content.decode()


def test_the_wallets_link_is_not_the_preferences_link(client: Client) -> None:
    from campaigns.queries import wallet_url

    token = urlsplit(wallet_url(CustomerFactory())).path.strip("/").rpartition("/")[2]
    assert client.get(f"/preferences/{token}/").status_code == 404


class TestOneClick:
    def test_a_mail_program_unsubscribes_without_cookie_or_form(self, mail: Channel) -> None:
        customer = CustomerFactory()
        path = urlsplit(queries.unsubscribe_url(customer, mail)).path
        program = Client(enforce_csrf_checks=True)
        assert program.get(path).status_code == 200
        assert not Consent.objects.exists(), "scanners open every link"
        for _time in range(2):
            answer = program.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
            assert answer.status_code == 200
            assert "You are unsubscribed" in answer.content.decode()
        [row] = Consent.objects.all()
        assert (row.channel, row.is_given, row.how) == (mail, False, How.ONE_CLICK)
        assert not wishes(customer).may(channel="mail").allowed
        assert not wishes(customer).has_opted_out

    def test_a_link_without_a_channel_leaves_everything(self, client: Client) -> None:
        customer = CustomerFactory()
        assert client.post(f"{path_of(customer)}unsubscribe/").status_code == 200
        assert wishes(customer).has_opted_out
        assert {row.how for row in Consent.objects.all()} == {How.PREFERENCE_PAGE}


class TestLanguage:
    def spoken(self, client: Client, path: str, **headers: str) -> str:
        answer = client.get(path, headers=headers)
        language = answer.content.decode().partition('<html lang="')[2].partition('"')[0]
        assert answer["Content-Language"] == language
        return language

    def test_what_the_customer_chose_comes_first_then_the_link_then_the_browser(self, client: Client) -> None:
        customer = CustomerFactory()
        path = path_of(customer)
        assert self.spoken(client, path) == "en"
        assert self.spoken(client, path, **{"Accept-Language": "fr-CA, en;q=0.5"}) == "fr"
        assert self.spoken(client, f"{path}?lang=it", **{"Accept-Language": "fr"}) == "it"
        assert self.spoken(client, f"{path}?lang=xx", **{"Accept-Language": "fr"}) == "fr"
        operations.set_preferences(customer=customer, by="x", now=NOON, language="ms")
        assert self.spoken(client, f"{path}?lang=it", **{"Accept-Language": "fr"}) == "ms"

    def test_the_menu_offers_all_until_one_is_chosen(self, client: Client) -> None:
        customer = CustomerFactory()
        page = client.get(path_of(customer)).content.decode()
        assert [code for code, _name in settings.LANGUAGES if f'href="?lang={code}"' in page] == [
            "en",
            "it",
            "ms",
            "es",
            "de",
            "fr",
        ]
        answer = client.post(path_of(customer) + "?lang=de", typed(), follow=True)
        assert answer.redirect_chain[0][0].endswith("?done=saved&lang=de")
        client.post(path_of(customer), typed(language="es"))
        page = client.get(path_of(customer)).content.decode()
        assert "?lang=" not in page
        assert '<html lang="es"' in page

    def test_the_workspace_offers_no_language_for_which_it_has_no_words(self) -> None:
        user = User.objects.create_user("marketer@example.com")
        user.groups.add(Group.objects.get(name="marketer"))
        client = Client(headers={"Accept-Language": "de"})
        client.force_login(user)
        page = client.get("/customers/").content.decode()
        assert '<html lang="en"' in page
        assert 'aria-label="Language"' not in page


def test_staff_write_down_what_was_said_and_see_the_history(client: Client, mail: Channel) -> None:
    user = User.objects.create_user("store@example.com")
    user.groups.add(Group.objects.get(name="store"))
    client.force_login(user)
    customer = CustomerFactory()
    path = f"/customers/{customer.public_id}/consent/"
    assert client.post(path, {"about": "channel:mail", "said": "no"}).status_code == 422
    page = client.post(path, {"about": "channel:mail", "said": "no", "reason": "on the phone"}, follow=True).content.decode()
    assert "Refused:" in page
    assert "on the phone" in page
    [row] = Consent.objects.all()
    assert (row.how, row.actor, row.reason, row.channel) == (How.STAFF, f"user:{user.pk}", "on the phone", mail)
    client.post(path, {"about": "all", "said": "no", "reason": "letter"})
    page = client.get(f"/customers/{customer.public_id}/").content.decode()
    assert "Has opted out of all marketing" in page
    assert "letter" in client.get(path).content.decode()
    for about in ("kind:points", "research"):
        client.post(path, {"about": about, "said": "yes", "reason": "at the counter"})
    assert wishes(customer).has_opted_out


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [
        ("en", "light", 1280),
        ("it", "dark", 320),
        ("ms", "light", 320),
        ("es", "dark", 390),
        ("de", "light", 320),
        ("fr", "dark", 1280),
    ],
)
def test_it_is_used_by_keyboard_without_javascript_on_any_screen(
    new_page: Any, base: str, scheme: str, width: int, language: str
) -> None:
    ChannelFactory(mail=True, name="Newsletter", can_message=True)
    customer = CustomerFactory()
    page = new_page(width=width, color_scheme=scheme, locale=language)
    page.goto(queries.preferences_url(customer))
    assert_sound(page)
    page.goto(queries.unsubscribe_url(customer, Channel.objects.get()))
    assert_sound(page)
    plain = new_page(width=width, color_scheme=scheme, java_script_enabled=False)
    plain.goto(queries.preferences_url(customer))
    plain.focus("[name=channels][value=mail]")
    plain.keyboard.press("Space")
    plain.focus("button[value=save]")
    plain.keyboard.press("Enter")
    plain.wait_for_selector(".alert-success")
    assert wishes(customer).may(channel="mail", asks_first=True).allowed
    plain.focus("button[value=leave]")
    plain.keyboard.press("Enter")
    plain.wait_for_selector("button[value=return]")
    assert wishes(customer).has_opted_out
    page.goto(queries.preferences_url(customer))
    assert_sound(page)
    plain.click("button[value=return]")
    plain.wait_for_selector(".alert-success")
    page.goto(queries.preferences_url(customer) + "?done=back")
    assert_sound(page)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_staffs_pages_are_sound(new_page: Any, base: str, scheme: str, width: int) -> None:
    mail = ChannelFactory(mail=True, name="Newsletter", can_message=True)
    customer = CustomerFactory(display_name="Ann Example")
    for given in (True, False):
        operations.record_consent(
            customer=customer,
            choices=[operations.Choice(given, mail.key)],
            how=How.PREFERENCE_PAGE,
            by="customer",
            now=timezone.now(),
            wording="2026-11-en",
        )
    operations.export(customer=customer, by="user:1", now=timezone.now())
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, somebody(Role.OPERATOR), base)
    for name in ("", "consent/", "data/"):
        page.goto(f"{base}/customers/{customer.public_id}/{name}")
        assert_sound(page)
    with page.expect_download() as download:
        page.click("button[value=export]")
    assert download.value.suggested_filename.endswith(".json")
    page.fill("[name=name]", "Ann Example")
    page.click("button[value=erase]")
    page.wait_for_selector(".alert-success")
    assert_sound(page)
    assert not Customer.objects.filter(display_name="Ann Example").exists()

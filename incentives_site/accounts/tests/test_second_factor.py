"""A second factor that an operator requires, passkeys in a real browser, and the browsers in which a person is signed in."""

import re
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client

from incentives_site.accounts.models import RoleRequirement, User
from incentives_site.accounts.roles import Role
from incentives_site.tests.test_frame import assert_sound

from .test_sign_in import PASSWORD, sign_in

pytestmark = pytest.mark.django_db
WHY = "/accounts/second-factor/"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def require(role: Role) -> None:
    assert RoleRequirement.objects.filter(role=role).update(second_factor=True) == 1


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


class TestRequired:
    def test_every_page_is_closed_until_it_is_set_up_and_says_why(self, owner: User) -> None:
        client = signed_in(owner)
        assert client.get("/").status_code == 200
        require(Role.OPERATOR)
        for path in (
            "/",
            "/customers/",
            "/admin/",
            "/admin/customers/channel/",
            "/till/",
            "/accounts/email/",
            "/accounts/sessions/",
        ):
            response = client.get(path)
            assert (response.status_code, response["Location"]) == (302, WHY), path
        refused = client.post("/till/", {})
        assert refused.status_code == 403
        assert b"second-factor-required" in refused.content
        page = client.get(WHY).content.decode()
        assert "Operator" in page
        assert page.index("/accounts/2fa/webauthn/add/") < page.index("/accounts/2fa/totp/activate/")

    def test_it_opens_once_it_is_set_up_and_closes_when_it_is_taken_away(self, owner: User) -> None:
        require(Role.OPERATOR)
        client = signed_in(owner)
        factor = TOTP.activate(owner, generate_totp_secret()).instance
        assert client.get("/").status_code == 200
        assert client.get(WHY)["Location"] == "/accounts/2fa/"
        factor.delete()
        assert client.get("/")["Location"] == WHY

    def test_only_those_of_the_role_have_to(self, owner: User) -> None:
        require(Role.HR)
        assert signed_in(owner).get("/").status_code == 200
        hr = User.objects.create_user("hr@example.com")
        hr.groups.add(Group.objects.get(name=Role.HR))
        assert signed_in(hr).get("/surveys/")["Location"] == WHY

    def test_staff_of_the_back_office_count_as_operators(self) -> None:
        require(Role.OPERATOR)
        client = signed_in(User.objects.create_superuser("root@example.com"))
        assert client.get("/admin/")["Location"] == WHY
        assert b"Operator" in client.get(WHY).content

    def test_the_ways_to_set_it_up_and_to_leave_stay_open(self, owner: User) -> None:
        require(Role.OPERATOR)
        client = Client()
        sign_in(client=client)
        for path in ("/accounts/2fa/", "/accounts/reauthenticate/", "/problems/", "/healthz"):
            assert client.get(path).status_code == 200, path
        # Who finds a browser signed in does not add a passkey of their own: the password is asked for again.
        assert client.get("/accounts/2fa/webauthn/add/")["Location"].startswith("/accounts/reauthenticate/")
        assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
        for path in ("/accounts/2fa/webauthn/add/", "/accounts/2fa/totp/activate/"):
            assert client.get(path).status_code == 200, path
        assert client.post("/accounts/logout/")["Location"] == "/"

    def test_an_operator_requires_it_in_the_back_office(self, owner: User) -> None:
        admin = signed_in(User.objects.create_superuser("root@example.com"))
        rows = list(RoleRequirement.objects.order_by("role"))
        assert {row.role for row in rows} == set(Role.values)
        form: dict[str, Any] = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows), "_save": "Save"}
        form |= {f"form-{n}-id": row.pk for n, row in enumerate(rows)}
        marketer = next(n for n, row in enumerate(rows) if row.role == Role.MARKETER)
        assert admin.post("/admin/accounts/rolerequirement/", {**form, f"form-{marketer}-second_factor": "on"}).status_code == 302
        assert set(RoleRequirement.objects.filter(second_factor=True).values_list("role", flat=True)) == {Role.MARKETER}

    def test_asking_costs_no_query_of_its_own(self, owner: User, django_assert_num_queries: Any) -> None:
        client = signed_in(owner)
        with django_assert_num_queries(2):  # the session, and the person with what they owe
            client.get(WHY)


@pytest.mark.django_db(transaction=True)
class TestPasskeys:
    """Chromium with a virtual authenticator, on ``http://localhost`` and under the strict content policy."""

    @pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
    def test_it_is_created_first_and_signs_in_alone(
        self, new_page: Any, live_server: Any, owner: User, scheme: str, width: int
    ) -> None:
        require(Role.OPERATOR)
        page = new_page(width=width, color_scheme=scheme)
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        devices.send(
            "WebAuthn.addVirtualAuthenticator",
            {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
        )
        base = live_server.url.replace("127.0.0.1", "localhost")
        page.goto(f"{base}/accounts/login/")
        page.fill("[name=login]", owner.email)
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(f"**{WHY}")
        assert_sound(page)
        page.click("text=Create a passkey")
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/webauthn/add/")
        assert_sound(page)
        page.click("#mfa_webauthn_add")
        page.wait_for_url("**/recovery-codes/")
        for path in ("/accounts/2fa/", "/accounts/2fa/webauthn/", "/accounts/sessions/"):
            page.goto(base + path)
            assert_sound(page)
        page.context.clear_cookies()
        page.goto(f"{base}/accounts/login/")
        page.click("#passkey_login")
        page.wait_for_url(f"{base}/")
        # As a second step after the password it is offered first too.
        page.context.clear_cookies()
        page.goto(f"{base}/accounts/login/")
        page.fill("[name=login]", owner.email)
        page.fill("[name=password]", PASSWORD)
        page.click("main form:not(#mfa_login) button[type=submit]:not(#passkey_login)")
        page.wait_for_url("**/2fa/authenticate/")
        assert_sound(page)
        page.click("#mfa_webauthn_authenticate")
        page.wait_for_url(f"{base}/")
        assert RoleRequirement.objects.filter(second_factor=True).exists()


class TestSessions:
    def browsers(self, count: int) -> list[Client]:
        clients = [Client(headers={"User-Agent": f"Browser {n}"}) for n in range(count)]
        for client in clients:
            assert sign_in(client=client).status_code == 302
        return clients

    def open_in(self, clients: list[Client]) -> list[bool]:
        return [client.get("/accounts/2fa/").status_code == 200 for client in clients]

    def test_they_are_listed_and_ended_one_by_one_or_all_the_others(self, owner: User) -> None:
        mine, lost, older = clients = self.browsers(3)
        page = mine.get("/accounts/sessions/").content.decode()
        assert all(f"Browser {n}" in page for n in range(3))
        row = UserSession.objects.get(user_agent="Browser 1")
        assert mine.post(f"/accounts/sessions/{row.pk}/end/").status_code == 302
        assert self.open_in(clients) == [True, False, True]
        mine.post("/accounts/sessions/")
        assert self.open_in(clients) == [True, False, False]
        assert (lost, older) != (mine, mine)

    def test_nobody_ends_the_session_of_another(self, owner: User) -> None:
        clients = self.browsers(1)
        other = signed_in(User.objects.create_user("other@example.com"))
        row = UserSession.objects.get()
        assert other.post(f"/accounts/sessions/{row.pk}/end/").status_code == 404
        assert self.open_in(clients) == [True]

    def test_an_operator_ends_them_in_the_back_office(self, owner: User) -> None:
        clients = self.browsers(1)
        admin = signed_in(User.objects.create_superuser("root@example.com"))
        row = UserSession.objects.get()
        admin.post(f"/admin/usersessions/usersession/{row.pk}/delete/", {"post": "yes"})
        assert self.open_in(clients) == [False]

    def test_changing_the_password_ends_all_others(self, owner: User) -> None:
        mine, lost = clients = self.browsers(2)
        new = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}
        assert mine.post("/accounts/password/change/", new).status_code == 302
        assert self.open_in(clients) == [True, False]
        assert [message.to for message in mail.outbox] == [[owner.email]]  # the owner hears of it
        assert lost.get("/accounts/sessions/").status_code == 302

    def test_resetting_the_password_ends_all_and_lets_the_owner_in_while_strangers_guess(self, owner: User) -> None:
        clients = self.browsers(2)
        for n in range(65):
            sign_in("wrong", address=f"192.0.2.{n}")
        browser = Client()
        browser.post("/accounts/password/reset/", {"email": owner.email})
        link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))[1]  # type: ignore[index]
        form = browser.get(link)["Location"]
        new = {"password1": "another horse battery", "password2": "another horse battery"}
        assert browser.post(form, new).status_code == 302
        assert self.open_in(clients) == [False, False]
        for n in range(65):
            sign_in("wrong", address=f"192.0.2.{n}")
        assert sign_in("another horse battery", client=browser, address="192.0.2.222").status_code == 302

    def test_a_new_password_from_an_operator_ends_all(self, owner: User) -> None:
        clients = self.browsers(2)
        owner.set_password("by the operator 7")
        owner.save()
        assert self.open_in(clients) == [False, False]

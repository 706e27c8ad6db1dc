"""Signing in as strangers attack it: through the form, over HTTP, from many addresses and all at once."""

import datetime
import http.client
import re
import statistics
import threading
import time
import urllib.parse
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incentives_site.accounts import operations
from incentives_site.accounts.models import SignInTally, User
from incentives_site.accounts.operations import LIMITS

from .conftest import PASSWORD

LOGIN = "/accounts/login/"
STRANGER, HOME = "203.0.113.7", "198.51.100.9"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick_hashes(request: pytest.FixtureRequest, settings: Any) -> None:
    """What is counted does not depend on how long a password takes; what is measured does."""
    if "measured" not in request.keywords:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def sign_in(password: str = PASSWORD, *, login: str = "owner@example.com", address: str = STRANGER, client: Any = None) -> Any:
    client = client or Client(raise_request_exception=False)
    return client.post(LOGIN, {"login": login, "password": password}, REMOTE_ADDR=address)


def is_in(client: Client) -> bool:
    return client.get("/accounts/2fa/").status_code == 200


def used_before(address: str = HOME) -> Client:
    """A browser in which the owner has signed in before, and out again."""
    client = Client(raise_request_exception=False)
    assert sign_in(client=client, address=address).status_code == 302
    client.post("/accounts/logout/")
    assert not is_in(client)
    return client


class TestLocks:
    def test_after_ten_wrong_passwords_the_right_one_is_not_looked_at(self, owner: User) -> None:
        answers = [sign_in(f"wrong {n}").status_code for n in range(12)]
        assert answers == [200] * 10 + [429] * 2
        locked = sign_in()
        assert locked.status_code == 429
        assert 0 < int(locked["Retry-After"]) <= 900
        assert b"sign-in-paused" in locked.content

    def test_ten_wrong_passwords_of_a_stranger_lock_nobody_else_out(self, owner: User) -> None:
        known = used_before()
        for n in range(15):
            sign_in(f"wrong {n}")
        assert sign_in(address=HOME).status_code == 302  # elsewhere, in any browser
        assert sign_in(client=known, address=STRANGER).status_code == 302  # the same address, a browser used before
        other = User.objects.create_user("other@example.com", PASSWORD)
        assert sign_in(login=other.email).status_code == 302  # another person behind the same address

    def test_guesses_from_everywhere_stop_at_sixty_but_not_for_the_owners_browser(self, owner: User) -> None:
        known = used_before()
        answers = [sign_in(f"wrong {n}", address=f"192.0.2.{n}").status_code for n in range(65)]
        assert answers == [200] * 60 + [429] * 5
        assert sign_in(address="192.0.2.200").status_code == 429
        assert sign_in(client=known, address="192.0.2.201").status_code == 302

    def test_one_address_stops_at_sixty_whomever_it_tries(self, owner: User) -> None:
        answers = [sign_in("wrong", login=f"person{n}@example.com").status_code for n in range(65)]
        assert answers == [200] * 60 + [429] * 5
        assert sign_in().status_code == 429
        assert sign_in(address=HOME).status_code == 302

    def test_an_account_of_the_attackers_own_wins_no_further_guesses(self, owner: User) -> None:
        User.objects.create_user("attacker@example.com", PASSWORD)
        answers = []
        for n in range(70):
            answers.append(sign_in("wrong", login=f"person{n}@example.com").status_code)
            sign_in(login="attacker@example.com", client=Client())
        assert answers.count(200) == 60

    def test_a_browser_that_was_used_before_may_not_guess_for_ever(self, owner: User) -> None:
        known = used_before()
        answers = [sign_in(f"wrong {n}", client=known).status_code for n in range(12)]
        assert answers == [200] * 10 + [429] * 2
        assert sign_in(address=HOME).status_code == 302

    def test_a_browser_known_to_one_person_is_a_stranger_to_another(self, owner: User) -> None:
        known = used_before()
        User.objects.create_user("other@example.com", PASSWORD)
        for n in range(10):
            sign_in(f"wrong {n}", login="other@example.com")
        assert sign_in(login="other@example.com", client=known).status_code == 429

    def test_a_made_up_cookie_makes_no_browser_known(self, owner: User) -> None:
        client = Client(raise_request_exception=False)
        answers = []
        for n in range(12):
            client.cookies["device"] = f"{n:032d}"
            answers.append(sign_in(f"wrong {n}", client=client).status_code)
        assert answers == [200] * 10 + [429] * 2
        client.cookies["device"] = "x" * 32
        assert sign_in(client=client, address=HOME).status_code == 302
        assert client.cookies["device"].value != "x" * 32

    def test_spelling_the_account_otherwise_wins_nothing(self, owner: User) -> None:
        spelt = ["owner@example.com", "OWNER@example.com", " Owner@Example.com ", "owner@EXAMPLE.com"]
        answers = [sign_in("wrong", login=spelt[n % 4]).status_code for n in range(12)]
        assert answers == [200] * 10 + [429] * 2

    def test_it_ends_after_a_quarter_of_an_hour(self, owner: User) -> None:
        for n in range(10):
            sign_in(f"wrong {n}")
        assert sign_in().status_code == 429
        SignInTally.objects.update(until=timezone.now() - datetime.timedelta(seconds=1))
        assert sign_in("wrong").status_code == 200
        assert sign_in().status_code == 302

    def test_a_right_password_starts_counting_again(self, owner: User) -> None:
        for _round in range(3):
            for n in range(9):
                assert sign_in(f"wrong {n}").status_code == 200
            assert sign_in(client=Client()).status_code == 302

    def test_an_operator_lifts_a_lock_in_the_back_office(self, owner: User) -> None:
        for n in range(10):
            sign_in(f"wrong {n}")
        admin = Client()
        admin.force_login(User.objects.create_superuser("root@example.com"))
        assert b"owner@example.com" in admin.get("/admin/accounts/signintally/").content
        tally = SignInTally.objects.get(kind="pair")
        assert admin.post(f"/admin/accounts/signintally/{tally.pk}/delete/", {"post": "yes"}).status_code == 302
        assert sign_in().status_code == 302

    def test_what_was_typed_is_kept_nowhere(self, owner: User) -> None:
        sign_in("typed password", login="my-secret-in-the-wrong-field")
        for row in SignInTally.objects.values():
            assert "secret" not in str(row)

    def test_old_counts_and_their_addresses_are_deleted(self, owner: User) -> None:
        sign_in("wrong")
        assert operations.forget_old_tallies(now=timezone.now()) == 0
        assert operations.forget_old_tallies(now=timezone.now() + datetime.timedelta(minutes=16)) == 3


class TestAddresses:
    def test_a_forwarded_address_is_not_believed_without_the_setting(self, owner: User) -> None:
        client = Client(raise_request_exception=False)
        form = {"login": owner.email, "password": "wrong"}
        answers = [
            client.post(
                LOGIN, form, REMOTE_ADDR=STRANGER, headers={"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}"}
            )
            for n in range(12)
        ]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2

    @pytest.mark.parametrize(
        ("hops", "forwarded", "counted"),
        [
            (0, "192.0.2.1", "10.0.0.1"),
            (1, "192.0.2.1", "192.0.2.1"),
            (1, "6.6.6.6, 192.0.2.1", "192.0.2.1"),
            (2, "6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            (2, "192.0.2.1", "10.0.0.1"),  # went around a proxy
            (1, "", "10.0.0.1"),
            (1, "nonsense", "10.0.0.1"),
            (1, "192.0.2.1:4711", "192.0.2.1"),
            (1, "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
            (1, "2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
            (1, "::ffff:192.0.2.1", "192.0.2.1"),
        ],
    )
    def test_the_address_is_as_many_entries_from_the_right_as_there_are_proxies(
        self, owner: User, settings: Any, hops: int, forwarded: str, counted: str
    ) -> None:
        settings.TRUSTED_PROXY_HOPS = hops
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        Client().post(LOGIN, {"login": "x@example.com", "password": "x"}, REMOTE_ADDR="10.0.0.1", headers=headers)
        assert set(SignInTally.objects.exclude(address="").values_list("address", flat=True)) == {counted}

    def test_behind_a_proxy_a_stranger_locks_only_the_own_address(self, owner: User, settings: Any) -> None:
        settings.TRUSTED_PROXY_HOPS = 1

        def through(address: str, password: str) -> int:
            client = Client(raise_request_exception=False)
            form = {"login": owner.email, "password": password}
            made_up = f"9.9.9.9, {address}"
            return int(client.post(LOGIN, form, REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": made_up}).status_code)

        assert [through(STRANGER, f"wrong {n}") for n in range(11)] == [200] * 10 + [429]
        assert through(HOME, PASSWORD) == 302

    def test_the_log_and_the_list_of_sessions_go_by_the_same_address(self, owner: User, capfd: Any) -> None:
        client = Client()
        form = {"login": owner.email, "password": PASSWORD}
        client.post(LOGIN, form, REMOTE_ADDR=HOME, headers={"X-Forwarded-For": "192.0.2.99"})
        page = client.get("/accounts/sessions/").content.decode()
        assert HOME in page
        assert "192.0.2.99" not in page + capfd.readouterr().err


class TestUnknownAccounts:
    def test_they_are_counted_and_answered_alike(self, owner: User) -> None:
        def answers(login: str, address: str) -> list[tuple[int, str]]:
            found = []
            for n in range(12):
                response = sign_in(f"wrong {n}", login=login, address=address)
                main = response.content.decode().partition("<main")[2]
                text = re.sub(r"<code>[^<]*</code>|<[^>]*>|[a-z]+@example.com", "", main)
                found.append((response.status_code, text))
            return found

        assert answers("owner@example.com", STRANGER) == answers("ghost@example.com", HOME)

    @pytest.mark.measured
    def test_they_take_as_long(self, owner: User) -> None:
        """Medians of interleaved tries; without a hash for unknown accounts the ratio is far below a half."""

        def seconds(login: str, n: int) -> float:
            began = time.perf_counter()
            assert sign_in("wrong", login=login, address=f"192.0.2.{n}").status_code == 200
            return time.perf_counter() - began

        seconds("owner@example.com", 200), seconds("ghost@example.com", 201)
        pairs = [(seconds("owner@example.com", n), seconds("ghost@example.com", 100 + n)) for n in range(9)]
        known, unknown = (statistics.median(column) for column in zip(*pairs, strict=True))
        assert 0.7 < unknown / known < 1.4, (known, unknown)

    def test_a_locked_account_is_not_told_by_its_time_either(self, owner: User) -> None:
        for login, address in (("owner@example.com", STRANGER), ("ghost@example.com", HOME)):
            for n in range(10):
                sign_in(f"wrong {n}", login=login, address=address)
        assert (
            sign_in(login="owner@example.com").status_code == sign_in(login="ghost@example.com", address=HOME).status_code == 429
        )


class TestNotice:
    @pytest.fixture(autouse=True)
    def at_once(self, settings: Any, django_capture_on_commit_callbacks: Any) -> None:
        settings.CELERY_TASK_ALWAYS_EAGER = True
        from celery import current_app

        current_app.conf.task_always_eager = True
        self.captured = django_capture_on_commit_callbacks

    def attack(self, *passwords: str, **who: str) -> None:
        with self.captured(execute=True):
            for password in passwords:
                sign_in(password, **who)

    def test_the_owner_hears_of_a_lock_once(self, owner: User) -> None:
        self.attack(*(f"wrong {n}" for n in range(9)))
        assert mail.outbox == []
        self.attack(*(f"wrong {n}" for n in range(10)))
        assert [message.to for message in mail.outbox] == [[owner.email]]
        text = str(mail.outbox[0].body)
        assert STRANGER in text
        assert reverse("account_reset_password") in text
        self.attack(*(f"wrong {n}" for n in range(10)))
        assert len(mail.outbox) == 1
        SignInTally.objects.update(until=timezone.now() - datetime.timedelta(seconds=1))
        self.attack(*(f"wrong {n}" for n in range(10)))
        assert len(mail.outbox) == 2

    def test_guesses_from_many_addresses_do_not_fill_a_mailbox(self, owner: User) -> None:
        for n in range(6):
            self.attack(*(["wrong"] * 10), address=f"192.0.2.{n}")
        assert len(mail.outbox) == 1

    def test_nobody_hears_of_an_account_that_is_none(self, owner: User) -> None:
        self.attack(*(["wrong"] * 12), login="ghost@example.com")
        assert mail.outbox == []


def of_totp(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


class TestSecondStep:
    def test_codes_are_counted_too(self, owner: User) -> None:
        of_totp(owner)
        answers = []
        for n in range(12):
            client = Client(raise_request_exception=False)
            assert sign_in(client=client, address=f"192.0.2.{n}")["Location"] == "/accounts/2fa/authenticate/"
            answers.append(client.post("/accounts/2fa/authenticate/", {"code": f"{n:06d}"}).status_code)
        assert answers == [200] * 10 + [429] * 2

    def test_a_browser_used_before_is_not_kept_out_by_those_who_know_the_password(self, owner: User) -> None:
        known = used_before()
        Authenticator.objects.create(
            user=owner, type="recovery_codes", data={"migrated_codes": [get_adapter().encrypt("12345678")], "used_mask": 0}
        )
        of_totp(owner)
        stranger = Client(raise_request_exception=False)
        sign_in(client=stranger)
        for n in range(12):
            stranger.post("/accounts/2fa/authenticate/", {"code": f"{n:06d}"})
        sign_in(client=known)
        assert known.post("/accounts/2fa/authenticate/", {"code": "12345678"}).status_code == 302
        assert is_in(known)

    def test_a_signed_in_browser_may_not_guess_the_password(self, owner: User) -> None:
        client = Client(raise_request_exception=False)
        sign_in(client=client)
        new = {"password1": "another horse battery", "password2": "another horse battery"}
        wrong = [client.post("/accounts/password/change/", {"oldpassword": str(n), **new}).status_code for n in range(8)]
        again = [client.post("/accounts/reauthenticate/", {"password": str(n)}).status_code for n in range(8)]
        assert (wrong + again).count(200) <= 10
        assert 429 in wrong + again


class TestBackOffice:
    """There is one sign-in. The back office had a second, without second factor and without lock."""

    def test_its_sign_in_is_the_one_sign_in(self, owner: User) -> None:
        client = Client()
        for method in (client.get, client.post):
            response = method("/admin/login/?next=/admin/customers/channel/", {"username": owner.email, "password": PASSWORD})
            assert response.status_code == 302
            assert response["Location"].startswith("/accounts/login/?next=/admin/")
        assert not is_in(client)

    def test_it_cannot_be_used_to_get_around_the_second_factor(self, owner: User) -> None:
        of_totp(owner)
        client = Client()
        client.post("/admin/login/", {"username": owner.email, "password": PASSWORD, "next": "/admin/"}, follow=True)
        assert client.get("/admin/").status_code == 302
        assert sign_in(client=client)["Location"] == "/accounts/2fa/authenticate/"
        assert client.get("/admin/").status_code == 302

    def test_no_page_of_it_asks_for_the_own_password(self, owner: User) -> None:
        client = Client()
        client.force_login(owner)
        for path in ("/admin/login/", "/admin/password_change/", "/admin/password_change/done/"):
            for method in (client.get, client.post):
                response = method(path, {"username": owner.email, "password": PASSWORD, "old_password": PASSWORD})
                assert response.status_code == 302, path
                assert b"password" not in response.content

    def test_it_sends_nobody_to_another_site(self, owner: User) -> None:
        for wanted in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
            assert "evil" not in Client().get("/admin/login/", {"next": wanted})["Location"]

    def test_who_is_no_staff_is_told(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("marketer@example.com"))
        assert client.get("/admin/", follow=True).status_code == 403

    def test_signing_out_of_it_signs_out(self, owner: User) -> None:
        client = Client()
        client.force_login(owner)
        assert client.post("/admin/logout/").status_code == 302
        assert not is_in(client)


@pytest.mark.django_db(transaction=True)
class TestAllAtOnce:
    """Real connections to a real server."""

    def tries(self, live_server: Any, count: int, password: str) -> list[int]:
        url = urllib.parse.urlsplit(live_server.url)
        page = Client().get(LOGIN)
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.content)[1].decode()  # type: ignore[index]
        cookie = f"csrftoken={page.cookies['csrftoken'].value}"
        gate, answers, lock = threading.Barrier(count), [], threading.Lock()

        def one(n: int) -> None:
            connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=120)
            body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, "login": "owner@example.com", "password": password})
            with lock:
                connection.connect()
            gate.wait()
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": cookie,
                "X-Forwarded-For": f"192.0.2.{n}" if self.spread else STRANGER,
            }
            connection.request("POST", LOGIN, body, headers)
            response = connection.getresponse()
            response.read()
            connection.close()
            with lock:
                answers.append(response.status)

        threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    @pytest.mark.parametrize("spread", [False, True], ids=["one address", "sixty addresses"])
    def test_sixty_at_once_are_let_in_no_further_than_one_after_the_other(
        self, live_server: Any, owner: User, settings: Any, spread: bool
    ) -> None:
        settings.TRUSTED_PROXY_HOPS = 1
        self.spread = spread
        room = LIMITS["account"] if spread else LIMITS["pair"]
        if spread:  # half of it is used up, so that the sixty meet the limit while they run
            for n in range(30):
                client = Client(raise_request_exception=False)
                client.post(LOGIN, {"login": owner.email, "password": "wrong"}, headers={"X-Forwarded-For": f"198.18.0.{n}"})
            room -= 30
        answers = self.tries(live_server, 60, "wrong")
        assert (answers.count(200), answers.count(429)) == (room, 60 - room)
        assert self.tries(live_server, 5, PASSWORD) == [429] * 5

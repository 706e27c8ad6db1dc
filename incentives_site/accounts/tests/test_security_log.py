"""Every sign-in, lock and change of an account has a line in the log, and its owner hears of what operators change."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    generate_totp_secret,
)
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.shared.security_log import LOGGER

from .conftest import PASSWORD
from .test_sign_in import HOME, STRANGER, code_of, of_totp, sign_in, used_before

pytestmark = pytest.mark.django_db
NEW = "another horse battery"
NOISE = {"timestamp", "logger", "level", "request_id", "ip", "user_id"}
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """The lines of the security log since the last call, without what every line has; nothing that was typed is in them."""
    caplog.set_level(logging.INFO, LOGGER)

    def taken() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [record.msg for record in caplog.records if record.name == LOGGER]  # type: ignore[misc]
        caplog.clear()
        assert not re.search(f"{PASSWORD}|{NEW}|wrong|@example.com", str(found))
        return [{name: value for name, value in line.items() if name not in NOISE} for line in found]

    return taken


@pytest.fixture
def admin(lines: Lines) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    lines()
    return client


@pytest.fixture
def sent(django_capture_on_commit_callbacks: Any) -> Any:
    """Runs what a block has asked the worker to do."""
    from celery import current_app

    current_app.conf.task_always_eager = True
    return lambda: django_capture_on_commit_callbacks(execute=True)


class TestSignIn:
    def test_each_wrong_password_has_a_line(self, owner: User, lines: Lines) -> None:
        sign_in("wrong")
        sign_in("wrong", login="ghost@example.com", address=HOME)
        assert lines() == [
            {"event": "sign_in_failed", "method": "password", "account": owner.pk, "address": STRANGER},
            {"event": "sign_in_failed", "method": "password", "account": None, "address": HOME},
        ]

    def test_so_has_a_lock_and_each_try_that_is_not_let_in(self, owner: User, lines: Lines) -> None:
        for _n in range(11):
            sign_in("wrong")
        found = lines()
        assert [line["event"] for line in found] == ["sign_in_failed"] * 10 + ["sign_in_locked", "sign_in_refused"]
        assert found[-2]["counted_by"] == "pair"
        assert {line["account"] for line in found} == {owner.pk}

    def test_signing_in_says_how_and_signing_out_that(self, owner: User, lines: Lines) -> None:
        client = Client()
        sign_in(client=client)
        client.post("/accounts/logout/")
        secret = of_totp(owner)
        sign_in(client=client)
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
        client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
        assert [(line["event"], line.get("methods") or line.get("method")) for line in lines()] == [
            ("signed_in", ["password"]),
            ("signed_out", None),
            ("sign_in_failed", "second-factor"),
            ("signed_in", ["password", "totp"]),
        ]

    def test_a_refused_passkey(self, owner: User, lines: Lines) -> None:
        Client().get(
            "/accounts/2fa/webauthn/login/", headers={"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
        )
        credential = '{"id": "eA", "rawId": "eA", "type": "public-key", "response": {}}'
        Client(raise_request_exception=False).post("/accounts/2fa/webauthn/login/", {"credential": credential}, REMOTE_ADDR=HOME)
        assert lines() == [{"event": "sign_in_failed", "method": "passkey", "account": None, "address": HOME}]


class TestOwnChanges:
    def test_a_password_and_its_reset(self, owner: User, lines: Lines) -> None:
        client = used_before()
        sign_in(client=client)
        lines()
        client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
        assert {"event": "password_changed", "account": owner.pk, "by": owner.pk} in lines()
        browser = Client()
        browser.post("/accounts/password/reset/", {"email": owner.email})
        link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))[1]  # type: ignore[index]
        browser.post(browser.get(link)["Location"], {"password1": f"{NEW} 2", "password2": f"{NEW} 2"})
        assert {"event": "password_changed", "account": owner.pk, "by": owner.pk} in lines()

    @pytest.mark.django_db(transaction=True)
    def test_second_factors_that_come_and_go(self, owner: User, lines: Lines) -> None:
        client = Client()
        sign_in(client=client)
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        client.get("/accounts/2fa/totp/activate/")
        secret = client.session["mfa.totp.secret"]
        client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
        client.post("/accounts/2fa/recovery-codes/generate/")
        client.post("/accounts/2fa/totp/deactivate/")
        found = [(line["event"], line["kind"], line["by"]) for line in lines() if line["event"].startswith("second_factor")]
        assert ("second_factor_added", "totp", owner.pk) in found
        assert ("second_factor_renewed", "recovery_codes", owner.pk) in found
        assert ("second_factor_removed", "totp", owner.pk) in found


class TestOperators:
    def form(self, owner: User, **changes: Any) -> dict[str, Any]:
        groups = [group.pk for group in owner.groups.all()]
        fields = {"email": owner.email, "store_keys": ",".join(owner.store_keys), "groups": groups, "is_active": "on"}
        fields |= {"is_staff": "on"} if owner.is_staff else {}
        return {name: value for name, value in {**fields, **changes}.items() if value is not None}

    def save(self, admin: Client, owner: User, **changes: Any) -> None:
        answer = admin.post(f"/admin/accounts/user/{owner.pk}/change/", self.form(owner, **changes))
        assert answer.status_code == 302, answer.content

    def test_roles_are_logged_and_told(self, owner: User, admin: Client, lines: Lines, sent: Any) -> None:
        hr = Group.objects.get(name=Role.HR)
        with sent():
            self.save(admin, owner, groups=[hr.pk], is_staff=None)
        root = User.objects.get(email="root@example.com")
        assert lines() == [
            {
                "event": "roles_changed", "account": owner.pk, "by": root.pk,
                "added": ["hr"], "removed": ["operator", "staff"],
            }
        ]  # fmt: skip
        [message] = mail.outbox
        assert message.to == [owner.email]
        assert "The roles were changed." in str(message.body)
        assert "root@example.com" in str(message.body)

    def test_a_new_address_is_told_to_the_old_one_too(self, owner: User, admin: Client, lines: Lines, sent: Any) -> None:
        with sent():
            self.save(admin, owner, email="new@example.com", is_active=None, store_keys="s1")
        assert [line["event"] for line in lines()] == ["stores_changed", "account_deactivated", "address_changed"]
        assert [message.to for message in mail.outbox] == [["new@example.com"], ["owner@example.com"]]
        for sentence in ("The stores were changed.", "The account was deactivated.", "The e-mail address was changed."):
            assert sentence in str(mail.outbox[0].body)

    def test_what_changes_nothing_is_neither_logged_nor_told(self, owner: User, admin: Client, lines: Lines, sent: Any) -> None:
        with sent():
            self.save(admin, owner, first_name="Ada")
        assert lines() == []
        assert mail.outbox == []

    def test_a_password(self, owner: User, admin: Client, lines: Lines, sent: Any) -> None:
        path = f"/admin/accounts/user/{owner.pk}/password/"
        with sent():
            admin.post(path, {"usable_password": "true", "password1": "short", "password2": "short"})
            assert lines() == []
            answer = admin.post(path, {"usable_password": "true", "password1": NEW, "password2": NEW})
        assert answer.status_code == 302
        assert [line["event"] for line in lines()] == ["password_changed"]
        [message] = mail.outbox
        assert "The password was changed." in str(message.body)
        assert NEW not in str(message.body)

    @pytest.mark.parametrize("is_bulk", [False, True])
    def test_a_second_factor(self, owner: User, admin: Client, lines: Lines, sent: Any, is_bulk: bool) -> None:
        TOTP.activate(owner, generate_totp_secret())
        factor = Authenticator.objects.get()
        with sent():
            if is_bulk:
                chosen = {"action": "delete_selected", "_selected_action": [factor.pk], "post": "yes"}
                admin.post("/admin/mfa/authenticator/", chosen)
            else:
                admin.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"})
        assert not Authenticator.objects.exists()
        assert [(line["event"], line["kind"]) for line in lines()] == [("second_factor_removed", "totp")]
        assert "A second factor was removed." in str(mail.outbox[0].body)

    def test_accounts_that_are_made_and_deleted(self, admin: Client, lines: Lines) -> None:
        form = {"email": "new@example.com", "usable_password": "true", "password1": NEW, "password2": NEW}
        assert admin.post("/admin/accounts/user/add/", form).status_code == 302
        made = User.objects.get(email="new@example.com")
        assert [line["event"] for line in lines()] == ["account_created"]
        assert admin.post(f"/admin/accounts/user/{made.pk}/delete/", {"post": "yes"}).status_code == 302
        assert [(line["event"], line["account"]) for line in lines()] == [("account_deleted", made.pk)]


def test_the_lines_are_written_where_only_warnings_are_wanted() -> None:
    assert logging.getLogger(LOGGER).isEnabledFor(logging.INFO)
    assert logging.getLogger(LOGGER).level == logging.INFO

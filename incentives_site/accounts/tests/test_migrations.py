"""Migrations of data, with rows as they were before."""

import datetime
import time
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from .conftest import PASSWORD

BEFORE, AFTER = "0008_without_axes", "0009_sealed_sessions_and_second_factors"


class TestSealingSecondFactors:
    @pytest.fixture
    def person(self, migrate_to: Any) -> int:
        """The id of an account from before the migration."""
        old = migrate_to("accounts", BEFORE)
        # As the column was then: a hash of today is longer.
        hashed = make_password(PASSWORD, hasher="pbkdf2_sha256")
        return int(old.get_model("accounts", "User").objects.create(email="owner@example.com", password=hashed).pk)

    def test_secrets_in_clear_are_sealed_and_still_sign_in(self, person: int, migrate_to: Any) -> None:
        secret = generate_totp_secret()
        key = {"name": "Key", "credential": {"id": "x"}}
        for kind, data in (
            ("totp", {"secret": secret}),
            ("recovery_codes", {"seed": "a1b2c3d4e5", "used_mask": 0}),
            ("webauthn", key),
        ):
            Authenticator.objects.create(user_id=person, type=kind, data=data)
        migrate_to("accounts", AFTER)
        stored = dict(Authenticator.objects.values_list("type", "data"))
        assert stored["webauthn"] == key
        assert secret not in str(stored)
        assert "a1b2c3d4e5" not in str(stored)
        adapter = get_adapter()
        assert adapter.decrypt(stored["totp"]["secret"]) == secret
        assert adapter.decrypt(stored["recovery_codes"]["seed"]) == "a1b2c3d4e5"
        assert stored["recovery_codes"]["used_mask"] == 0
        migrate_to("accounts")
        client = Client()
        signed = client.post("/accounts/login/", {"login": "owner@example.com", "password": PASSWORD})
        assert signed["Location"] == "/accounts/2fa/authenticate/"
        code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
        assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
        assert client.get("/accounts/2fa/").status_code == 200

    def test_codes_of_an_older_kind_are_sealed_one_by_one_and_what_is_sealed_stays(self, person: int, migrate_to: Any) -> None:
        sealed = get_adapter().encrypt("87654321")
        Authenticator.objects.create(
            user_id=person, type="recovery_codes", data={"migrated_codes": ["12345678", sealed], "used_mask": 1}
        )
        migrate_to("accounts", AFTER)
        data = Authenticator.objects.get().data
        assert data["migrated_codes"][1] == sealed
        assert [get_adapter().decrypt(code) for code in data["migrated_codes"]] == ["12345678", "87654321"]
        assert data["used_mask"] == 1

    def test_sessions_in_clear_end(self, person: int, migrate_to: Any) -> None:
        Session.objects.create(
            session_key="k" * 32, session_data="e30:x", expire_date=timezone.now() + datetime.timedelta(days=1)
        )
        migrate_to("accounts", AFTER)
        assert not Session.objects.exists()

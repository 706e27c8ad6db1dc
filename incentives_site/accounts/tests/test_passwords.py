"""Passwords: how long, how they are hashed, and that older hashes are replaced and tell nothing by their time."""

import hashlib
from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.test import Client

from incentives_site.accounts.models import User

from .conftest import PASSWORD
from .test_sign_in import sign_in

pytestmark = pytest.mark.django_db

LONG = "correct horse battery staple " * 5


@pytest.fixture(autouse=True)
def _quick_hashes(request: pytest.FixtureRequest, settings: Any) -> None:
    if "measured" not in request.keywords:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


class TestLength:
    @pytest.mark.parametrize(
        ("password", "sentence"),
        [
            ("horse battr", "at least 12 characters"),
            (LONG[:129], "at most 128 characters"),
            ("owner@example.com", "too similar"),
            ("123456123456", "entirely numeric"),
            ("qwerty123456", "too common"),
        ],
    )
    def test_what_is_refused_says_why(self, owner: User, password: str, sentence: str) -> None:
        client = Client()
        client.force_login(owner)
        form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
        page = client.post("/accounts/password/change/", form)
        assert page.status_code == 200
        assert sentence in page.content.decode()
        assert User.objects.get().check_password(PASSWORD)

    @pytest.mark.parametrize("password", ["horse batter", LONG[:128], LONG[:64], "пароль с пробелом ✓", " leading and trailing "])
    def test_twelve_to_128_characters_of_any_kind_sign_in_afterwards(self, owner: User, password: str) -> None:
        client = Client()
        client.force_login(owner)
        form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
        assert client.post("/accounts/password/change/", form).status_code == 302
        assert sign_in(password).status_code == 302

    def test_an_operator_sets_no_shorter_one_either(self, owner: User) -> None:
        admin = Client()
        admin.force_login(User.objects.create_superuser("root@example.com"))
        form = {"usable_password": "true", "password1": "horse battr", "password2": "horse battr"}
        page = admin.post(f"/admin/accounts/user/{owner.pk}/password/", form)
        assert "at least 12 characters" in page.content.decode()


@pytest.mark.measured
class TestHashing:
    def test_it_costs_what_owasp_recommends(self, owner: User) -> None:
        assert owner.password.startswith("scrypt$131072$")
        assert owner.password.split("$")[3:5] == ["8", "1"]

    def test_an_older_hash_is_replaced_at_the_next_sign_in(self, owner: User) -> None:
        User.objects.update(password=ScryptPasswordHasher().encode(PASSWORD, "s" * 22))
        assert sign_in("wrong").status_code == 200
        assert User.objects.get().password.startswith("scrypt$16384$")
        client = Client()
        assert sign_in(client=client).status_code == 302
        assert User.objects.get().password.startswith("scrypt$131072$")
        assert client.get("/accounts/2fa/").status_code == 200
        assert sign_in().status_code == 302

    def test_an_account_with_an_older_hash_costs_as_much_as_one_that_does_not_exist(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Counted in work, not in time: N × r × p of each scrypt."""
        User.objects.update(password=ScryptPasswordHasher().encode(PASSWORD, "s" * 22))
        scrypt, spent = hashlib.scrypt, [0]

        def counted(password: bytes, *, n: int, r: int, p: int, **options: Any) -> bytes:
            spent[-1] += n * r * p
            return scrypt(password, n=n, r=r, p=p, **options)

        monkeypatch.setattr(hashlib, "scrypt", counted)
        for login in ("owner@example.com", "ghost@example.com"):
            spent.append(0)
            assert sign_in("wrong", login=login).status_code == 200
        _before, known, unknown = spent
        assert known == unknown > 0

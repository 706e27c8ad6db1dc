"""Sign-ins and keys of the demonstration, and the file that tells them."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.demo import people
from incentives_site.integrations.models import ApiKey

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    """The real ones are slow on purpose, and not what is tested here."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def told(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return content


def test_one_person_of_each_role_can_sign_in_with_what_the_file_says(tmp_path: Path) -> None:
    assert people.ensure(tmp_path, URL)
    users = told(tmp_path)["users"]
    assert [user["role"] for user in users] == Role.values
    for given in users:
        user = User.objects.get(email=given["email"])
        assert user.check_password(given["password"])
        assert user.roles == {Role(given["role"])}
        assert user.is_superuser == user.is_staff == (given["role"] == "operator")
    assert User.objects.get(email="store@demo.example").store_keys == ["high-street"]


def test_the_keys_of_the_file_are_valid_and_say_what_they_may(tmp_path: Path) -> None:
    people.ensure(tmp_path, URL)
    for given in told(tmp_path)["api_keys"]:
        key = ApiKey.objects.get_from_key(given["key"])
        assert key.partner.key == given["partner"]
        assert key.channel_keys[0] == given["channel"]
        assert key.scopes == given["scopes"]


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    people.ensure(tmp_path, URL)
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]


def test_a_second_run_keeps_everything_but_a_changed_address(tmp_path: Path) -> None:
    people.ensure(tmp_path, URL)
    before = told(tmp_path)
    assert not people.ensure(tmp_path, "http://127.0.0.1:9000")
    assert told(tmp_path) == {**before, "base_url": "http://127.0.0.1:9000"}


@pytest.mark.parametrize("content", [None, "", "[]", '{"users": 3}', '{"users": [], "api_keys": [], "base_url": ""}'])
def test_without_a_usable_file_new_secrets_are_made_and_old_keys_revoked(tmp_path: Path, content: str | None) -> None:
    people.ensure(tmp_path, URL)
    before = told(tmp_path)
    path = tmp_path / "demo.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert people.ensure(tmp_path, URL)
    after = told(tmp_path)
    assert User.objects.count() == len(Role)
    assert not User.objects.get(email="hr@demo.example").check_password(before["users"][3]["password"])
    assert not ApiKey.objects.is_valid(before["api_keys"][0]["key"])
    assert ApiKey.objects.is_valid(after["api_keys"][0]["key"])


def test_a_file_of_another_database_is_not_believed(tmp_path: Path) -> None:
    people.ensure(tmp_path, URL)
    ApiKey.objects.all().delete()
    assert people.ensure(tmp_path, URL)

"""Cookies as a browser gets them where the site has an https address, and where it has none."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from incentives_site.accounts.models import User

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

# Settings are read once in a process, so another one signs in.
SIGN_IN = """
import django, json, sys
django.setup()
from django.test import Client
client = Client(SERVER_NAME="incentives.example.com")
secure = sys.argv[1] == "https"
client.get("/accounts/login/", secure=secure)
client.post("/i18n/setlang/", {"language": "en"}, secure=secure)
answer = client.post("/accounts/login/", {"login": "owner@example.com", "password": sys.argv[2]}, secure=secure)
kept = {name: dict(cookie) for name, cookie in client.cookies.items()}
opened = client.get("/accounts/2fa/", secure=secure).status_code
print(json.dumps({"status": answer.status_code, "opened": opened, "cookies": kept}))
"""


def signed_in(scheme: str) -> Any:
    said = connection.settings_dict
    place = f"{said['NAME']}?host={said['HOST']}&port={said['PORT']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "incentives_site.settings",
        "DATABASE_URL": f"postgresql://{said['USER']}:{said['PASSWORD'] or ''}@/{place}",
        "DEMO": "1",
        "BASE_URL": f"{scheme}://incentives.example.com",
        "ALLOWED_HOSTS": "incentives.example.com",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", SIGN_IN, scheme, PASSWORD]
    run = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout.splitlines()[-1])
    assert (answer["status"], answer["opened"]) == (302, 200)
    answer["cookies"].pop("messages")  # a sentence for the next page, signed; it lets no one in
    return answer["cookies"]


def test_with_https_no_other_host_of_the_domain_can_plant_one(owner: User) -> None:
    cookies = signed_in("https")
    assert set(cookies) == {"__Host-sessionid", "__Host-csrftoken", "__Host-language", "__Secure-device"}
    for name, cookie in cookies.items():
        assert cookie["secure"], name
        assert cookie["domain"] == "", name
        assert cookie["samesite"] == "Lax", name
        assert cookie["path"] == ("/" if name.startswith("__Host-") else "/accounts/"), name
    assert cookies["__Host-sessionid"]["httponly"]
    assert cookies["__Secure-device"]["httponly"]


def test_without_https_they_have_plain_names(owner: User) -> None:
    cookies = signed_in("http")
    assert set(cookies) == {"sessionid", "csrftoken", "language", "device"}
    assert not any(cookie["secure"] for cookie in cookies.values())

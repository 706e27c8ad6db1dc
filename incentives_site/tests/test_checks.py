"""What ``manage.py check --deploy`` says of a configuration that strangers could use, and that it is quiet about a sound one."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from honcho.environ import parse_procfile

from incentives_site import checks
from incentives_site.services.locations import PROJECT


@pytest.fixture
def sound(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.DEMO, settings.HTTPS = False, True
    for name in checks.KEYS:
        setattr(settings, name, secrets.token_urlsafe(50))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.ALLOWED_HOSTS = ["incentives.example.com"]
    settings.BEHIND_PROXY, settings.TRUSTED_PROXY_HOPS = True, 1
    monkeypatch.setattr(checks, "UNITS", tmp_path)
    return settings


def found() -> set[str]:
    return {message.id for message in run_checks(include_deployment_checks=True) if str(message.id).startswith("incentives.")}


def test_a_sound_configuration_is_passed_over(sound: Any) -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "incentives.W004"),
        ("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend", "incentives.W004"),
        ("ALLOWED_HOSTS", ["*"], "incentives.W005"),
        ("ALLOWED_HOSTS", ["incentives.example.com", "*"], "incentives.W005"),
        ("TRUSTED_PROXY_HOPS", 0, "incentives.W006"),
        ("SECRET_KEY", "insecure-demo-" + "a1b2c3d4" * 8, "incentives.E002"),
        ("SECRET_KEY", "django-insecure-" + "qwertzuiopasdfghjklyxcvbnm123456", "incentives.E002"),
        ("CODES_KEY", "change-me-change-me-change-me-change-me-123", "incentives.E002"),
        ("CODES_KEY", "kurz9!", "incentives.E002"),
        ("MEETINGS_KEY", "ab" * 40, "incentives.E002"),
        ("SEALING_KEY", "change-me-change-me-change-me-change-me-123", "incentives.E002"),
        ("SEALING_KEY", "kurz9!", "incentives.E002"),
        ("SEALING_KEY", "", "incentives.W009"),
    ],
)
def test_each_fault_is_reported(sound: Any, name: str, value: Any, id: str) -> None:
    setattr(sound, name, value)
    assert found() == {id}


@pytest.mark.parametrize("other", ["SECRET_KEY", "CODES_KEY", "MEETINGS_KEY"])
def test_seals_have_a_key_of_their_own(sound: Any, other: str) -> None:
    sound.SEALING_KEY = getattr(sound, other)
    assert found() == {"incentives.W009"}


def test_the_command_says_so_and_how_to_set_it() -> None:
    """As an operator runs it, without ``SEALING_KEY`` in the environment."""
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": secrets.token_urlsafe(50), "CODES_KEY": secrets.token_urlsafe(50)}
    command = [sys.executable, "manage.py", "check", "--deploy"]
    without = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert without.returncode == 0, without.stderr
    assert "(incentives.W009) SEALING_KEY is not set" in without.stderr
    assert "manage.py reseal" in without.stderr
    environment["SEALING_KEY"] = secrets.token_urlsafe(50)
    assert "W009" not in subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True).stderr


def test_the_example_of_the_environment_is_no_configuration(sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes live with the values of ``.env.example`` unnoticed."""
    names = "|".join([*checks.KEYS, "POSTGRES_PASSWORD"])
    keys = dict(re.findall(rf"^({names})=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    assert len(keys) == len(checks.KEYS) + 1
    assert set(keys.values()) == {""}
    monkeypatch.setitem(sound.DATABASES["default"], "USER", "incentives")
    monkeypatch.setitem(sound.DATABASES["default"], "PASSWORD", "incentives")
    assert found() == {"incentives.W007"}


class TestSystemd:
    def units(self, folder: Path, *names: str) -> None:
        for name in names:
            (folder / f"incentives-{name}.service").write_text(f"[Service]\nExecStart=/srv/x/{documented()[name]}\n")

    @pytest.mark.parametrize("missing", ["web", "worker", "events", "beat"])
    def test_a_process_without_unit_is_named(self, sound: Any, tmp_path: Path, missing: str) -> None:
        self.units(tmp_path, *(name for name in documented() if name != missing))
        assert found() == {"incentives.W008"}
        [message] = checks.systemd_runs_every_process(None)
        assert message.msg.endswith(f": {missing}.")

    def test_all_of_them_or_none_is_fine(self, sound: Any, tmp_path: Path) -> None:
        (tmp_path / "other.service").write_text("[Service]\nExecStart=/usr/sbin/sshd\n")
        assert found() == set()
        self.units(tmp_path, *documented())
        assert found() == set()


def documented() -> dict[str, str]:
    """The units of ``docs/self-hosting.md``: name → what it starts, without the folder."""
    text = (PROJECT / "docs" / "self-hosting.md").read_text(encoding="utf-8")
    found = re.findall(r"`/etc/systemd/system/incentives-(\w+)\.service`.*?```ini\n(.*?)```", text, re.DOTALL)
    return {name: re.search(r"^ExecStart=\S*/((?:gunicorn|celery|python) .*)$", unit, re.MULTILINE)[1] for name, unit in found}  # type: ignore[index]


def test_each_process_of_the_procfile_has_its_unit_in_the_document() -> None:
    processes = parse_procfile((PROJECT / "Procfile").read_text(encoding="utf-8")).processes
    units = documented()
    assert set(units) == set(processes) == set(checks.PROCESSES)
    for name, words in checks.PROCESSES.items():
        assert words in processes[name], name
        assert words in units[name], name
    compose = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
    assert all(re.search(rf"^  {name}:$", compose, re.MULTILINE) for name in processes)

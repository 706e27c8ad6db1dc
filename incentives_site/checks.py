"""System checks: risky configuration is reported with an id and a hint, before it hurts."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def configuration_is_fit_for_the_world(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Run by ``manage.py check --deploy``; the demo needs none of it."""
    found: list[CheckMessage] = []
    if settings.DEMO:
        found.append(
            Error(
                "DEMO is on: sign-ins and keys are published.",
                hint="Unset DEMO and set SECRET_KEY.",
                id="incentives.E001",
            )
        )
    if not settings.HTTPS:
        found.append(
            Warning(
                "BASE_URL is not https: wallets and keys travel in the clear.",
                hint="Put a TLS proxy in front and set BASE_URL=https://…, BEHIND_PROXY=1.",
                id="incentives.W001",
            )
        )
    if settings.CODES_KEY == settings.SECRET_KEY:
        found.append(
            Warning(
                "Codes are sealed with SECRET_KEY, which therefore can never be rotated.",
                hint="Set CODES_KEY to another random value before the first code is issued.",
                id="incentives.W002",
            )
        )
    return found


# Keys that stand in documents and examples, or that the demonstration makes up, are known to everyone.
PLACEHOLDERS = re.compile(r"insecure|change.?me|example|secret.?key|your.?key|password|x{5,}|0123456789|…", re.IGNORECASE)
KEYS = ("SECRET_KEY", "CODES_KEY", "MEETINGS_KEY", "SEALING_KEY")
SHORTEST_KEY = 32
QUIET_BACKENDS = ("console", "dummy", "locmem", "filebased")


@register(Tags.security, deploy=True)
def keys_are_secret(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A key that is short, guessable or the one of an example: whoever knows it signs wallet links and reads codes."""
    return [
        Error(
            f"{name} is {fault}.",
            hint='Set it to random characters: python3 -c "import secrets; print(secrets.token_urlsafe(50))". '
            "Once codes are issued, CODES_KEY must stay: then import the codes again under a new one.",
            id="incentives.E002",
        )
        for name, fault in _weak_keys()
    ]


def _weak_keys() -> Iterator[tuple[str, str]]:
    seen = set()
    for name in KEYS:
        value = str(getattr(settings, name))
        if not value or value in seen:
            continue  # falls back to one before, which is reported once
        seen.add(value)
        if PLACEHOLDERS.search(value):
            yield name, "a default or an example, which everyone knows"
        elif len(value) < SHORTEST_KEY or len(set(value)) < 10:
            yield name, f"too easy to guess: less than {SHORTEST_KEY} characters, or few different ones"


@register(Tags.security, deploy=True)
def seals_have_a_key_of_their_own(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Sealed with another key, they stay readable to anyone who ever learns that one: it cannot be changed for them."""
    if settings.SEALING_KEY and settings.SEALING_KEY not in {settings.SECRET_KEY, settings.CODES_KEY, settings.MEETINGS_KEY}:
        return []
    fault = "the same as another key" if settings.SEALING_KEY else "not set, so CODES_KEY seals"
    return [
        Warning(
            f"SEALING_KEY is {fault}: what is sealed can never be sealed again with another key.",
            hint="Set it to random characters of its own, restart, and run manage.py reseal. What CODES_KEY sealed still opens.",
            id="incentives.W009",
        )
    ]


@register(Tags.security, deploy=True)
def strangers_meet_what_they_should(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Mail that no one gets, host names that a request may choose, one address for all, passwords of an example."""
    found: list[CheckMessage] = []
    if settings.EMAIL_BACKEND.rpartition(".")[0].endswith(QUIET_BACKENDS):
        found.append(
            Warning(
                "Mail goes to the log: links that reset passwords are written there, and no one is told of a lock.",
                hint="Set EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend and EMAIL_HOST.",
                id="incentives.W004",
            )
        )
    if any(host.strip() == "*" or host.strip() == "." for host in settings.ALLOWED_HOSTS):
        found.append(
            Warning(
                "ALLOWED_HOSTS lets a request choose the host name: a forged one ends up in links that reset passwords.",
                hint="List the names the site is reached by, such as ALLOWED_HOSTS=incentives.example.com,127.0.0.1.",
                id="incentives.W005",
            )
        )
    if settings.BEHIND_PROXY and not settings.TRUSTED_PROXY_HOPS:
        found.append(
            Warning(
                "BEHIND_PROXY is on and TRUSTED_PROXY_HOPS is 0: everyone seems to come from the proxy's address, "
                "so strangers use up what is counted by address for all.",
                hint="Set TRUSTED_PROXY_HOPS to the number of your proxies that append to X-Forwarded-For, usually 1.",
                id="incentives.W006",
            )
        )
    database = settings.DATABASES["default"]
    if database["PASSWORD"] and (database["PASSWORD"] == database["USER"] or PLACEHOLDERS.search(str(database["PASSWORD"]))):
        found.append(
            Warning(
                "The password of the database is the one of an example, or the name of its user.",
                hint="Give the database's user a random password and set DATABASE_URL.",
                id="incentives.W007",
            )
        )
    return found


# What the command line of each process of Procfile says, wherever its programs are installed.
PROCESSES = {
    "web": "gunicorn incentives_site.wsgi",
    "worker": "incentives_site worker",
    "events": "manage.py process_events",
    "beat": "incentives_site beat",
}
UNITS = Path("/etc/systemd/system")


@register(Tags.security, deploy=True)
def systemd_runs_every_process(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Nothing to say where systemd runs none of ours: containers and other machines have their own way."""
    texts = []
    for path in sorted(UNITS.glob("*.service")) if UNITS.is_dir() else ():
        with contextlib.suppress(OSError):
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
    commands = " ".join(re.findall(r"^ExecStart=(.*)$", "\n".join(texts), re.MULTILINE))
    missing = [name for name, words in PROCESSES.items() if words not in commands]
    if not missing or len(missing) == len(PROCESSES):
        return []
    return [
        Warning(
            f"systemd has no unit here for: {', '.join(missing)}.",
            hint="docs/self-hosting.md has one for each process. If another machine runs it, silence incentives.W008 here.",
            id="incentives.W008",
        )
    ]


@register()
def api_rate_is_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    rate, burst = settings.API_RATE
    if burst < rate:
        return [
            Warning(
                "API_RATE_BURST is smaller than API_RATE_PER_SECOND, so the rate can never be reached.",
                hint="Set the burst to at least one second's worth of requests.",
                id="incentives.W003",
            )
        ]
    return []

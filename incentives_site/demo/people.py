"""Who can sign in to the demonstration, which partners call it, and the file that tells.

Passwords and keys are random. They are kept hashed like any others, so they can be read only in ``demo.json``, written when
they are made. A later run keeps the file as long as it belongs to this database; otherwise it makes new ones and revokes the old.
"""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.integrations.models import ApiKey, Partner, Scope

from .places import DEMO_STORE, store_key

FILE = "demo.json"
KEY_NAME = "Demonstration"
NAMES = {
    Role.MARKETER: ("Mara", "Lind"),
    Role.ANALYST: ("Anton", "Reyes"),
    Role.STORE: ("Sofia", "Tan"),
    Role.HR: ("Hana", "Ortiz"),
    Role.MANAGER: ("Marco", "Bianchi"),
    Role.OPERATOR: ("Olga", "Weiss"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A partner with one key. The first channel is the default."""

    key: str
    name: str
    channels: tuple[str, ...]
    scopes: tuple[Scope, ...]
    stores: tuple[str, ...] = ()


CALLERS = (
    Caller(
        "web-shop",
        "Web shop",
        ("web", "app"),
        (
            Scope.QUOTES,
            Scope.REDEMPTIONS,
            Scope.RETURNS,
            Scope.CUSTOMERS_READ,
            Scope.CUSTOMERS_WRITE,
            Scope.EVENTS,
            Scope.DECISIONS,
            Scope.CAMPAIGNS_READ,
            Scope.CAMPAIGNS_WRITE,
            Scope.RESULTS,
            Scope.SIMULATE,
            Scope.WEBHOOKS,
        ),
    ),
    Caller(
        "till-maker",
        "Till maker",
        ("store",),
        (Scope.QUOTES, Scope.REDEMPTIONS, Scope.RETURNS, Scope.CUSTOMERS_READ, Scope.EVENTS, Scope.CAMPAIGNS_READ),
        stores=(DEMO_STORE, store_key(330), store_key(367), store_key(406)),
    ),
    Caller(
        "newsletter",
        "Newsletter",
        ("email",),
        (Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE, Scope.EVENTS, Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE, Scope.RESULTS),
    ),
)


def address(role: Role) -> str:
    return f"{role.value}@demo.example"


def ensure(folder: Path, base_url: str, write_keys: Sequence[Mapping[str, str]] = ()) -> bool:
    """People, partners and ``folder/demo.json``, which tells ``write_keys`` as well. Whether passwords and keys were made now."""
    path = folder / FILE
    told = _read(path)
    if _is_ours(told):
        fresh = {**told, "base_url": base_url, "write_keys": list(write_keys)}
        if told != fresh:
            _write(path, fresh)
        return False
    # Killed between the two, the file is missing or tells of revoked keys, and the next run begins anew.
    with transaction.atomic():
        users, keys = _people(), _partners()
    _write(path, {"base_url": base_url, "users": users, "api_keys": keys, "write_keys": list(write_keys)})
    return True


def marketer() -> str:
    """Who works with customers in the demonstration, as the audit calls somebody."""
    return f"user:{User.objects.get(email=address(Role.MARKETER)).pk}"


def _is_ours(told: dict[str, Any]) -> bool:
    """Whether the file tells of every person and every key that this database has."""
    try:
        emails = {user["email"] for user in told["users"]}
        prefixes = {key["key"].partition(".")[0] for key in told["api_keys"]}
        complete = {"base_url", "write_keys"} <= told.keys() and len(prefixes) == len(CALLERS)
    except (KeyError, TypeError, AttributeError):
        return False
    return (
        complete
        and emails == {address(role) for role in Role}
        and User.objects.filter(email__in=emails, is_active=True).count() == len(emails)
        and ApiKey.objects.filter(prefix__in=prefixes, revoked=False).count() == len(prefixes)
    )


def _people() -> list[dict[str, str]]:
    told = []
    for role in Role:
        first, last = NAMES[role]
        password = secrets.token_urlsafe(12)
        email = address(role)
        is_operator = role is Role.OPERATOR
        user = User.objects.filter(email=email).first() or User(email=email)
        user.first_name, user.last_name = first, last
        user.is_active, user.is_staff, user.is_superuser = True, is_operator, is_operator
        user.store_keys = [DEMO_STORE] if role is Role.STORE else []
        user.set_password(password)
        user.save()
        user.groups.set(Group.objects.filter(name=role.value))
        told.append({"role": role.value, "email": email, "password": password})
    return told


def _partners() -> list[dict[str, Any]]:
    told = []
    for caller in CALLERS:
        partner, _ = Partner.objects.get_or_create(key=caller.key, defaults={"name": caller.name})
        ApiKey.objects.filter(partner=partner, name=KEY_NAME, revoked=False).update(revoked=True)
        _, key = ApiKey.objects.create_key(
            name=KEY_NAME,
            partner=partner,
            channel_keys=list(caller.channels),
            store_keys=list(caller.stores),
            scopes=[scope.value for scope in caller.scopes],
        )
        scopes = [scope.value for scope in caller.scopes]
        told.append({"partner": caller.key, "channel": caller.channels[0], "scopes": scopes, "key": key})
    return told


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _write(path: Path, told: dict[str, Any]) -> None:
    """Whole or not at all, and readable by its owner alone from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(told, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

"""Databases full of live incentives, each a copy of an empty one: ``with catalogue(live=10_000, matching=20) as …``.

What does not match fails for the reasons that a shop's catalogue fails for, in equal parts: another channel, an article or an
aisle that is not in the basket, a segment the customer is not in, a code that was not sent.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from . import workloads
from .turns import PROJECT, Failed

TEMPLATE = "bench_empty"
OTHERS_PER_CAMPAIGN = 10


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``environment`` leads a process to it; ``key`` opens the API; ``identity`` is the one customer."""

    environment: dict[str, str]
    key: str
    identity: dict[str, str]


def address(database: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}"))


def create(database: str, template: str = "template1") -> None:
    """``database`` is ours, never anybody's input."""
    with psycopg.connect(address("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')


def drop(database: str) -> None:
    with psycopg.connect(address("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


@contextmanager
def empty_tables() -> Iterator[None]:
    """Makes the database that the catalogues are copied from, whatever is in the one that was given; dropped at the end."""
    create(TEMPLATE)
    environment = os.environ | {"DATABASE_URL": address(TEMPLATE)}
    try:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=PROJECT, env=environment, check=True, timeout=180)
        yield
    finally:
        drop(TEMPLATE)


@contextmanager
def catalogue(*, live: int, matching: int) -> Iterator[Catalogue]:
    """A database with so many live incentives, of which so many match the basket of ``workloads``; dropped at the end."""
    name = f"bench_{live}"
    create(name, TEMPLATE)
    # A process that remembers things beside the database must not find what another catalogue left there.
    shared = os.environ["REDIS_URL"]
    environment = {"DATABASE_URL": address(name), "REDIS_URL": f"{shared}{'&' if '?' in shared else '?'}db={_number(live)}"}
    try:
        filled = subprocess.run(
            [sys.executable, "-m", "benchmarks.engine.catalogue", str(live), str(matching)],
            cwd=PROJECT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if filled.returncode:
            raise Failed(f"The catalogue could not be filled: {filled.stderr.strip().splitlines()[-1]}")
        said = json.loads(filled.stdout.splitlines()[-1])
        yield Catalogue(environment, said["key"], said["identity"])
    finally:
        drop(name)


def _number(live: int) -> int:
    """One of the sixteen databases of Valkey."""
    return 1 + len(str(live))


# --- In a process of its own -----------------------------------------------------------------------------------------


def fill(live: int, matching: int) -> dict[str, Any]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    import django

    django.setup()
    from django.db import connection, transaction

    from campaigns.models import Incentive
    from customers.models import Channel, Customer, Identity
    from incentives_site.integrations.models import ApiKey, Partner, Scope

    with transaction.atomic():
        here = Channel.objects.update_or_create(key=workloads.CHANNEL, defaults={"name": "Store", "kind": "store"})[0]
        elsewhere = Channel.objects.update_or_create(key="elsewhere", defaults={"name": "Elsewhere", "kind": "app"})[0]
        customer = Customer.objects.create(
            display_name="Measured", facts={"orders": 7, "spend": 120_000}, traits={"segments": ["regulars", "parents"]}
        )
        identity = Identity.objects.create(customer=customer, kind="loyalty_card", value="CARD000001")
        partner = Partner.objects.create(key="bench", name="Bench")
        _row, key = ApiKey.objects.create_key(
            name="bench", partner=partner, channel_keys=[workloads.CHANNEL], scopes=[Scope.QUOTES.value]
        )
        for number, incentive in enumerate(workloads.percents(matching)):
            campaign = _campaign(f"Matching {number}", [here])
            _incentives(campaign, [{"key": incentive["key"], "effect": incentive["effect"]}])
        for number in range((live - matching) // OTHERS_PER_CAMPAIGN):
            _others(number, here, elsewhere)
    made = Incentive.objects.filter(campaign__status="live").count()
    assert made == live, f"{made} incentives instead of {live}"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {"key": key, "identity": {"kind": identity.kind, "value": identity.value}}


def _others(number: int, here: Any, elsewhere: Any) -> None:
    """A campaign of incentives that do not match, for the reason that is next."""
    audience, claim = None, "automatic"
    targets: list[dict[str, Any]] = [{"scope": "lines"}] * OTHERS_PER_CAMPAIGN
    articles = [f"{number}-{n}" for n in range(OTHERS_PER_CAMPAIGN)]
    match number % 5:
        case 0:
            here = elsewhere
        case 1:
            targets = [{"scope": "lines", "include": {"skus": [f"other-{a}"]}} for a in articles]
        case 2:
            targets = [{"scope": "lines", "include": {"categories": [f"other-aisle-{a}"]}} for a in articles]
        case 3:
            audience = {"all": [{"fact": "customer.segments", "op": "has", "value": f"segment-{number}"}]}
        case _:
            claim = "code"
    campaign = _campaign(f"Other {number}", [here], audience=audience)
    _incentives(
        campaign,
        [
            {"key": f"other-{n}", "claim": claim, "effect": {"type": "percent_off", "percent": "5", "target": target}}
            for n, target in enumerate(targets)
        ],
    )


def _campaign(name: str, channels: list[Any], **fields: Any) -> Any:
    import datetime

    from django.utils import timezone

    from campaigns.models import Campaign, Goal, Status

    started = timezone.now() - datetime.timedelta(days=1)
    campaign = Campaign.objects.create(
        name=name, goal=Goal.SALES, status=Status.LIVE, starts_at=started, launched_at=started, **fields
    )
    campaign.channels.set(channels)
    return campaign


def _incentives(campaign: Any, rows: list[dict[str, Any]]) -> None:
    from campaigns import sealing
    from campaigns.models import Code, Incentive, StackGroup

    group = StackGroup.objects.get_or_create(key="default", defaults={"name": "Combines with others"})[0]
    made = Incentive.objects.bulk_create(
        Incentive(campaign=campaign, name=row["key"], stack_group=group, **{"claim": "automatic", **row}) for row in rows
    )
    Code.objects.bulk_create(
        Code(incentive=row, digest=sealing.digest(f"CODE{row.pk}"), sealed=sealing.seal(f"CODE{row.pk}"))
        for row in made
        if row.claim == "code"
    )


if __name__ == "__main__":
    print(json.dumps(fill(int(sys.argv[1]), int(sys.argv[2]))))

"""How close redemptions come to what PostgreSQL can do with the same statements: ``make bench-redeem`` (``docs/benchmarks.md``).

Starts services of its own, as durable as in production: what is committed is on disk, for both sides.
"""

import argparse
import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from incentives_site.services.local import ThrowAwayServices
from incentives_site.services.postgres import DURABLE, Postgres

from . import shop
from .client import KEY
from .sides import PROJECT, Clients, Pgbench, Rounds, serving

RESULTS = PROJECT / "var" / "bench" / "redeem.json"
CLIENTS = 8
WORKERS = 2
GRANTS = 10_000
# A shop that has traded: for a table that is empty as yet the database plans to read all of it, and keeps to that plan for as
# long as a connection lives, however many orders come.
HISTORY = 40_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="abcd", help="some rows alone: a, b, c, d")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of one round")
    given = parser.parse_args()
    with _services():
        print(f"Redemptions; load average {os.getloadavg()[0]:.1f}", flush=True)
        os.environ[KEY] = _prepare()
        pgbench = Pgbench(_sample())
        pgbench.trade(HISTORY)
        shop.analyze()
        rows: dict[str, Any] = {}
        measure = {"a": _alone_and_many, "b": _hot, "c": _web, "d": _wallet}
        for name in given.only:
            for row in measure[name](pgbench, given.rounds, given.seconds):
                rows[row["row"]] = row
                _tell(row)
        _check(pgbench)
    result = {"load_average": os.getloadavg()[0], "rounds": given.rounds, "seconds": given.seconds, "rows": rows}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"  also in {RESULTS.relative_to(PROJECT)}")
    return 0 if all(row["met"] for row in rows.values()) else 1


@contextmanager
def _services() -> Iterator[None]:
    services = ThrowAwayServices()
    # Thrown away afterwards, but as durable as in production until then.
    services.postgres = Postgres(services.folder / "pg", DURABLE)
    try:
        services.start()
        os.environ.update(services.environment())
        yield
    finally:
        services.remove()


def _prepare() -> str:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return shop.fill()


def _sample() -> dict[str, str]:
    """What one redemption of ours writes: the script writes the same."""
    from django.utils import timezone

    from campaigns.models import Code, Limit
    from customers import queries as customer_queries
    from redemptions import operations

    request = operations.Request(
        currency=shop.CURRENCY,
        basket=shop.basket(),
        channel=shop.CHANNEL,
        customer=customer_queries.named_by_identity("loyalty_card", shop.card(0)),
        codes=[shop.code(0)],
    )
    made = operations.redeem(
        request, source=shop.PARTNER, order_key=str(uuid.uuid4()), placed_at=None, by="key:bench", now=timezone.now()
    )
    applied = made.applied.get()
    # The script counts on it: two limits for each incentive, in their order.
    first = applied.incentive_id
    assert list(Limit.objects.filter(incentive_id=first).order_by("pk").values_list("pk", flat=True)) == [
        2 * first - 1,
        2 * first,
    ]
    said = {"redemption": str(made.public_id), "order": made.order_key, "currency": "USD", "discount": made.discount}
    return {
        "first_code": str(Code.objects.order_by("pk").values_list("pk", flat=True)[0]),
        "channel": str(made.channel_id),
        "basket": json.dumps(made.basket),
        "decision": json.dumps(made.decision),
        "surroundings": json.dumps(made.surroundings),
        "consumed": json.dumps(applied.consumed),
        "terms": json.dumps(applied.terms),
        "said": json.dumps({**said, "payable": made.payable, "store": None}),
        "initial": str(made.initial),
        "discount": str(made.discount),
        "payable": str(made.payable),
    }


def _check(_pgbench: Pgbench) -> None:
    """Both sides left the same behind, once for each redemption: what writes less would be quicker."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM redemptions_redemption")
        redemptions = cursor.fetchone()[0]
        each = {
            "redemptions_redemptionline": ("count(*)", shop.LINES),
            "redemptions_appliedincentive": ("count(*)", 1),
            "customers_event": ("count(*)", 1),
            "customers_unjudged": ("count(*)", 1),
            "campaigns_limitcounter": ("sum(used)", 2),
        }
        for table, (what, times) in each.items():
            cursor.execute(f"SELECT {what} FROM {table}")  # noqa: S608
            found = cursor.fetchone()[0]
            assert found == times * redemptions, f"{table}: {found} for {redemptions} redemptions"


# --- The rows --------------------------------------------------------------------------------------------------------


def _alone_and_many(pgbench: Pgbench, rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    for number in (1, CLIENTS):
        ours, floor = Rounds(), Rounds()
        with Clients(number, "process", min(number, WORKERS)) as clients:
            clients.round(Rounds(), "many", 2)
            pgbench.round(Rounds(), clients=number, seconds=1)
            for turn in range(rounds):
                for side in (0, 1) if turn % 2 else (1, 0):
                    if side:
                        clients.round(ours, "many", seconds)
                    else:
                        pgbench.round(floor, clients=number, seconds=seconds)
        yield _row(f"a{number}", f"redeem, {number} client(s), many incentives, against pgbench", ours, floor, 0.4)


def _hot(pgbench: Pgbench, rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    hot, many, row, floor = Rounds(), Rounds(), Rounds(), Rounds()
    with Clients(CLIENTS, "process", WORKERS) as clients:
        clients.round(Rounds(), "hot", 2)
        for turn in range(rounds):
            turns = [(hot, "hot"), (many, "many"), (row, "row")]
            for into, what in turns if turn % 2 else turns[::-1]:
                clients.round(into, what, seconds)
            pgbench.round(floor, clients=CLIENTS, seconds=seconds, only=shop.INCENTIVES + 1)
    found = _row("b", f"redeem, {CLIENTS} clients, one incentive in slots, against the same on many", hot, many, 0.8)
    yield found | {"ours_on_one_row": round(row.rate, 1), "pgbench_on_one_row": round(floor.rate, 1)}


def _web(_pgbench: Pgbench, rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    sides = {"api": Rounds(), "bare": Rounds(), "nothing": Rounds()}
    with serving(WORKERS) as port, Clients(CLIENTS, f"http:{port}", CLIENTS) as clients:
        for what in sides:
            clients.round(Rounds(), what, 2)
        for turn in range(rounds):
            for what in sides if turn % 2 else list(sides)[::-1]:
                clients.round(sides[what], what, seconds)
    api, bare, nothing = sides.values()
    found = _row("c", "POST /api/v1/redemptions against a view with one statement of the same effects", api, bare, 0.4)
    yield found | {"p95_ms": [round(api.tail, 1), round(bare.tail, 1)], "view_that_reads_one_row": round(nothing.rate, 1)}


def _wallet(_pgbench: Pgbench, rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Milliseconds of a quote, calls by turns: as many grants as may be against ten, of the same incentives."""
    from django.utils import timezone

    from customers import queries as customer_queries
    from redemptions import operations

    def once(number: int) -> float:
        request = operations.Request(
            currency=shop.CURRENCY,
            basket=shop.basket(),
            channel=shop.CHANNEL,
            customer=customer_queries.named_by_identity("loyalty_card", shop.card(number)),
        )
        started = time.perf_counter()
        quoted = operations.quote(request, now=timezone.now())
        taken = (time.perf_counter() - started) * 1000
        assert len(quoted.decision.applied) == 10, len(quoted.decision.applied)
        return taken

    shop.fill_wallets(GRANTS)
    for _ in range(20):
        once(0), once(1)
    full, small = Rounds(), Rounds()
    for _ in range(rounds):
        pairs, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            pairs.append((once(0), once(1)))
        for into, side in ((full, 0), (small, 1)):
            into.tails.append(statistics.median(pair[side] for pair in pairs))
    ratio = full.tail / small.tail
    yield {
        "row": "d",
        "what": f"quote with {GRANTS:,} grants in the wallet against one with 10, milliseconds",
        "ours": round(full.tail, 2),
        "yardstick": round(small.tail, 2),
        "ratio": round(ratio, 2),
        "at_most": 2.0,
        "met": ratio <= 2.0,
    }


def _row(name: str, what: str, ours: Rounds, floor: Rounds, least: float) -> dict[str, Any]:
    ratio = ours.rate / floor.rate
    each = [one / other for one, other in zip(ours.rates, floor.rates, strict=True)]
    return {
        "row": name,
        "what": what,
        "ours": round(ours.rate, 1),
        "yardstick": round(floor.rate, 1),
        "ratio": round(ratio, 3),
        "ratio_lowest_and_highest": [round(min(each), 3), round(max(each), 3)],
        "at_least": least,
        "met": ratio >= least,
        "load_average": os.getloadavg()[0],
    }


def _tell(row: dict[str, Any]) -> None:
    target = f"at least {row['at_least']}" if "at_least" in row else f"at most {row['at_most']}"
    more = {name: row[name] for name in row if name.startswith(("p95", "view_", "pgbench_", "ours_", "ratio_"))}
    beside = "".join(f", {name} {value}" for name, value in more.items())
    print(
        f"  {row['row']:3} {row['what']}\n      {row['ours']} to {row['yardstick']}: {row['ratio']} ({target}){beside}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())

"""Under fire: what is limited is never exceeded, and what was acknowledged is there exactly once, whoever is killed.

``make fire`` sends 5,000 redemptions; ``make test`` a few hundred, through the same kills.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .fire.installation import Client, Installation

pytestmark = pytest.mark.xdist_group("fire")
ORDERS = int(os.environ.get("FIRE", "300"))
CLIENTS = 32
CUSTOMERS = 40
RACES = 10
CODES = {"TWENTY": 20, "ALTERNATE": 1, **{f"LAST{n}": 1 for n in range(RACES)}}


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with Installation({"uses": 10**7, "customers": CUSTOMERS, "codes": CODES}) as running:
        yield running


def order(name: str, *, customer: int | None = None, codes: tuple[str, ...] = (), price: int = 10_000) -> dict[str, Any]:
    lines = [{"id": "1", "sku": "a", "quantity": 2, "unit_price": price}]
    who = {} if customer is None else {"customer": {"identity": {"kind": "email", "value": f"c{customer}@example.com"}}}
    return {"currency": "USD", "channel": "web", "basket": {"lines": lines}, "codes": list(codes), "order": {"id": name}, **who}


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """The answers of calls that begin at the same instant."""
    ready = threading.Barrier(len(calls))

    def begin(call: Callable[[], Any]) -> Any:
        ready.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def send(installation: Installation, path: str, body: dict[str, Any]) -> Callable[[], Any]:
    """A call of a client of its own, to be made later."""

    def call() -> Any:
        with Client(installation) as client:
            return client.post(path, body)

    return call


def coded(decision: dict[str, Any]) -> bool:
    return any("code" in item for item in decision["applied"])


def test_thirty_two_clients_on_a_code_for_twenty(installation: Installation) -> None:
    orders = [order(f"code-{number}", codes=("TWENTY",)) for number in range(CLIENTS)]
    answers = at_once([send(installation, "redemptions", body) for body in orders])
    used = [answer for status, answer in answers if status == 201 and coded(answer["decision"])]
    assert len(used) == 20
    [(counted,)] = installation.ask(
        "SELECT sum(c.used)::int FROM campaigns_limitcounter c JOIN campaigns_limit l ON l.id = c.limit_id "
        "JOIN campaigns_incentive i ON i.id = l.incentive_id WHERE i.key = 'twenty'"
    )
    assert counted == 20
    assert installation.check_ledger()["faults"] == []


def test_two_reservations_for_the_last_one(installation: Installation) -> None:
    for race in range(RACES):
        bodies = [{**order(f"last-{race}-{number}", codes=(f"LAST{race}",)), "expires_in": 600} for number in range(2)]
        answers = at_once([send(installation, "reservations", body) for body in bodies])
        assert [status for status, _answer in answers] == [201, 201]  # the ten percent are everybody's
        assert sum(coded(answer["decision"]) for _status, answer in answers) == 1
    assert installation.check_ledger()["faults"] == []


def test_giving_back_races_with_redeeming(installation: Installation) -> None:
    """One use of a code: while one order gives it back, others want it. Never two have it."""
    _status, holder = send(installation, "redemptions", order("alternate", codes=("ALTERNATE",)))()
    assert coded(holder["decision"])
    for race in range(RACES):
        give_back = send(installation, f"redemptions/{holder['id']}/returns", {"everything": True})
        wanting = [send(installation, "redemptions", order(f"alt-{race}-{n}", codes=("ALTERNATE",))) for n in range(2)]
        answers = at_once([give_back, *wanting])
        assert answers[0][0] == 201
        holders = [answer for _status, answer in answers[1:] if coded(answer["decision"])]
        assert len(holders) <= 1
        if not holders:
            _status, answer = send(installation, "redemptions", order(f"alt-{race}-again", codes=("ALTERNATE",)))()
            holders = [answer]
        assert coded(holders[0]["decision"])
        holder = holders[0]
    assert installation.check_ledger()["faults"] == []


def test_whoever_is_killed_nothing_acknowledged_is_lost_or_doubled(installation: Installation) -> None:
    before = {row[0] for row in installation.ask("SELECT order_key FROM redemptions_redemption")}
    names = [f"fire-{number}" for number in range(ORDERS)]
    acknowledged: dict[str, set[str]] = {name: set() for name in names}
    waiting, lock, retries = list(reversed(names)), threading.Lock(), [0]

    def client(seed: int) -> None:
        chance = random.Random(seed)
        with Client(installation) as me:
            while True:
                with lock:
                    if not waiting:
                        retries[0] += me.retries
                        return
                    name = waiting.pop()
                body = order(name, customer=chance.randrange(CUSTOMERS))
                # Some clients send again what was answered already: the same answer comes back.
                for _time in range(1 + (chance.random() < 0.1)):
                    status, answer = me.post("redemptions", body, key=name)
                    assert status == 201, answer
                    acknowledged[name].add(answer["id"])

    def after(share: float, kill: Callable[[], None]) -> None:
        while len(waiting) > ORDERS * (1 - share):
            time.sleep(0.01)
        kill()

    killers = [(0.2, installation.kill_a_web_worker), (0.4, installation.kill_the_task_worker), (0.6, installation.kill_postgres)]
    killers += [(0.8, installation.kill_a_web_worker)]
    with ThreadPoolExecutor(CLIENTS + len(killers)) as pool:
        work = [pool.submit(client, seed) for seed in range(CLIENTS)] + [pool.submit(after, *killer) for killer in killers]
        for done in work:
            done.result()
    assert retries[0] > 0  # somebody was hit
    assert all(len(ids) == 1 for ids in acknowledged.values())
    rows = installation.ask("SELECT order_key, public_id::text, decision -> 'applied' FROM redemptions_redemption")
    stored = {key: public_id for key, public_id, _applied in rows if key not in before}
    assert stored == {name: next(iter(ids)) for name, ids in acknowledged.items()}
    found = installation.check_ledger()
    assert found == {"ok": True, "seconds": found["seconds"], "faults": []}
    # 200.00 less 10 % and a point for each 1.00 of what is left: 180 points an order, none missing, none twice.
    [(points,)] = installation.ask(
        "SELECT sum(e.amount)::int FROM redemptions_entry e JOIN redemptions_account a ON a.id = e.account_id "
        "JOIN redemptions_posting p ON p.id = e.posting_id JOIN redemptions_redemption r ON r.id = p.redemption_id "
        "WHERE a.kind = 'points' AND r.order_key LIKE 'fire-%'"
    )
    assert points == 180 * ORDERS

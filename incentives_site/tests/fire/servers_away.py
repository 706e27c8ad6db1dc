"""Valkey or PostgreSQL hangs, is killed or is stopped: no request hangs, each door says so in its own words, and all goes on."""

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from incentives_site.accounts.sessions import cookie_of
from incentives_site.services import processes

from .installation import Client, Installation

pytestmark = pytest.mark.xdist_group("fire")
ROUNDS = int(os.environ.get("SERVICE_ROUNDS", "2"))
FORM = "application/x-www-form-urlencoded"
AT_MOST = 3.0  # seconds of any answer while a server is away


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with Installation({"uses": 10**7, "customers": 3, "codes": {}}) as running:
        quick = 0
        for number in range(60):  # until both web processes have read everything they need
            quick = quick + 1 if redeem(running, f"first-{number}").seconds < 0.5 else 0
            if quick == 12:
                break
        yield running


class Answer:
    def __init__(self, installation: Installation, method: str, path: str, body: Any = None, **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
        started = time.monotonic()
        sent = body if body is None or isinstance(body, str) else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        self.status, self.headers, self.text = response.status, response.headers, response.read().decode()
        self.seconds = time.monotonic() - started
        connection.close()

    @property
    def data(self) -> Any:
        return json.loads(self.text)


def order(name: str) -> dict[str, Any]:
    lines = [{"id": "1", "sku": "a", "quantity": 1, "unit_price": 10_000}]
    who = {"identity": {"kind": "email", "value": "c1@example.com"}}
    return {"currency": "USD", "channel": "web", "basket": {"lines": lines}, "order": {"id": name}, "customer": who}


def redeem(installation: Installation, name: str) -> Answer:
    headers = {"Authorization": f"Api-Key {installation.key}", "Idempotency-Key": name}
    return Answer(installation, "POST", "/api/v1/redemptions", order(name), **headers)


def until_well(installation: Installation, seconds: float = 30) -> float:
    """The seconds until ``/healthz`` is content."""
    started = time.monotonic()
    while Answer(installation, "GET", "/healthz").status != 200:
        assert time.monotonic() - started < seconds
        time.sleep(0.1)
    return time.monotonic() - started


def valkey_process(installation: Installation) -> int:
    [pid] = processes.working_in(installation.valkey.data)
    return pid


@contextmanager
def hanging_valkey(installation: Installation) -> Iterator[None]:
    until_well(installation)
    pid = valkey_process(installation)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
        until_well(installation)


def test_a_valkey_that_hangs_holds_up_no_sale(installation: Installation) -> None:
    """With tiers each sale that earns points sends a task, so that it speaks with the broker as well."""
    tiers = "UPDATE campaigns_loyaltyprogramme SET tiers_by = %s RETURNING id"
    assert installation.ask(tiers % "'points'")
    try:
        with hanging_valkey(installation):
            for number in range(6):
                answer = redeem(installation, f"hanging-{number}")
                assert answer.status == 201, answer.text
                assert answer.seconds < AT_MOST
    finally:
        installation.ask(tiers % "''")


def test_a_valkey_that_hangs_holds_up_no_page(installation: Installation) -> None:
    with hanging_valkey(installation):
        for path in ("/accounts/login/", "/admin/login/", "/s/", "/problems/"):
            answer = Answer(installation, "GET", path)
            assert answer.status in {200, 301, 302}
            assert answer.seconds < AT_MOST
        for _number in range(6):  # wrong codes of surveys are counted in the cache
            answer = Answer(installation, "POST", "/s/", "code=ABCDEFGHIJ", **{"Content-Type": FORM})
            assert answer.status == 422, answer.text[:500]
            assert answer.seconds < AT_MOST
        health = Answer(installation, "GET", "/healthz")
        assert (health.status, health.data["valkey"], health.data["database"]) == (503, "away", "ok")
        assert health.seconds < 1


def test_a_stopped_postgresql_is_503_at_every_door(installation: Installation) -> None:
    until_well(installation)
    installation.postgres.stop()
    try:
        key = {"Authorization": f"Api-Key {installation.key}", "Idempotency-Key": "away"}
        api = [
            Answer(installation, "POST", "/api/v1/redemptions", order("away"), **key),
            Answer(installation, "POST", "/api/v1/quotes", order("away"), **key),
            Answer(installation, "GET", "/api/v1/campaigns", **key),
        ]
        pages = [
            Answer(installation, "GET", path, Cookie=f"sessionid={cookie_of('a' * 32)}")
            for path in ("/", "/admin/", "/campaigns/", "/wallet/abcdefgh/", "/s/abcdefgh/", "/preferences/abcdefgh/")
        ]
        events = [
            Answer(installation, "POST", path, {"writeKey": "unknown-key", "userId": "u", "event": "e"})
            for path in ("/v1/track", "/beacon/v1/track")
        ]
        for answer in (*api, *pages, *events):
            assert answer.status == 503, answer.text[:500]
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.seconds < AT_MOST
        for answer in api:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert (answer.data["code"], answer.data["status"]) == ("database-away", 503)
        for answer in pages:
            assert "Temporarily unavailable" in answer.text
        for answer in events:
            assert answer.data["success"] is False
            assert answer.data["code"] in {"database-away", "busy"}
            assert answer.data["message"]
        health = Answer(installation, "GET", "/healthz")
        assert (health.status, health.data["database"]) == (503, "away")
    finally:
        installation.postgres.start()
    assert until_well(installation) < 15
    assert redeem(installation, "after-postgres").status == 201


def test_the_worker_goes_on_after_each_death_and_hanging_of_valkey(installation: Installation) -> None:
    """``make fire-services`` does it 20 times. Nothing acknowledged is lost."""
    acknowledged = []
    for number in range(ROUNDS):
        pid = valkey_process(installation)
        hangs = number % 2 == 1
        os.kill(pid, signal.SIGSTOP if hangs else signal.SIGKILL)
        with Client(installation) as client:
            status, answer = client.post("redemptions", order(f"round-{number}"), key=f"round-{number}")
        assert status == 201
        acknowledged.append(answer["id"])
        if hangs:
            time.sleep(6)  # longer than the worker waits for an answer
            os.kill(pid, signal.SIGCONT)
        else:
            assert processes.wait_until_gone(pid, 10)
            installation.valkey.start()
        until_well(installation)
        installation.work_a_task()
    stored = {row[0] for row in installation.ask("SELECT public_id::text FROM redemptions_redemption")}
    assert set(acknowledged) <= stored
    assert installation.check_ledger()["faults"] == []

"""The demonstration as ``make demo`` starts it: its launcher alone brings back what dies or hangs.

A second task worker runs beside the launcher's own, kept up as the launcher keeps its processes. Run by ``make fire-services``.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.conf import settings

from incentives_site.services import processes
from incentives_site.services.demo import MOST_HANGING

from .installation import Client, Installation
from .servers_away import Answer, order, until_well

ROUNDS = int(os.environ.get("SERVICE_ROUNDS", "2"))
READY, BACK = 300.0, 60.0  # seconds until the demonstration answers: at first with its data, then after each fault
KILLED, HANGS, STOPPED = "Valkey killed", "Valkey hangs", "PostgreSQL stopped"
# Six tasks, then what each worker says it has worked: ``{"celery@host": 3, "second@host": 3}``.
_WORK = """
import json
from incentives_site.celery import app
from redemptions.tasks import refresh_tier
for _ in range(6):
    refresh_tier.apply_async(kwargs={"customer": 1}, retry=False)
said = app.control.inspect(timeout=3).stats() or {}
print(json.dumps({name: sum(stats["total"].values()) for name, stats in said.items()}))
"""


class Demonstration(Installation):
    """``with Demonstration() as it``: launcher, demo data and a second worker."""

    def __init__(self) -> None:
        super().__init__({})

    @property
    def environment(self) -> dict[str, str]:
        own = {"VAR_DIR": str(self.folder), "PORT": str(self.port), "DEMO": "1", "TASKS_EAGER": "0"}
        foreign = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "BASE_URL")
        return {name: value for name, value in os.environ.items() if name not in foreign} | own

    def __enter__(self) -> "Demonstration":
        try:
            self.launch("launcher", sys.executable, "-m", "incentives_site.services", "run")
            self.wait_until_ready()
            told = json.loads((self.folder / "demo.json").read_text())
            self.key = next(row["key"] for row in told["api_keys"] if row["partner"] == "web-shop")
            self.write_key = next(row["key"] for row in told["write_keys"] if row["source"] == "web-shop")
            worker = ["-m", "celery", "--quiet", "-A", "incentives_site", "worker", "--hostname", "second@%h"]
            calm = ["--concurrency", "1", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
            self.launch("second", sys.executable, "-m", "incentives_site.services.keep", sys.executable, *worker, *calm)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("second", "launcher"):
            if name in self.processes:
                with suppress(ProcessLookupError):
                    self.processes[name].send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self.processes[name].wait(60)
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def launch(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until_ready(self) -> None:
        end = time.monotonic() + READY
        while "  Ready: " not in self.log("launcher"):
            assert time.monotonic() < end, self.log("launcher")[-3000:]
            assert self.processes["launcher"].poll() is None, self.log("launcher")[-3000:]
            time.sleep(0.5)

    def tell_of_customer(self, name: str) -> None:
        """As a shop's server does, until it is acknowledged: the events of the outage are processed after it."""
        token = base64.b64encode(f"{self.write_key}:".encode()).decode()
        event = {"messageId": name, "userId": name, "traits": {"email": f"{name}@mail.example"}}
        end = time.monotonic() + BACK
        while Answer(self, "POST", "/v1/identify", event, Authorization=f"Basic {token}").status != 200:
            assert time.monotonic() < end, f"the collector took nothing for {BACK:g} s"
            time.sleep(0.2)

    def redeem_for(self, name: str) -> str:
        """Redeem a code of the demonstration (ten percent off everything, twice a customer) as soon as the customer is known."""
        wanted = {**order(name), "codes": ["SUMMER10"]}
        wanted["customer"] = {"identity": {"kind": "email", "value": f"{name}@mail.example"}}
        end = time.monotonic() + BACK
        while True:
            with Client(self) as client:
                status, answer = client.post("redemptions", wanted, key=f"{name}-{time.monotonic()}")
            if status == 201:
                return str(answer["id"])
            assert status == 404, answer
            assert time.monotonic() < end, "the customer does not become known"
            time.sleep(0.5)

    def workers(self) -> dict[str, int]:
        """How many tasks each worker says it has worked."""
        with suppress(AssertionError):
            found: dict[str, int] = json.loads(
                self.run(sys.executable, "manage.py", "shell", "-v", "0", "-c", _WORK).splitlines()[-1]
            )
            return found
        return {}

    def until_both_work(self, seconds: float = BACK) -> dict[str, int]:
        """Both workers answer and have worked more than they had when they first answered."""
        end = time.monotonic() + seconds
        first: dict[str, int] = {}
        while time.monotonic() < end:
            told = self.workers()
            if len(first) == 2 and all(told.get(name, 0) > worked for name, worked in first.items()):
                return told
            if first.keys() != told.keys() or any(told[name] < worked for name, worked in first.items()):
                first = told  # one is back, or was started anew
        raise AssertionError(f"the workers: {first}\n{self.log('launcher')[-2000:]}\n{self.log('second')[-2000:]}")


@pytest.fixture(scope="module")
def demonstration() -> Iterator[Demonstration]:
    with Demonstration() as running:
        running.until_both_work()
        yield running


def bring_about(fault: str, demonstration: Demonstration) -> None:
    """Nothing is started again here."""
    if fault == STOPPED:
        postmaster = int((demonstration.postgres.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGINT)  # "fast": as an administrator stops it
        assert processes.wait_until_gone(postmaster, 30)
        return
    [pid] = processes.working_in(demonstration.valkey.data)
    if fault == KILLED:
        os.kill(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGSTOP)
        assert processes.wait_until_gone(pid, MOST_HANGING + 15), "the launcher lets a hanging Valkey hang"


def faults() -> Iterator[str]:
    """Valkey killed and hung in turn; PostgreSQL stopped after every fifth, and at the end."""
    for number in range(1, ROUNDS + 1):
        yield KILLED if number % 2 else HANGS
        if number % 5 == 0 or number == ROUNDS:
            yield STOPPED


def test_the_demonstration_answers_again_by_itself_each_time(demonstration: Demonstration) -> None:
    acknowledged = []
    for number, fault in enumerate(faults(), 1):
        bring_about(fault, demonstration)
        demonstration.tell_of_customer(f"round-{number}")
        acknowledged.append(demonstration.redeem_for(f"round-{number}"))
        until_well(demonstration, BACK)
        assert Answer(demonstration, "GET", "/accounts/login/").status == 200
        worked = demonstration.until_both_work()
        sys.stdout.write(f"{number}: {fault}; both workers work: {sorted(worked.values())}\n")
        assert demonstration.processes["launcher"].poll() is None, demonstration.log("launcher")[-3000:]
    stored = {row[0] for row in demonstration.ask("SELECT public_id::text FROM redemptions_redemption")}
    assert set(acknowledged) <= stored
    assert demonstration.check_ledger()["faults"] == []

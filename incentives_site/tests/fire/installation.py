"""One installation with durable services in a temporary folder: PostgreSQL, Valkey, web workers, a task worker."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from incentives_site.services.local import temporary_folder
from incentives_site.services.postgres import DURABLE, Postgres
from incentives_site.services.valkey import Valkey

PATIENCE = 120
RETRIED = frozenset({429, 500, 502, 503, 504})


class Installation:
    """``with Installation(plan) as it``: everything runs; killing and starting again is what it is for."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.folder = temporary_folder("fire-")
        self.postgres = Postgres(self.folder / "pg", DURABLE)
        self.valkey = Valkey(self.folder / "valkey")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "DATABASE_URL": self.postgres.url(), "REDIS_URL": self.valkey.url(), "VAR_DIR": str(self.folder), "DEMO": "1",
            "TASKS_EAGER": "0", "LOG_LEVEL": "INFO", "API_RATE_PER_SECOND": "100000", "API_RATE_BURST": "100000",
            "CELERY_BROKER_URL": "",
        }  # fmt: skip
        return os.environ | own

    def __enter__(self) -> "Installation":
        try:
            self.postgres.start()
            self.valkey.start()
            seeded = self.run(sys.executable, "-m", "incentives_site.tests.fire.seed", json.dumps(self.plan))
            self.key: str = json.loads(seeded.splitlines()[-1])["key"]
            self.start("web")
            self.start("worker")
            self.wait_for_web()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.valkey.remove()
        self.postgres.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- Processes ----------------------------------------------------------------------------------------------------

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, env=self.environment, check=False, capture_output=True, text=True, timeout=PATIENCE
        )
        if done.returncode:
            raise AssertionError(f"{command[1:4]} ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        return done.stdout

    def start(self, name: str) -> None:
        python = [sys.executable, "-m"]
        commands = {
            "web": [
                *python, "gunicorn", "incentives_site.wsgi", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread",
                "--workers", "2", "--threads", "4", "--no-control-socket", "--log-level", "critical",
            ],
            "worker": [
                *python, "incentives_site.services.keep", sys.executable, "-m", "celery", "--quiet", "-A", "incentives_site",
                "worker", "--concurrency", "1", "--loglevel", "INFO",
                "--without-gossip", "--without-mingle", "--without-heartbeat",
            ],
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                commands[name], cwd=settings.BASE_DIR, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_for_web(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            time.sleep(0.2)
        raise AssertionError("the web server did not come up")

    def kill_a_web_worker(self) -> None:
        parent = self.processes["web"].pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

    def kill_the_task_worker(self) -> None:
        process = self.processes["worker"]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.start("worker")

    def kill_postgres(self) -> None:
        """The postmaster, at once; its children notice and go. Then it starts again and recovers."""
        os.kill(int((self.postgres.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        time.sleep(0.5)
        self.postgres.start()

    def work_a_task(self, seconds: float = 60) -> None:
        """Send a task and wait until the worker has worked it: its log says so."""
        send = "from redemptions.tasks import refresh_tier; refresh_tier.apply_async(kwargs={'customer': %d}, retry=False)"
        [(customer,)] = self.ask("SELECT min(id) FROM customers_customer")
        before = self.tasks_worked()
        end = time.monotonic() + seconds
        while self.tasks_worked() == before:
            if time.monotonic() > end:
                raise AssertionError(f"the worker did not work a task within {seconds} s:\n{self.log('worker')[-3000:]}")
            with suppress(AssertionError):
                self.run(sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", send % customer)
            time.sleep(0.5)

    def tasks_worked(self) -> int:
        return self.log("worker").count("] succeeded in ")

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- What it says -------------------------------------------------------------------------------------------------

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.postgres.url()) as connection:
            return connection.execute(sql).fetchall()

    def check_ledger(self) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "manage.py", "check_ledger", "--json"],
            cwd=settings.BASE_DIR, env=self.environment, check=False, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert found["ok"] is (done.returncode == 0)
        return found


class Client:
    """A partner's client as it should be: the same Idempotency-Key until there is an answer."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.connection: http.client.HTTPConnection | None = None
        self.retries = 0

    def post(self, path: str, body: dict[str, Any], *, key: str = "") -> tuple[int, dict[str, Any]]:
        """Status and answer, however often it takes."""
        key = key or str(uuid.uuid4())
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                status, answer = self._once(path, body, key)
                if status not in RETRIED:
                    return status, answer
            except (OSError, http.client.HTTPException, ValueError):
                self.close()
            self.retries += 1
            time.sleep(0.1)
        raise AssertionError(f"no answer to {path} within {PATIENCE} s")

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _once(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.installation.port, timeout=20)
        headers = {
            "Authorization": f"Api-Key {self.installation.key}", "Idempotency-Key": key, "Content-Type": "application/json",
        }  # fmt: skip
        self.connection.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read() or b"{}")

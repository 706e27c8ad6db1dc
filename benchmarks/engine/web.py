"""Quotes over HTTP: a real gunicorn on loopback with one worker and four threads, as ``Procfile`` runs it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import workloads
from .catalogue import Catalogue
from .turns import PROJECT, Failed, log_folder

THREADS = 4
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int

    def worker(self) -> int:
        """The process that answers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(children[0])

    def memory(self) -> tuple[float, float]:
        """Megabytes that the worker has resident, and the most it ever had."""
        status = Path(f"/proc/{self.worker()}/status").read_text()
        return tuple(int(status.split(f"{name}:")[1].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


@contextmanager
def serving(catalogue: Catalogue) -> Iterator[Server]:
    """A server of the catalogue's incentives, ended at the end of the block."""
    environment = os.environ | catalogue.environment | {"DJANGO_SETTINGS_MODULE": "benchmarks.engine.web_settings"}
    with socket.create_server(("127.0.0.1", 0)) as listening, (log_folder() / "web.log").open("w") as log:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "gunicorn", "incentives_site.wsgi", "--bind", f"fd://{descriptor}"]
        command += ["--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS), "--timeout", "120"]
        command += ["--keep-alive", "60", "--graceful-timeout", "1", "--no-control-socket", "--log-level", "warning"]
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, pass_fds=[descriptor], stdout=log, stderr=log)
        try:
            server = Server(listening.getsockname()[1], process.pid)
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(server: Server, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failed(f"The web server ended at once; see {log_folder() / 'web.log'}")
        try:
            with Caller(server) as caller:
                caller.bare()
            return
        except OSError:
            time.sleep(0.2)
    raise Failed("The web server did not answer.")


class Caller:
    """One kept connection. ``quote`` and ``bare`` answer the nanoseconds from sending to the last byte."""

    def __init__(self, server: Server, catalogue: Catalogue | None = None, *, has_customer: bool = True) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        body: dict[str, Any] = {"currency": workloads.CURRENCY, "channel": workloads.CHANNEL, "basket": workloads.basket(10)}
        if catalogue and has_customer:
            body["customer"] = {"identity": catalogue.identity}
        self.body = json.dumps(body)
        self.headers = {"Content-Type": "application/json", "Authorization": f"Api-Key {catalogue.key if catalogue else ''}"}
        self.answer: dict[str, Any] = {}

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def bare(self) -> int:
        return self._call("GET", "/bench/bare")

    def quote(self) -> int:
        return self._call("POST", "/api/v1/quotes", self.body, self.headers)

    def _call(self, *request: Any) -> int:
        started = time.perf_counter_ns()
        self.connection.request(*request)
        response = self.connection.getresponse()
        body = response.read()
        taken = time.perf_counter_ns() - started
        if response.status != 200:
            raise Failed(f"{request[1]} answered {response.status}: {body[:300]!r}")
        self.answer = json.loads(body)
        return taken


def crowd(server: Server, catalogue: Catalogue, *, times: int, seconds: float) -> int:
    """Quotes from as many callers as the worker has threads, so that each of them has answered; how many there were."""
    end, done, failed = time.monotonic() + seconds, [0] * THREADS, list[BaseException]()

    def call(who: int) -> None:
        try:
            with Caller(server, catalogue) as caller:
                for _ in range(times):
                    caller.quote()
                    done[who] += 1
                    if time.monotonic() > end:
                        return
        except (Failed, OSError) as error:
            failed.append(error)

    callers = [threading.Thread(target=call, args=[who]) for who in range(THREADS)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    if failed:
        raise failed[0]
    return sum(done)

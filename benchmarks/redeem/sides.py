"""Those that are measured: our own clients, pgbench, a web server."""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from incentives_site.services.postgres import binaries

from . import shop

PROJECT = Path(__file__).resolve().parent.parent.parent
SCRIPT = Path(__file__).resolve().parent / "floor.sql"


class Failed(Exception):
    """Something that was measured did not do its work."""


def log(name: str) -> Path:
    folder = PROJECT / "var" / "bench" / "log"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


@dataclass
class Rounds:
    """What a side did: transactions a second and 95th percentile (milliseconds) of each round."""

    rates: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def tail(self) -> float:
        return statistics.median(self.tails)


class Clients:
    """So many clients that work at the same time, in so many processes."""

    def __init__(self, number: int, how: str, processes: int = 1) -> None:
        self.number, self.how, self.shares = number, how, processes

    def __enter__(self) -> "Clients":
        with ExitStack() as stack:
            output = stack.enter_context(log("redeem-clients.log").open("a"))
            command = [sys.executable, "-m", "benchmarks.redeem.client", self.how, str(self.number // self.shares)]
            self.processes = []
            for _ in range(self.shares):
                process = subprocess.Popen(
                    command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True
                )
                stack.callback(_end, process)
                self.processes.append(process)
            self._read()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def round(self, into: Rounds, what: str, seconds: float) -> None:
        for process in self.processes:
            process.stdin.write(json.dumps({"seconds": seconds, "what": what}) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        answers = self._read()
        taken = sorted(ms for answer in answers for ms in answer["ms"])  # type: ignore[attr-defined]
        into.rates.append(sum(len(answer["ms"]) / answer["seconds"] for answer in answers))  # type: ignore[arg-type,operator]
        into.tails.append(taken[int(len(taken) * 0.95)])

    def _read(self) -> list[dict[str, object]]:
        """What each client answers."""
        lines = [process.stdout.readline() for process in self.processes]  # type: ignore[union-attr]
        if not all(lines):
            raise Failed(f"A client ended; see {log('redeem-clients.log')}")
        return [answer for line in lines for answer in json.loads(line)]


def _end(process: "subprocess.Popen[str]") -> None:
    process.stdin.close()  # type: ignore[union-attr]
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class Pgbench:
    """The hand-written script. ``sample`` is what one redemption of ours wrote, so that the same is written here."""

    sample: dict[str, str]

    def round(self, into: Rounds, *, clients: int, seconds: float, only: int = -1) -> None:
        """``only`` is the number of the one incentive that all redeem; a client that fails ends the measurement."""
        into.rates.append(self._run(clients, f"--time={max(1, round(seconds))}", only))

    def trade(self, orders: int) -> None:
        """Leaves about so many orders behind, of all incentives."""
        self._run(8, f"--transactions={orders // 8}", -1)

    def _run(self, clients: int, until: str, only: int) -> float:
        parts = urlsplit(os.environ["DATABASE_URL"])
        options = parse_qs(parts.query)
        command = [str(binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={SCRIPT}"]
        command += [f"--client={clients}", f"--jobs={min(clients, 2)}", until]
        command += [f"--host={options['host'][0]}", f"--port={parts.port or options.get('port', ['5432'])[0]}"]
        command += [f"--username={parts.username or 'postgres'}"]
        sizes = {"incentives": shop.INCENTIVES, "customers": shop.CUSTOMERS, "only": only}
        command += [f"--define={name}={value}" for name, value in {**sizes, **self.sample}.items()]
        done = subprocess.run([*command, parts.path[1:]], capture_output=True, text=True, timeout=300, check=False)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
        if done.returncode or not found or (failed and failed[1] != "0"):
            raise Failed(f"pgbench failed: {done.stderr[-500:]}")
        return float(found[1])


@contextmanager
def serving(workers: int) -> Iterator[int]:
    """A real gunicorn on loopback, as ``Procfile`` runs it; its port."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.redeem.web_settings"}
    with socket.create_server(("127.0.0.1", 0)) as listening, log("redeem-web.log").open("w") as output:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "gunicorn", "incentives_site.wsgi", "--bind", f"fd://{descriptor}"]
        command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", "4", "--timeout", "120"]
        command += ["--keep-alive", "60", "--graceful-timeout", "1", "--no-control-socket", "--log-level", "warning"]
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, pass_fds=[descriptor], stdout=output, stderr=output)
        try:
            time.sleep(0.5)
            if process.poll() is not None:
                raise Failed(f"The web server ended at once; see {log('redeem-web.log')}")
            yield listening.getsockname()[1]
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

"""The demonstration in one process group: services, schema, data, then web, worker and beat until somebody stops it.

The processes are those of ``Procfile``. Whatever ends this process, nothing stays behind: a signal stops everything in order, and
what a ``kill -9`` left over is found by its pid file and ended by the next start.
"""

import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from . import local, locations, processes
from .processes import ServiceError
from .valkey import Valkey

PATIENCE = 120  # seconds until the web has to answer
MOST_HANGING = 5.0  # seconds that a Valkey may hang
TO_COME_ROUND = 2.0  # seconds that a start waits for a server that hangs; then it is looked at again


class Stopped(BaseException):
    """Somebody asked the demonstration to end."""

    def __init__(self, signum: int) -> None:
        self.code = 128 + signum


def run(*, reset: bool = False, with_parent: bool = False) -> int:
    """Runs until a signal or until one of the processes ends; returns the exit code.

    ``with_parent`` also stops when the calling process (``make``) has gone or was asked to end.
    """
    var = locations.data_folder()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _raise_stopped)
    try:
        with _only_one(var):
            _end_leftovers(var)
            services = local.LocalServices(var)
            if reset:
                _delete_data(services)
            host, port = os.environ.get("HOST") or "127.0.0.1", _port()
            _require_free(host, port)
            os.environ.update(_environment(var, host, port))
            if with_parent:
                _watch_parent()
            try:
                print("Starting PostgreSQL and Valkey …", flush=True)
                services.start()
                _prepare(var)
                with _kept_up(services):
                    return _serve(var, port)
            finally:
                _ignore_signals()
                _end_leftovers(var)
                services.stop()
                print("Everything is stopped; the data are kept.", flush=True)
    except Stopped as stopped:
        return stopped.code


def stop() -> int:
    """Stops a running demonstration, what a killed one left over, and the services."""
    var = locations.data_folder()
    if pid := _running(var):
        os.kill(pid, signal.SIGTERM)
        if not processes.wait_until_gone(pid, 30):
            raise ServiceError(f"The demonstration (process {pid}) does not end.")
    _end_leftovers(var)
    local.LocalServices(var).stop()
    return 0


def _raise_stopped(signum: int, frame: FrameType | None) -> None:
    _ignore_signals()  # a second signal must not interrupt the orderly end: terminals and make often send several
    raise Stopped(signum)


def _ignore_signals() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)


def _environment(var: Path, host: str, port: int) -> dict[str, str]:
    """What the processes of the demonstration see; the caller's own values win."""
    defaults = {
        "DEMO": "1",
        "DJANGO_SETTINGS_MODULE": "incentives_site.settings",
        "LOG_LEVEL": "WARNING",
        "BASE_URL": _address(host, port),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",  # such as Celery's about running as root, which the first try of a product may do
    }
    return {
        **{name: os.environ.get(name) or value for name, value in defaults.items()},
        "HOST": host,
        "PORT": str(port),
        "VAR_DIR": str(var),
        # The programs of this interpreter's environment come first, whether or not it is activated.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }


def _address(host: str, port: int) -> str:
    """Where this machine reaches the web, also when it listens on all addresses."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _port() -> int:
    given = os.environ.get("PORT") or "8000"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise ServiceError(f"PORT must be a number from 1 to 65535, not {given!r}.")
    return int(given)


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceError(
                f"{host}:{port} cannot be used: {error.strerror}. Choose another with PORT=… (or HOST=…)."
            ) from error


# --- Only one, and nothing left over ---------------------------------------------------------------------------------


def _lock_file(var: Path) -> Path:
    return var / "run" / "demo.lock"


def _try_lock(file: TextIO) -> bool:
    try:
        # A record lock belongs to this process alone: children that outlive a kill -9 do not keep it.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _only_one(var: Path) -> Iterator[None]:
    path = _lock_file(var)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _try_lock(file):
            file.seek(0)
            raise ServiceError(
                f"The demonstration runs already on {var} (process {file.read().strip()}). Stop it with `make stop`."
            )
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


def _running(var: Path) -> int | None:
    """The process of the running demonstration."""
    with suppress(FileNotFoundError), _lock_file(var).open("r+") as file:
        if not _try_lock(file):
            return int(file.read().strip() or 0) or None
    return None


def _recorded(var: Path, name: str, command: str) -> str:
    """A shell line that notes its own process and its parent's, then becomes ``command``."""
    return f"echo $$ $PPID > {shlex.quote(str(var / 'run' / name))}.pid; exec {command}"


def _end_leftovers(var: Path) -> None:
    """Ends the processes a killed demonstration left over.

    A recorded pid may be another program's by now: the process must know our data folder.
    """
    for path in (var / "run").glob("*.pid"):
        recorded = [int(word) for word in path.read_text().split()]
        if recorded and f"VAR_DIR={var}" in _strings(recorded[0], "environ"):
            processes.end_group(recorded[0])
        for watcher in recorded[1:]:
            # honcho's watcher ends with what it watches, unless it hangs on a pipe nobody reads any more.
            ours = watcher != os.getpid() and "incentives_site.services" in _strings(watcher, "cmdline")
            if ours and not processes.wait_until_gone(watcher, 1):
                os.kill(watcher, signal.SIGKILL)
        path.unlink(missing_ok=True)


def _strings(pid: int, kind: str) -> list[str]:
    """The environment or the command line of a process; empty when there is none, or the system does not tell."""
    try:
        return Path(f"/proc/{pid}/{kind}").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _delete_data(services: local.LocalServices) -> None:
    if services.postgres is None or services.valkey is None:
        raise ServiceError(
            "DATABASE_URL or REDIS_URL is set: data on a server that is not ours are not deleted. Unset them first."
        )
    services.remove()
    (services.folder / "demo.json").unlink(missing_ok=True)


def _watch_parent() -> None:
    """Sends ourselves SIGTERM when the calling process has gone, or took a Ctrl-C that was sent to it alone."""
    parent = os.getppid()
    catches = _catches_interrupt(parent)

    def watch() -> None:
        while os.getppid() == parent and (not catches or _catches_interrupt(parent)):
            time.sleep(0.25)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _catches_interrupt(pid: int) -> bool:
    """Whether the process has a handler for Ctrl-C. make gives its own up when it was interrupted and waits for us to end."""
    with suppress(OSError, IndexError):
        caught = Path(f"/proc/{pid}/status").read_text().split("SigCgt:")[1].split()[0]
        return bool(int(caught, 16) >> (signal.SIGINT - 1) & 1)
    return False


# --- The parts -------------------------------------------------------------------------------------------------------


def _prepare(var: Path) -> None:
    """Brings schema and demo data up to date; stops doing so when we are stopped."""
    command = shlex.join([sys.executable, "-m", "incentives_site.services.prepare"])
    child = subprocess.Popen(  # noqa: S602 - the line is ours
        _recorded(var, "prepare", command),
        shell=True,
        cwd=locations.PROJECT,
        start_new_session=True,  # signals reach it through us alone, once
    )
    try:
        code = child.wait()
    except BaseException:
        processes.end_group(child.pid)
        raise
    finally:
        (var / "run" / "prepare.pid").unlink(missing_ok=True)
    if code:
        raise ServiceError(f"The database could not be prepared (exit code {code}); see the lines above.")


@contextmanager
def _kept_up(services: local.LocalServices) -> Iterator[None]:
    """Starts PostgreSQL and Valkey again when one of them dies meanwhile: web and worker only need a new connection.

    A Valkey that hangs for ``MOST_HANGING`` seconds is killed first. PostgreSQL is never killed: what it is asked may take long.
    """
    leaving = threading.Event()

    def watch() -> None:
        hanging_since: float | None = None
        while not leaving.wait(1):
            for service in services.ours:
                if service.is_ready() or leaving.is_set():
                    hanging_since = None if isinstance(service, Valkey) else hanging_since
                    continue
                try:
                    if isinstance(service, Valkey):
                        hanging_since = hanging_since or time.monotonic()
                        if time.monotonic() - hanging_since > MOST_HANGING and service.end_hanging():
                            print("Valkey did not answer any more and was ended.", flush=True)
                    if service.start(seconds=TO_COME_ROUND):
                        print(f"{type(service).__name__} had died; it runs again.", flush=True)
                except (ServiceError, OSError) as error:
                    print(error, file=sys.stderr, flush=True)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        leaving.set()
        watcher.join()


def _serve(var: Path, port: int) -> int:
    manager = Manager(Printer(sys.stdout))
    for name, command in parse_procfile((locations.PROJECT / "Procfile").read_text(encoding="utf-8")).processes.items():
        kept = f"{shlex.quote(sys.executable)} -m incentives_site.services.keep {command}"
        manager.add_process(name, _recorded(var, name, kept), env=dict(os.environ), cwd=str(locations.PROJECT))
    threading.Thread(target=_announce, args=(var, port), daemon=True).start()
    manager.loop()
    return manager.returncode or 0


def _announce(var: Path, port: int) -> None:
    """Prints where to go and how to sign in, once the web answers that it is well."""
    address = f"{_address(os.environ['HOST'], port)}/healthz"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(0.5)
        with suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    print(_welcome(var), flush=True)
                    return
    print(f"The web does not answer on {address}; see the lines above.", file=sys.stderr, flush=True)


def _welcome(var: Path) -> str:
    lines = ["", f"  Ready: {os.environ['BASE_URL']}    (Ctrl-C stops everything and keeps the data)", ""]
    try:
        users = json.loads((var / "demo.json").read_text(encoding="utf-8"))["users"]
    except (OSError, ValueError, KeyError):
        users = []
    if users:
        rows = [("sign in as", "e-mail", "password"), *((user["role"], user["email"], user["password"]) for user in users)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines += [
            ("  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip() for row in rows
        ]
        lines += ["", f"  The same, and the partners' API keys: {var / 'demo.json'}", ""]
    return "\n".join(lines)

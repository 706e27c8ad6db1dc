"""PostgreSQL and Valkey together: those the environment does not point to elsewhere.

``DATABASE_URL`` names a PostgreSQL that is not ours to start or stop; ``REDIS_URL`` the same for Valkey.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from . import locations, processes
from .postgres import DURABLE, THROW_AWAY, Postgres, identity
from .valkey import Valkey

TEMPORARY_PREFIX = "incentives-throwaway-"
# What tests and checks run with, whatever the developer's shell says.
THROW_AWAY_ENVIRONMENT = MappingProxyType({"DEMO": "1", "TASKS_EAGER": "1", "LOG_LEVEL": "WARNING"})


@dataclass
class LocalServices:
    """The services below one data folder. ``start`` and ``stop`` may be called in any state."""

    folder: Path
    settings: dict[str, str] = field(default_factory=lambda: DURABLE)
    postgres: Postgres | None = field(init=False)
    valkey: Valkey | None = field(init=False)
    started: list[Postgres | Valkey] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.postgres = None if os.environ.get("DATABASE_URL") else Postgres(self.folder / "pg", self.settings)
        self.valkey = None if os.environ.get("REDIS_URL") else Valkey(self.folder / "valkey")

    @property
    def ours(self) -> list[Postgres | Valkey]:
        return [service for service in (self.postgres, self.valkey) if service]

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use these services."""
        variables = {"VAR_DIR": str(self.folder)}
        if self.postgres:
            variables["DATABASE_URL"] = self.postgres.url()
        if self.valkey:
            variables["REDIS_URL"] = self.valkey.url()
        return variables

    def start(self) -> None:
        """Starts what does not run yet; when one of them fails, what this call started is stopped again."""
        try:
            for service in self.ours:
                if service.start():
                    self.started.append(service)
        except BaseException:
            self.stop_started()
            raise

    def stop(self) -> None:
        """Stops the services whoever started them."""
        for service in reversed(self.ours):
            service.stop()
        self.started.clear()

    def stop_started(self) -> None:
        """Stops only what this object started."""
        while self.started:
            self.started.pop().stop()

    def remove(self) -> None:
        """Stops the services and deletes their data."""
        for service in reversed(self.ours):
            service.remove()
        self.started.clear()


class ThrowAwayServices(LocalServices):
    """Services in a temporary folder of their own, for tests and checks. ``remove`` leaves nothing behind."""

    def __init__(self) -> None:
        super().__init__(temporary_folder(), settings=THROW_AWAY)

    def environment(self) -> dict[str, str]:
        return super().environment() | THROW_AWAY_ENVIRONMENT

    def remove(self) -> None:
        super().remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def temporary_folder(kind: str = "") -> Path:
    """A data folder that this process owns: when it is killed, the next one that asks for such a folder clears it away."""
    remove_orphans()
    folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY_PREFIX}{kind}"))
    (folder / "owner").write_text(str(os.getpid()))
    if identity().user:
        folder.chmod(0o711)  # the server's user has to pass through
    return folder


def remove_orphans() -> None:
    """Removes throw-away services whose owner was killed before it could, and ends what still works for them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError, ValueError):
            if folder.stat().st_uid == os.geteuid() and not processes.is_alive(int((folder / "owner").read_text())):
                processes.end_all_of(folder)
                Postgres(folder / "pg").remove()
                Valkey(folder / "valkey").remove()
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(*, throw_away: bool = False) -> Iterator[dict[str, str]]:
    """The services for the time of a block, and the environment to use them. What ran before keeps running."""
    services = ThrowAwayServices() if throw_away else LocalServices(locations.data_folder())
    try:
        services.start()
        yield services.environment()
    finally:
        if throw_away:
            services.remove()
        else:
            services.stop_started()

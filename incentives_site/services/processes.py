"""What the services need to know of the operating system: who is alive, who holds a lock, and how to end a process for good."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class ServiceError(Exception):
    """A service cannot do what it was asked; the message is a sentence for the person at the terminal."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Only one process at a time is inside: the others wait. The lock dies with its holder, so none is ever left over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def state(pid: int) -> str:
    """One letter as in ``ps``: ``Z`` is dead but not yet collected by its parent; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        pass
    except (OSError, IndexError):
        return ""
    if Path("/proc/self").exists():
        return ""
    try:  # systems without /proc
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "R"


def is_alive(pid: int) -> bool:
    """A zombie is not alive, although signals to it do not fail."""
    return state(pid) not in {"", "Z", "X"}


def working_in(folder: Path) -> list[int]:
    """The living processes whose working folder this is: a server works in its data, whatever its pid file says."""
    found, folder = [], folder.resolve()
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError, ValueError):
            pid = int(link.parent.name)
            if link.readlink() == folder and is_alive(pid):
                found.append(pid)
    return sorted(found)


def require_idle(folder: Path, name: str, seconds: float) -> None:
    """Wait until no server works in a data folder. Raises ``ServiceError`` when one that does not answer stays.

    Two servers on the same files would destroy them, so nothing is ever started beside one that merely hangs.
    """
    end = time.monotonic() + seconds
    while pids := working_in(folder):
        if time.monotonic() > end:
            raise ServiceError(
                f"{name} (process {pids[0]}) works on {folder} but does not answer. Nothing is started beside it: wait until it "
                f"answers again, or end it with `kill {pids[0]}`."
            )
        time.sleep(0.1)


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Also collects the process when it is a child of this one."""
    end = time.monotonic() + seconds
    while True:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not is_alive(pid):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.02)


def end_group(pgid: int, seconds: float = 5.0) -> None:
    """Asks every process of the group to end, and kills those that have not after ``seconds``."""
    for signum, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pgid, signum)
        if wait_until_gone(pgid, patience):
            break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, signal.SIGKILL)  # members that outlived their leader


def end_all_of(folder: Path) -> None:
    """Kills the processes that were started to work in a data folder (``VAR_DIR``): web servers and workers of a dead owner."""
    named = b"VAR_DIR=" + os.fsencode(folder)
    for environment in Path("/proc").glob("[0-9]*/environ"):
        pid = int(environment.parent.name)
        with suppress(OSError):
            if pid != os.getpid() and named in environment.read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)

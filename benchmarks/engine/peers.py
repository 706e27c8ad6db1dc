"""Installs the engines we are measured against below ``var/bench/peers``, from their registries, at the versions locked here."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from incentives_site.services import install

from .turns import PROJECT

LOCKS = PROJECT / "benchmarks" / "peers"
INSTALLED = PROJECT / "var" / "bench" / "peers"
PATIENCE = 240
# Look at every index, as pip does. The hashes rule out what this option warns of: another package under the same name.
EVERY_INDEX = ("--index-strategy", "unsafe-best-match")


class NotInstalled(Exception):
    """A peer cannot be had here; the message is a sentence for its rows."""


def python(name: str) -> str:
    """The interpreter of the peer's own environment. Raises ``NotInstalled``."""
    home = INSTALLED / name
    lock = LOCKS / name / "requirements.txt"
    program = home / "bin" / "python"

    def make() -> None:
        uv = install.VENV / "bin" / "uv"
        environment = os.environ | install.uv_settings()
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, home], environment)
        _run(
            [uv, "pip", "install", "--quiet", "--python", program, "--no-deps", "--require-hashes", "-r", lock, *EVERY_INDEX],
            environment,
        )

    _once(name, home, lock.read_bytes(), make)
    return str(program)


def node(name: str) -> Path:
    """The folder in which the peer's packages lie. Raises ``NotInstalled``."""
    home = INSTALLED / name
    if not shutil.which("node") or not shutil.which("npm"):
        raise NotInstalled("node and npm are not on this machine")

    def make() -> None:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for file in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(LOCKS / name / file, home / file)
        _run(["npm", "ci", "--silent"], dict(os.environ), folder=home)

    _once(name, home, (LOCKS / name / "package-lock.json").read_bytes(), make)
    return home


def _once(name: str, home: Path, lock: bytes, make: Callable[[], None]) -> None:
    stamp = home / ".installed"
    wanted = hashlib.sha256(lock).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"  installing {name} …", flush=True)
    INSTALLED.mkdir(parents=True, exist_ok=True)
    make()
    stamp.write_text(wanted)


def _run(command: list[object], environment: dict[str, str], folder: Path = PROJECT) -> None:
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{Path(words[0]).name}: {error}") from error
    if done.returncode:
        said = done.stdout.strip().splitlines()
        raise NotInstalled(f"{Path(words[0]).name} {words[1]} failed: {said[-1][:200] if said else 'it said nothing'}")

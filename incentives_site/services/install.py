#!/usr/bin/env python3
"""Makes ``.venv`` and installs the locked packages; run by make with the machine's own Python, before anything is installed.

``install.py demo`` installs what the product and its demo data need, ``dev`` everything for tests as well, ``browser`` a Chromium
where there is none. Each says nothing and takes no time when it is done already. Packages are checked against recorded hashes.
Standard library only, and no import of ours.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"demo": ["requirements.txt", "requirements-demo.txt"], "dev": ["requirements-dev.txt"]}


def main() -> None:
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what == "browser":
        install_browser()
    elif what in LOCKS:
        if not works():
            make_environment()
        install(what)
    else:
        sys.exit("usage: install.py demo|dev|browser")


def run(*command: object, quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run([str(word) for word in command], stdout=output, stderr=output, check=False).returncode == 0


def works() -> bool:
    """Whether the environment's Python runs and has pip: a half-made one, or one whose Python was upgraded away, is made anew."""
    return PYTHON.exists() and run(PYTHON, "-c", "import pip", quiet=True)


def make_environment() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the sentence below is for those who try an older one
        sys.exit(
            f"Python 3.11 or newer is needed, {sys.version.split()[0]} is used. Name another: make … PYTHON=/path/to/python3.11"
        )
    print(f"Making .venv with Python {sys.version.split()[0]} …", flush=True)
    if try_making():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("This Python has no ensurepip: installing python3-venv …", flush=True)
        install_packages("python3-venv")
        if try_making():
            return
    sys.exit(
        "This Python cannot make an environment with pip, because ensurepip is missing. "
        "Ask an administrator for `apt-get install python3-venv`, then try again."
    )


def try_making() -> bool:
    """Tries the standard way, then those that need no ensurepip."""
    if run(sys.executable, "-m", "venv", "--clear", VENV, quiet=True) and works():
        return True
    for maker in ("uv", "virtualenv"):
        if program := shutil.which(maker):
            arguments = ["venv", "--quiet", "--clear", "--seed"] if maker == "uv" else ["--quiet", "--clear"]
            if run(program, *arguments, "--python", sys.executable, VENV) and works():
                return True
    if run(sys.executable, "-c", "import pip", quiet=True) and run(
        sys.executable, "-m", "venv", "--clear", "--without-pip", VENV
    ):
        run(sys.executable, "-m", "pip", "--quiet", "--python", PYTHON, "install", "pip")
    return works()


def install_packages(*names: str) -> bool:
    """Debian packages; only root may."""
    quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    run(*quietly, "update", quiet=True)
    return run(*quietly, "install", "-y", "--no-install-recommends", *names, quiet=True)


def install(what: str) -> None:
    locks = [PROJECT / name for name in LOCKS[what]]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in locks)).hexdigest()
    stamp = VENV / f".installed-{what}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for other in LOCKS:  # the sets share packages: what another set installed may be replaced by a newer pin
        (VENV / f".installed-{other}").unlink(missing_ok=True)
    started = time.monotonic()
    print(f"Installing the packages of {', '.join(path.name for path in locks)} …", flush=True)
    if not install_with_uv(locks) and not install_with_pip(locks):
        sys.exit("The packages could not be installed; see the lines above.")
    stamp.write_text(wanted)
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def listed(locks: list[Path]) -> list[object]:
    return [word for path in locks for word in ("-r", path)]


def install_with_uv(locks: list[Path]) -> bool:
    """uv takes seconds where pip takes a minute. It does not read pip's configuration: that is handed over."""
    uv = VENV / "bin" / "uv"
    lock = PROJECT / "requirements-uv.txt"
    if not pip_install("-r", lock, quiet=True) or not uv.exists():
        return False
    environment = {**os.environ, **uv_settings()}
    command = [uv, "pip", "install", "--quiet", "--python", PYTHON, "--no-deps", "--require-hashes", *listed(locks)]
    # Look at every index, as pip does. The hashes rule out what this option warns of: another package under the same name.
    command += ["--index-strategy", "unsafe-best-match"]
    done = subprocess.run([str(word) for word in command], env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"uv could not install them, so pip does. uv said: {done.stderr.strip()[-300:]}", flush=True)
    return done.returncode == 0


def uv_settings() -> dict[str, str]:
    """What the machine's pip was told about where packages come from, in uv's words."""
    told = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    values: dict[str, str] = {}
    for line in told.splitlines():
        name, _, value = line.partition("=")
        values[name.rpartition(".")[2]] = value.strip("'\"")  # the last wins: the environment after the files
    known = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "cert": "SSL_CERT_FILE",
        "default-timeout": "UV_HTTP_TIMEOUT",
    }
    return {ours: values[theirs] for theirs, ours in known.items() if values.get(theirs) and ours not in os.environ}


def install_with_pip(locks: list[Path]) -> bool:
    return pip_install(*listed(locks))


def pip_install(*what: object, quiet: bool = False) -> bool:
    return run(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", *what, quiet=quiet)


def install_browser() -> None:
    if Path("/usr/bin/chromium").exists() or playwright_has_browser():
        return
    print("Installing Chromium …", flush=True)
    if os.geteuid() == 0 and shutil.which("apt-get") and install_packages("chromium", "fonts-dejavu-core"):
        return
    if not run(PYTHON, "-m", "playwright", "install", "chromium"):
        sys.exit("Chromium could not be installed. Ask an administrator for `apt-get install chromium`, then try again.")


def playwright_has_browser() -> bool:
    question = (
        "from pathlib import Path; from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: raise SystemExit(not Path(p.chromium.executable_path).exists())"
    )
    return run(PYTHON, "-c", question, quiet=True)


if __name__ == "__main__":
    main()

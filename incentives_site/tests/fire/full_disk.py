"""The disk is full: what cannot be stored is refused in words, what runs goes on, and nothing acknowledged is lost.

Run by ``make fire-services`` alone: it mounts a small file system, which takes root.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from incentives_site.tests.fire.servers_away import order, redeem, until_well

from .installation import Client, Installation

SIZE = "700m"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    disk = Path(tempfile.mkdtemp(prefix="full-disk-"))
    disk.chmod(0o755)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(disk)], capture_output=True, check=False)
    assert mounted.returncode == 0, f"A small file system cannot be mounted; run this as root: {mounted.stderr.decode()}"
    before, tempfile.tempdir = tempfile.tempdir, str(disk)
    try:
        with Installation({"uses": 10**7, "customers": 3, "codes": {}}) as running:
            yield running
    finally:
        tempfile.tempdir = before
        subprocess.run(["umount", "--lazy", str(disk)], check=False)
        disk.rmdir()


def fill(folder: Path) -> Path:
    """Take all that is left of the disk."""
    filler = folder / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
            file.flush()
    with filler.open("ab") as file, contextlib.suppress(OSError):
        while True:
            os.write(file.fileno(), b"\0")
    return filler


def test_a_full_disk_ends_nothing_that_can_go_on(installation: Installation) -> None:
    acknowledged = []
    for number in range(3):
        with Client(installation) as client:
            status, answer = client.post("redemptions", order(f"before-{number}"), key=f"before-{number}")
            assert status == 201
            acknowledged.append(answer["id"])
    filler = fill(installation.folder)
    statuses = set()
    for number in range(300):
        answer = redeem(installation, f"full-{number}")
        statuses.add(answer.status)
        if answer.status == 201:
            acknowledged.append(answer.data["id"])
        else:
            assert answer.status == 503, answer.text
            assert answer.data["code"] in {"storage-full", "database-away"}
            assert int(answer.headers["Retry-After"]) > 0
    # Everything that runs still runs: the web answers, if only to say no.
    assert installation.processes["web"].poll() is None
    assert installation.processes["worker"].poll() is None
    filler.unlink()
    time.sleep(1)
    installation.postgres.start()
    installation.valkey.start()
    until_well(installation, 60)
    assert redeem(installation, "after").status == 201
    installation.work_a_task(90)
    stored = {row[0] for row in installation.ask("SELECT public_id::text FROM redemptions_redemption")}
    assert set(acknowledged) <= stored
    assert installation.check_ledger()["faults"] == []

"""The command line: what it starts it stops, and what is not ours it leaves alone."""

import os
import signal
import subprocess
import sys

import pytest

from incentives_site.services import locations
from incentives_site.services.local import LocalServices, ThrowAwayServices, remove_orphans, temporary_folder
from incentives_site.services.postgres import THROW_AWAY


@pytest.fixture
def environment(folder):
    ours = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return ours | {"VAR_DIR": str(folder / "var")}


@pytest.fixture
def services(environment, monkeypatch, folder):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    services = LocalServices(folder / "var", THROW_AWAY)
    yield services
    services.remove()


def command(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "incentives_site.services", *arguments],
        cwd=locations.PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SEES_BOTH = (
    "import os, psycopg, redis; psycopg.connect(os.environ['DATABASE_URL']); "
    "print(redis.from_url(os.environ['REDIS_URL']).ping())"
)


def test_with_runs_a_command_and_stops_what_it_started(environment, services):
    done = command(environment, "with", "--", sys.executable, "-c", SEES_BOTH)
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
    assert not services.postgres.is_ready()
    assert not services.valkey.is_ready()


def test_with_hands_on_the_exit_code_and_leaves_running_what_ran_before(environment, services):
    services.start()
    done = command(environment, "with", "--", sys.executable, "-c", "raise SystemExit(7)")
    assert done.returncode == 7
    assert services.postgres.is_ready()
    assert services.valkey.is_ready()
    assert command(environment, "status").returncode == 0
    assert command(environment, "stop").returncode == 0
    assert command(environment, "status").returncode == 1


def test_a_command_that_does_not_exist_is_a_sentence(environment, services):
    done = command(environment, "with", "--", "no-such-program")
    assert (done.returncode, done.stderr.strip()) == (1, "no-such-program cannot be run: No such file or directory.")
    assert not services.postgres.is_ready()


def test_servers_named_by_the_environment_are_not_ours_to_start(folder, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/incentives")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    services = LocalServices(folder)
    assert services.ours == []
    assert services.environment() == {"VAR_DIR": str(folder)}


def test_throw_away_services_of_a_killed_owner_are_removed(services):
    """With what worked for them, and nothing else."""
    with subprocess.Popen(["true"]) as gone:
        pass
    left_over, mine = ThrowAwayServices(), temporary_folder("fire-")
    left_over.start()
    working, other = (
        subprocess.Popen(["sleep", "600"], env=os.environ | {"VAR_DIR": str(folder)}) for folder in (left_over.folder, mine)
    )
    (left_over.folder / "owner").write_text(str(gone.pid))

    remove_orphans()

    assert working.wait(10) == -signal.SIGKILL
    assert other.poll() is None
    assert mine.exists()
    other.kill()
    other.wait()
    mine.joinpath("owner").write_text(str(gone.pid))
    remove_orphans()
    assert not mine.exists()
    assert not left_over.folder.exists()
    assert not left_over.postgres.is_ready()
    assert not left_over.valkey.is_ready()

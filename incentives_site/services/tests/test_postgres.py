"""The embedded PostgreSQL: survives kill -9, starts once, and lives below any path. Real servers, no mocks."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from incentives_site.services import locations, processes
from incentives_site.services.postgres import THROW_AWAY, Postgres
from incentives_site.services.processes import ServiceError

START = (
    "import sys; from pathlib import Path; from incentives_site.services.postgres import Postgres; "
    "print(Postgres(Path(sys.argv[1])).start())"
)


@pytest.fixture
def server(folder):
    postgres = Postgres(folder / "pg")
    yield postgres
    postgres.remove()


def postmaster(postgres):
    return int((postgres.data / "postmaster.pid").read_text().split()[0])


def test_every_committed_row_is_there_after_the_server_was_killed(server):
    assert server.start() is True
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int PRIMARY KEY)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 20000)")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO kept VALUES (0)")  # never committed
        os.kill(postmaster(server), signal.SIGKILL)
        connection.close()

    assert server.start() is True

    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT count(*), min(id) FROM kept").fetchone() == (20000, 1)


def test_concurrent_starts_yield_one_server(server):
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(server.home)], cwd=locations.PROJECT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    answers = [starter.communicate(timeout=60)[0].strip() for starter in starters]
    assert sorted(answers) == ["False", "False", "False", "True"]
    assert server.start() is False


def test_stopping_leaves_no_process_and_a_second_stop_is_no_error(server):
    server.start()
    pid = postmaster(server)
    server.stop()
    assert not processes.is_alive(pid)
    assert not server.is_ready()
    server.stop()


def test_a_path_too_long_for_a_socket_uses_a_short_folder(folder):
    server = Postgres(folder / ("a long name " * 10).strip() / "pg", THROW_AWAY)
    try:
        server.start()
        assert server.sockets == locations.socket_folder(server.home)
        assert not server.sockets.is_relative_to(folder)
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("incentives",)
    finally:
        server.remove()
    assert not server.sockets.exists()


def test_only_the_owner_may_enter_the_socket_folder_and_nothing_listens_on_tcp(server):
    server.start()
    assert server.sockets.stat().st_mode & 0o777 == 0o700
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_server_that_cannot_start_says_why(server):
    server.start()
    server.stop()
    with (server.data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(ServiceError, match="no_such_setting"):
        server.start(seconds=0.1)


def test_a_wrong_binary_folder_is_refused_with_a_sentence(server, monkeypatch):
    monkeypatch.setenv("PG_BINDIR", str(Path("/nowhere")))
    with pytest.raises(ServiceError, match="PG_BINDIR names /nowhere"):
        server.start()


def test_nothing_is_started_beside_a_server_that_merely_hangs(server):
    """Two servers on the same files would destroy them."""
    server.start()
    pid = postmaster(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ServiceError, match=f"process {pid}.*Nothing is started beside it"):
            server.start(seconds=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert server.start() is False
    assert postmaster(server) == pid

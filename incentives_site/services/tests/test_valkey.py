"""The embedded Valkey keeps what it was given, and goes when it is told to."""

import os
import signal
import time

import pytest
import redis

from incentives_site.services import processes
from incentives_site.services.processes import ServiceError
from incentives_site.services.valkey import Valkey


@pytest.fixture
def server(folder):
    valkey = Valkey(folder / "valkey")
    yield valkey
    valkey.remove()


@pytest.fixture
def client(server):
    server.start()
    with redis.from_url(server.url()) as connection:
        yield connection


def test_start_answers_and_stop_leaves_no_process(server, client):
    pid = client.info("server")["process_id"]
    assert processes.is_alive(pid)
    assert server.start() is False
    server.stop()
    assert not processes.is_alive(pid)
    assert not server.is_ready()
    server.stop()


def test_what_was_queued_is_there_after_a_stop_and_after_a_kill(server, client):
    client.rpush("tasks", "one")
    server.stop()
    assert server.start() is True
    client.rpush("tasks", "two")
    pid = client.info("server")["process_id"]
    client.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(pid, signal.SIGKILL)
    processes.wait_until_gone(pid, 5)
    assert server.start() is True
    assert client.lrange("tasks", 0, -1) == [b"one", b"two"]


def test_it_listens_on_its_socket_alone(server, client):
    assert client.config_get("port") == {"port": "0"}
    assert server.socket.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_started_beside_a_server_that_merely_hangs(server):
    """Two servers on the same files would destroy them."""
    server.start()
    [pid] = processes.working_in(server.data)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ServiceError, match=f"process {pid}.*Nothing is started beside it"):
            server.start(seconds=1)
        assert processes.working_in(server.data) == [pid]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert server.start(seconds=10) is False


def test_one_that_hangs_for_good_is_ended_and_its_data_are_kept(server):
    server.start()
    assert server._ask("SET kept 1").startswith("+OK")
    time.sleep(1.5)  # everything but the last second is in its file
    [pid] = processes.working_in(server.data)
    os.kill(pid, signal.SIGSTOP)
    assert server.end_hanging()
    assert not processes.is_alive(pid)
    assert server.start() is True
    assert "1" in server._ask("GET kept")
    assert not server.end_hanging()


def test_stopping_ends_one_that_hangs(server):
    server.start()
    [pid] = processes.working_in(server.data)
    os.kill(pid, signal.SIGSTOP)
    server.stop(seconds=1)
    assert not processes.is_alive(pid)

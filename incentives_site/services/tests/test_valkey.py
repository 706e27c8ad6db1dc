"""The embedded Valkey keeps what it was given, and goes when it is told to."""

import os
import signal

import pytest
import redis

from incentives_site.services import processes
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

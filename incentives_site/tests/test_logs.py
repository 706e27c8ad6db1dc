"""No secret and no answerer's address reaches a log: of the application, of gunicorn as the image starts it, of a proxy."""

import io
import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.db import connection
from django.test import RequestFactory
from django.urls import get_resolver
from django.urls.resolvers import URLPattern
from django.views.debug import ExceptionReporter

from incentives_site.shared import masking

PROJECT = Path(settings.BASE_DIR)
TOKEN = "ImFiYzEyMy1kZWYi:kq9Zr_sSECRETsSIGNATURE-x1"
# What stands where a pattern has a parameter: whatever else it may be, an address must not say it.
SECRETS = (TOKEN, "Q" + "wErTy9" * 9, "c4f3d2-" + "0123456789abcdef" * 2, "ann@example.com", "ann%40example.com")
UUID = "0b5c2c1e-7d0a-4c55-9d3f-1f6f0c9a4e11"
# Parameters that name things and not people, and open nothing: their plain words may be logged.
OPEN = {
    "public_id", "incentive_id", "batch_id", "delivery_id", "number", "pk", "route", "code", "segment", "object_id", "app_label",
    "content_type_id", "uidb36", "url",
}  # fmt: skip
OPEN_WORDS = re.compile(r"^(?:surveys/|api/v1/stack-groups/|admin/)")


def patterns(found: Any = None, prefix: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Every address with parameters as a template, and the kind of each parameter."""
    for item in found or get_resolver().url_patterns:
        text = prefix + str(item.pattern)
        if not isinstance(item, URLPattern):
            yield from patterns(item.url_patterns, text)
            continue
        kinds = {name: kind for kind, name in re.findall(r"<(?:(\w+):)?(\w+)>", re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", text))}
        if kinds:
            yield re.sub(r"[\^$\\]|\\Z", "", re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text)), kinds


def test_a_secret_in_any_address_of_the_site_is_masked() -> None:
    seen = 0
    for template, kinds in patterns():
        for name, kind in kinds.items():
            if kind in {"uuid", "int"}:
                continue
            is_open = name in OPEN or (name in {"key", "id"} and OPEN_WORDS.match(template))
            for secret in SECRETS:
                if is_open and re.fullmatch(r"[a-z0-9-]{1,40}", secret):
                    continue  # it could as well be the word that names the thing
                address = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda m, n=name, s=secret: s if m[1] == n else UUID, template)
                seen += 1
                for masked in (
                    masking.masked_path(address),
                    masking.masked_message(f"Not Found: {address}"),
                    masking.masked_message(f"GET https://shop.example{address} failed"),
                ):
                    assert secret not in masked, (template, masked, "mask it in shared/masking.py, or say here why it is open")
    assert seen > 150


def test_ids_and_words_stay_readable() -> None:
    for path in (f"/customers/{UUID}/timeline/", "/static/css/Inter-Regular.woff2", "/api/v1/codes/batches", "/surveys/bank/"):
        assert masking.masked_path(path) == path
    assert masking.masked_path(f"/api/v1/customers/{UUID}/export") == f"/api/v1/customers/{UUID}/export"
    assert masking.masked_path("/api/v1/customers/annexample") == "/api/v1/customers/…"


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("identity=email:ann@example.com", "identity=…"),
        ("writeKey=abc&data=eyJ", "writeKey=…&data=…"),
        ("q=Ann+Example&page=2", "q=…&page=…"),
        ("ann@example.com", "…"),
        (f"{'A' * 60}=1", "…"),
    ],
)
def test_of_a_query_only_names_are_logged(query: str, masked: str) -> None:
    assert masking.masked_path(f"/customers/?{query}") == f"/customers/?{masked}"
    assert masking.masked_text(f'File "x.py", GET /customers/?{query} HTTP/1.1').endswith(f"/customers/?{masked} HTTP/1.1")


@pytest.fixture
def logged() -> Iterator[Any]:
    """Logs through the formatter of the settings; gives the lines that were written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    made = dict(settings.LOGGING["formatters"]["json"])
    handler.setFormatter(made.pop("()")(**made))
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def test_the_traceback_of_a_library_is_kept_as_text_without_its_secrets(logged: Any) -> None:
    try:
        raise ValueError(f"cannot open /wallet/{TOKEN}/?identity=email:ann@example.com")
    except ValueError:
        logging.getLogger("some.library").exception("Failed: %s", f"/s/{TOKEN}/")
        structlog.get_logger("ours").exception("failed", path=f"/preferences/{TOKEN}/")
    lines = logged()
    assert len(lines) == 2
    for line in lines:
        assert "Traceback (most recent call last)" in line["exception"]
        assert "ValueError: cannot open /wallet/…/?identity=…" in line["exception"]
        assert not any(secret in json.dumps(line) for secret in (TOKEN, "ann@example.com"))
    assert lines[0]["event"] == "Failed: /s/…/"


@pytest.mark.django_db
def test_no_line_of_an_answer_says_who_it_was(client: Any, logged: Any) -> None:
    for path in (f"/s/{TOKEN}/", "/s/", "/reply/", f"/feedback/open/{TOKEN}/", "/feedback/claim/", f"/feedback/{TOKEN}/"):
        client.get(path, REMOTE_ADDR="203.0.113.77", headers={"User-Agent": "a certain browser"})
    client.get("/nothing/", REMOTE_ADDR="203.0.113.78")
    lines = logged()
    assert "203.0.113.78" in json.dumps(lines)
    assert not any(word in json.dumps(lines) for word in ("203.0.113.77", "a certain browser", TOKEN, "is_private"))


def test_a_report_of_an_error_has_no_values(settings: Any) -> None:
    settings.DEBUG = False
    asked = RequestFactory().post(
        f"/wallet/{TOKEN}/?code=SECRET-CODE", {"card": "SECRET-CARD"}, headers={"Cookie": "a=SECRET-COOKIE"}
    )
    asked.COOKIES["a"] = "SECRET-COOKIE"
    try:
        code = "-".join(["SECRET", "LOCAL"])
        raise ValueError(len(code))
    except ValueError:
        reporter = ExceptionReporter(asked, *sys.exc_info())
    text = reporter.get_traceback_text()
    data = str(reporter.get_traceback_data())
    assert "ValueError" in text
    for secret in ("SECRET-CARD", "SECRET-COOKIE", str(settings.CODES_KEY)):
        assert secret not in text, secret
    assert "-".join(["SECRET", "LOCAL"]) not in data
    assert logging.getLogger("django").handlers == []


def image_command() -> list[str]:
    """The command line of the image, from its Dockerfile."""
    (command,) = re.findall(r"^CMD (\[.*\])$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    found: list[str] = json.loads(command)
    return found


def test_every_way_of_starting_the_web_uses_the_same_configuration() -> None:
    procfile = re.search(r"^web: (.*)$", (PROJECT / "Procfile").read_text(), re.MULTILINE)
    assert procfile
    commands = [image_command(), shlex.split(procfile[1])]
    units = re.findall(r"^ExecStart=(.*gunicorn .*)$", (PROJECT / "docs" / "self-hosting.md").read_text(), re.MULTILINE)
    assert units
    commands += [shlex.split(unit) for unit in units]
    for command in commands:
        assert command[1:4] == ["incentives_site.wsgi", "--config", "gunicorn.conf.py"], command
        assert not [word for word in command if "access" in word or "logger" in word], command


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "asked", ["", "--access-logfile - --log-level debug --access-logformat '%(r)s %(f)s %(q)s %(h)s %({cookie}i)s'"]
)
def test_what_the_image_prints_has_no_secret(asked: str, tmp_path: Path) -> None:
    """Its own command line on a loopback port: every address that carries a secret is called, all that is printed is searched."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?host={database['HOST']}&port={database['PORT']}"
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"DEMO", "DEBUG"}},
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": url.replace("&port=&", "&").removesuffix("&port="),
        "REDIS_URL": settings.REDIS_URL,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "VAR_DIR": str(tmp_path),
        "LOG_LEVEL": "DEBUG" if asked else "INFO",
        "WEB_WORKERS": "1",
        "GUNICORN_CMD_ARGS": asked,
        "PYTHONUNBUFFERED": "1",
    }
    printed = tmp_path / "printed"
    with printed.open("wb") as file:
        web = subprocess.Popen(image_command(), cwd=PROJECT, env=environment, stdout=file, stderr=file)
        try:
            wait_for(port, web)
            statuses = [call(port, line) for line in request_lines()]
        finally:
            web.send_signal(signal.SIGTERM)
            web.wait(30)
    text = printed.read_text()
    assert {200, 401, 404} <= set(statuses), statuses
    assert text.count("request_finished") >= 20, text
    for secret in (*SECRETS, "Referer-Secret", "Cookie-Secret", "Key-Secret", "Basic-Secret", "127.0.0.77"):
        assert secret not in text, [line for line in text.splitlines() if secret in line][:3]


def request_lines() -> list[bytes]:
    """One request for every address that carries a secret or a personal identifier, and some that no server understands."""
    found = []
    for secret in (TOKEN, SECRETS[1], "c4f3d2-" + "0123456789abcdef" * 2):
        for prefix in masking.SECRET_PREFIXES:
            found.append(f"GET /{prefix}/{secret}/ HTTP/1.1")
        found += [
            f"GET /wallet/{secret}/app.webmanifest HTTP/1.1",
            f"POST /preferences/{secret}/unsubscribe/ HTTP/1.1",
            f"GET /api/v1/customers?identity=external:shop:{secret} HTTP/1.1",
            f"POST /beacon/v1/track?writeKey={secret} HTTP/1.1",
            f"GET /accounts/login/?next=/wallet/{secret}/ HTTP/1.1",
            f"GET /reply/?key={secret} HTTP/1.1",
            f"GET /s/{secret}/ HTTP/9.9",
            f"GET /s/{secret} a b HTTP/1.1",
        ]
    return [line.encode() for line in [*found, "GET /problems/ HTTP/1.1", "GET /api/v1/customers/ann@example.com HTTP/1.1"]]


def call(port: int, line: bytes) -> int:
    """The status of the answer to one request, sent from another loopback address."""
    headers = (
        b"Host: 127.0.0.1\r\nReferer: http://127.0.0.1/wallet/Referer-Secret/\r\nCookie: sessionid=Cookie-Secret\r\n"
        b"Authorization: Api-Key abc.Key-Secret\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    # Only pages that are called may say from where, and those that answer surveys may not.
    source = "127.0.0.77" if masking.is_private(line.decode()) else "127.0.0.78"
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0)) as sent:
        sent.sendall(line + b"\r\n" + headers)
        answer = sent.makefile("rb").readline().split()
    return int(answer[1]) if len(answer) > 1 else 0


def wait_for(port: int, web: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and web.poll() is None:
        try:
            if call(port, b"GET /healthz HTTP/1.1"):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the web did not start")


@pytest.mark.parametrize("file", ["log-caddy.snippet", "log-nginx.conf"])
def test_proxies_mask_the_same_prefixes(file: str) -> None:
    """The pattern of the proxy's own file, run over every address that carries a secret."""
    text = (PROJECT / "deploy" / file).read_text()
    (prefixes,) = re.findall(r"\(\?:(s\|[^)]*)\)", text)
    assert prefixes.split("|") == list(masking.SECRET_PREFIXES)
    if file.startswith("log-caddy"):
        (pattern,) = re.findall(r'uri regexp "(.*?)" ', text)
        for address in (f"/s/{TOKEN}/", f"/feedback/open/{TOKEN}/?a=b", f"/api/v1/customers?identity={TOKEN}", f"/x?{TOKEN}"):
            assert TOKEN not in re.sub(pattern, r"\1…", address)
        hidden = {"uri", "headers", "remote_ip", "remote_port", "client_ip"}
        errors = (PROJECT / "deploy" / "log-caddy-errors.snippet").read_text()
        assert {f"request>{name} delete" for name in hidden} <= {line.strip() for line in errors.splitlines()}
        assert {"request>headers delete", "request>remote_ip delete", "request>client_ip delete"} <= {
            line.strip() for line in text.splitlines()
        }
    else:
        written = " ".join(re.findall(r"^log_format .*?;", text, re.MULTILINE | re.DOTALL))
        assert set(re.findall(r"\$(\w+)", written)) == {
            "time_iso8601", "request_method", "incentives_path", "status", "body_bytes_sent", "request_time",
        }  # fmt: skip

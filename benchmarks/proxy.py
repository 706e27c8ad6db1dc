"""Whether ``/healthz`` answers within a second while 16 and 1,000 clients are slow, behind the documented proxies.

    make fire-proxy

``deploy/nginx.conf`` and ``deploy/Caddyfile`` are used as they are, with addresses and certificate replaced; before them stands
nothing, behind them gunicorn with its limits. A third of the slow clients never end their headers, a third send a body drop by
drop, a third connect and say nothing. Written to ``var/bench/proxy.json``.
"""

import asyncio
import contextlib
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

SLOW = (16, 1_000)
MOST_SECONDS = 1.0
ASKED = 12  # times, a half second apart
ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(made)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, made


def nginx(folder: Path, port: int, upstream: int) -> list[str]:
    key, made = certificate(folder)
    text = (ROOT / "deploy/nginx.conf").read_text()
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("/etc/ssl/incentives.pem", str(made)).replace("/etc/ssl/incentives.key", str(key))
    # All clients of the measurement have one address.
    text = text.replace("limit_conn incentives_address 200", "limit_conn incentives_address 5000")
    text = text.replace("incentives.example.com", "localhost")
    for include in (ROOT / "deploy").glob("log-nginx.con*"):
        shutil.copy(include, folder)
    (folder / "nginx.conf").write_text(f"daemon off; pid {folder}/nginx.pid;\n{text}")
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, upstream: int) -> list[str]:
    text = (ROOT / "deploy/Caddyfile").read_text()
    found = re.search(r"v?(\d+)\.(\d+)", subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout)
    if found and (int(found[1]), int(found[2])) < (2, 7):  # what 2.7 calls request_buffers
        text = text.replace("request_buffers 4MB", "buffer_requests")
    key, made = certificate(folder)
    text = text.replace("{$SITE_ADDRESS:localhost}", f"https://localhost:{port}").replace(
        "{$UPSTREAM:127.0.0.1:8000}", f"127.0.0.1:{upstream}"
    )
    text = text.replace("	import log-caddy.snip*", f"	tls {made} {key}\n	import log-caddy.snip*")
    for include in (ROOT / "deploy").glob("log-caddy.snip*"):
        shutil.copy(include, folder)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def connect(port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="localhost")


async def slow_client(port: int, number: int, context: ssl.SSLContext) -> None:
    """Comes back whenever it is thrown out."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            try:
                if number % 3 == 0:
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
                elif number % 3 == 1:
                    writer.write(b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{")
                else:
                    await reader.readexactly(1)  # until the proxy has had enough
                while True:
                    await writer.drain()
                    await asyncio.sleep(2)
                    writer.write(b"X-Slow: 1\r\n" if number % 3 == 0 else b" ")
            finally:
                writer.close()
        await asyncio.sleep(1)


async def slow_clients(port: int, count: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    await asyncio.gather(*(slow_client(port, number, context) for number in range(count)))


def seconds_of_healthz(port: int) -> float:
    started = time.monotonic()
    with connect(port) as me:
        me.settimeout(20)
        me.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = me.recv(65_536)
    if b" 200 " not in answer.split(b"\r\n", 1)[0]:
        raise SystemExit(f"/healthz said {answer[:100]!r}")
    return time.monotonic() - started


def measured(port: int, clients: int) -> float:
    """The longest answer of ``/healthz`` while so many clients are slow, which are in a process of their own."""
    slow = subprocess.Popen([sys.executable, "-m", "benchmarks.proxy", str(port), str(clients)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(4 if clients < 100 else 20)  # until all of them are there
        taken = []
        for _n in range(ASKED):
            taken.append(seconds_of_healthz(port))
            time.sleep(0.5)
        if slow.poll() is not None:
            raise SystemExit("the slow clients ended by themselves")
        return max(taken)
    finally:
        slow.kill()
        slow.wait()


def main() -> int:
    if sys.argv[1:]:
        port, count = map(int, sys.argv[1:])
        asyncio.run(slow_clients(port, count))
    missing = [name for name in ("nginx", "caddy", "openssl") if not shutil.which(name)]
    if missing:
        print(f"{' and '.join(missing)} cannot be found: install them first, such as with `apt-get install nginx-light caddy`.")
        return 1
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    os.environ.setdefault("DEMO", "1")
    import django

    django.setup()
    from django.conf import settings

    from incentives_site.tests.fire.installation import Installation

    results: dict[str, dict[str, float]] = {}
    with Installation({"uses": 10, "customers": 1, "codes": {}}) as installation:
        for name, made in (("nginx", nginx), ("caddy", caddy)):
            folder, port = installation.folder / name, free_port()
            folder.mkdir()
            with (folder / "log").open("wb") as log:
                proxy = subprocess.Popen(made(folder, port, installation.port), cwd=folder, stdout=log, stderr=log)
            try:
                end = time.monotonic() + 30
                while True:
                    try:
                        seconds_of_healthz(port)
                        break
                    except OSError:
                        if time.monotonic() > end or proxy.poll() is not None:
                            print((folder / "log").read_text(errors="replace")[-2000:])
                            return 1
                        time.sleep(0.2)
                quick = 0
                while quick < 12 and time.monotonic() < end + 60:  # both web processes have read what they need
                    quick = quick + 1 if seconds_of_healthz(port) < 0.3 else 0
                results[name] = {str(count): round(measured(port, count), 3) for count in SLOW}
            finally:
                proxy.terminate()
                proxy.wait()
    target = settings.VAR_DIR / "bench"
    target.mkdir(parents=True, exist_ok=True)
    (target / "proxy.json").write_text(json.dumps({"seconds_of_healthz": results}, indent=2))
    for name, found in results.items():
        for count, seconds in found.items():
            print(f"{name}: {count} slow clients, longest /healthz {seconds:.2f} s")
    return 0 if all(seconds <= MOST_SECONDS for found in results.values() for seconds in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

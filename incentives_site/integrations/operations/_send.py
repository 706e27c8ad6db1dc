"""One POST to a receiver that is not trusted: to the address that was checked, once, for so long and no longer.

The socket is made here, and handed to the standard library's client to speak HTTP over it. A client that connects by itself would
resolve the name again, after it was checked; and its time-outs are for each read, so that an answer of a byte now and then would
never end.
"""

import contextlib
import functools
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings

from ..rules import addresses
from ._endpoints import resolve

SECONDS = 15.0  # from the connection to the end of the answer
MOST_READ = 16 * 1024
EXCERPT = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status`` is ``None`` when there was no answer; ``error`` is empty when it was 2xx."""

    status: int | None
    error: str
    excerpt: str
    duration_ms: int


class _Refused(Exception):
    """It was not even tried; the argument says why."""


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """Send ``body`` to ``url``. Never raises for what a receiver or a network does; redirects are not followed."""
    begun = time.perf_counter()
    status, error, excerpt = None, "", ""
    try:
        status, excerpt = _exchange(url, body, headers)
        if not 200 <= status < 300:
            error = "redirect" if 300 <= status < 400 else "status"
    except _Refused as refusal:
        error = str(refusal)
    except TimeoutError:
        error = "timeout"
    except ssl.SSLCertVerificationError:
        error = "certificate"
    except ssl.SSLError:
        error = "tls"
    except ConnectionRefusedError:
        error = "connection-refused"
    except (OSError, http.client.HTTPException, ValueError):
        error = "connection-broken"
    return Outcome(status, error, excerpt, round((time.perf_counter() - begun) * 1000))


def _exchange(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    target = addresses.read(url)
    if isinstance(target, str):
        raise _Refused(target)
    found = resolve(target)
    address = addresses.choose(found, settings.WEBHOOK_ALLOWED_NETWORKS)
    if address is None:
        raise _Refused("address-not-allowed" if found else "host-unknown")
    with _connected(target, address) as (connection, is_over):
        try:
            connection.request("POST", target.path, body=body, headers={**headers, "Host": target.authority})
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError):
            if is_over.is_set():
                raise TimeoutError from None
            raise
        read = b""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):  # the status has said everything
            read = answer.read(MOST_READ)
        return answer.status, _excerpt(read)


@contextlib.contextmanager
def _connected(
    target: addresses.Target, address: addresses.Address
) -> Iterator[tuple[http.client.HTTPConnection, threading.Event]]:
    """A client on a connection to ``address``, which breaks when the time is over; the event says that it did."""
    is_over = threading.Event()
    plain = socket.create_connection((str(address), target.port), timeout=SECONDS)
    watched = plain.dup()  # stays open while TLS takes the socket over

    def end() -> None:
        is_over.set()
        with contextlib.suppress(OSError):
            watched.shutdown(socket.SHUT_RDWR)

    alarm = threading.Timer(SECONDS, end)
    alarm.daemon = True
    alarm.start()
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.auto_open = 0
    try:
        if ipaddress.ip_address(plain.getpeername()[0]) != address:
            raise _Refused("address-not-allowed")
        connection.sock = plain
        if target.scheme == "https":
            try:
                connection.sock = tls_context().wrap_socket(plain, server_hostname=target.host)
            except OSError:
                if is_over.is_set():
                    raise TimeoutError from None
                raise
        yield connection, is_over
    finally:
        alarm.cancel()
        connection.close()
        watched.close()
        plain.close()


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Trusts whom the system trusts (``SSL_CERT_FILE`` names another file of authorities)."""
    return ssl.create_default_context()


def _excerpt(body: bytes) -> str:
    """What can be shown of an answer: its beginning, without what no page could show."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", body.decode(errors="replace"))[:EXCERPT]

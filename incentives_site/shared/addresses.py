"""From which network address a request comes: the one place that decides it, for counting, for logs and for lists of sessions."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_ip(request: HttpRequest) -> str:
    """The client's own address as text; empty when there is none, as on a Unix socket.

    ``TRUSTED_PROXY_HOPS`` says how many proxies of the operator's stand in front. Each of them appends to ``X-Forwarded-For`` the
    address it was called from, so the client's stands that many entries from the right: what stands further left, a client may
    have made up. Without that setting the header is not read at all. A request with fewer entries went around a proxy, and
    counts as the one who opened the connection.
    """
    found = _client(request)
    return str(found) if found else ""


def client_address(request: HttpRequest) -> str:
    """The client's address as it is counted: an IPv4 address, or the /64 of IPv6, of which one client has all. May be empty."""
    found = _client(request)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found) if found else ""


def _client(request: HttpRequest) -> Address | None:
    hops = settings.TRUSTED_PROXY_HOPS
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hops else []
    named = _parsed(entries[-hops]) if hops and len(entries) >= hops else None
    return named or _parsed(request.META.get("REMOTE_ADDR", ""))


def _parsed(text: str) -> Address | None:
    """An address with or without a port, as some proxies write it: ``192.0.2.1:443``, ``[2001:db8::1]:443``."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # A zone names an interface of this machine, no other client.
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address

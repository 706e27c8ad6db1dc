"""Where a webhook may go: how its address is written, and which networks are nobody's business.

Whoever may name an address could otherwise use us to reach what only we can reach. The networks are written out, since the
standard library's idea of what is private differs between versions (IANA special-purpose address registries, RFC 6890).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST = 2000
DEFAULT_PORTS = {"http": 80, "https": 443}
_REFUSED_4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers; a cloud's metadata at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's metadata, although the address is public
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata at 192.0.0.192
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]
# Only what is global unicast can be meant, without what embeds another address or leads nowhere.
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_6 = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_WRITTEN = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+", re.IGNORECASE)

Fault = Literal["bad-url", "userinfo-not-allowed", "fragment-not-allowed", "port-not-allowed"]


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's address in its parts. ``host`` has no brackets; ``path`` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """For the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def read(url: str) -> Target | Fault:
    """The parts of ``url``, or what is wrong with it. Says nothing about where it leads."""
    if len(url) > LONGEST or not _WRITTEN.fullmatch(url):
        return "bad-url"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "bad-url"
    if "@" in parts.netloc:
        return "userinfo-not-allowed"
    if "#" in url:
        return "fragment-not-allowed"
    if not re.fullmatch(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}", host):
        return "bad-url"
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if port < 1024 and port not in DEFAULT_PORTS.values():
        return "port-not-allowed"  # mail, remote shells, …: services that are not asked in HTTP
    return Target(parts.scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def may_be_called(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether an address may be connected to; ``allowed`` are the networks that the operator opened."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address.version == network.version and address in network for network in allowed):
        return True
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    return address.scope_id is None and address in _GLOBAL_6 and not any(address in network for network in _REFUSED_6)


def choose(found: Sequence[Address], allowed: Iterable[Network]) -> Address | None:
    """The address to connect to. A name that also leads where it may not is not trusted at all: ``None``."""
    networks = list(allowed)
    return found[0] if found and all(may_be_called(address, networks) for address in found) else None

"""Reads configuration from the environment; a bad value stops the start with a sentence.

A variable ``NAME`` may also be given as ``NAME_FILE``, the path of a file that holds the value, which is how container
platforms hand over secrets.
"""

import ipaddress
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """The value of ``name``, else the content of the file named by ``name_FILE``, else ``default``."""
    if name in os.environ:
        return os.environ[name].strip()
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error
    return default


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE or value in FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} must be one of {sorted(TRUE | FALSE)}, not {value!r}.")


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if number < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {number}.")
    return number


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, empty items dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """A comma-separated list of networks in CIDR notation, or single addresses."""
    try:
        return [ipaddress.ip_network(word) for word in words(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list networks like 10.1.0.0/16: {error}.") from None


def database(url: str, *, statement_timeout: int = 0) -> dict[str, object]:
    """Django's settings for ``postgresql://user:password@host:port/name?option=value``; ``host`` may be a socket folder.

    ``statement_timeout`` is in seconds; 0 sets none. ``prepare=no`` for poolers that hand each transaction to another connection
    and know nothing of prepared statements.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/name.")
    options: dict[str, object] = dict(parse_qsl(parts.query))
    is_pooled = options.pop("prepare", "") == "no"
    # A server that is away is found out soon: a request is answered 503, and does not wait.
    options.setdefault("connect_timeout", 3)
    if statement_timeout and not is_pooled:  # a pooler may refuse what it does not know
        options.setdefault("options", f"-c statement_timeout={statement_timeout * 1000}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Nothing is prepared but what ``shared.prepared`` runs, and that at once.
        "OPTIONS": {"prepare_threshold": None if is_pooled else 0, **options},
    }

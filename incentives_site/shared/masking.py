"""What never reaches a log: the secret part of links, values of queries, and what people put into an address.

Plain Python without Django, since servers use it before there is an application. ``deploy/log-caddy.snippet`` and
``deploy/log-nginx.conf`` say the same to proxies; a test compares them.
"""

import re

MASK = "…"
# Addresses that let their bearer in: what follows is the secret.
SECRET_PREFIXES = (
    "s",
    "wallet",
    "preferences",
    "feedback/open",
    "feedback",
    "accounts/confirm-email",
    "accounts/password/reset/key",
)
# Who answers, and from where, is written nowhere (docs/anonymity.md).
PRIVATE_PREFIXES = ("s", "reply", "feedback")
_AFTER_PREFIX = re.compile(rf"(?<![\w.-])/({'|'.join(SECRET_PREFIXES)})/[^/\s?#\"'<>]+")
_PRIVATE = re.compile(rf"(?<![\w.-])/(?:{'|'.join(PRIVATE_PREFIXES)})/")
_QUERY = re.compile(r"(?<=[\w/.…-])\?([^\s\"'<>#]+)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,39}")
_ADDRESS = re.compile(r"(?:https?://[^\s/\"'<>]+)?(?<![\w.:])/[^\s\"'<>]*|https?://[^\s\"'<>]+")
_PLAIN = re.compile(r"[a-z0-9…][a-z0-9._~-]{0,39}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Customers are named by their id; whatever else stands there names a person.
_CUSTOMER = re.compile(r"^(/api/v1/customers/)(?!(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$))[^/]+")


def masked_path(path: str) -> str:
    """A path, with or without a query, as it may be logged.

    Segments after a secret prefix go, and so does every segment that is not a plain word, a number or a UUID: tokens have capital
    letters, colons or many characters, people have ``@``. Of a query the names stay.
    """
    path, mark, query = path.partition("?")
    path = _AFTER_PREFIX.sub(rf"/\1/{MASK}", path)
    path = _CUSTOMER.sub(rf"\1{MASK}", path)
    if not path.startswith("/static/"):
        path = "/".join(part if not part or _PLAIN.fullmatch(part) else MASK for part in path.split("/"))
    return f"{path}?{_names(query)}" if mark else path


def masked_text(text: str) -> str:
    """A text that may have addresses in it, such as a traceback: secret parts of links and values of queries are cut out."""
    return _QUERY.sub(lambda found: f"?{_names(found[1])}", _AFTER_PREFIX.sub(rf"/\1/{MASK}", text))


def masked_message(text: str) -> str:
    """A line of a log: every address in it as ``masked_path`` has it."""
    return masked_text(_ADDRESS.sub(lambda found: _masked_address(found[0]), text))


def is_private(text: str) -> bool:
    """Whether an address in the text is one whose visitors are not written down."""
    return _PRIVATE.search(text) is not None


def _masked_address(address: str) -> str:
    scheme, separator, rest = address.rpartition("://")
    if not separator:
        return masked_path(address)
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host}{masked_path(slash + path)}"


def _names(query: str) -> str:
    """The names in a query, each with its value cut out."""
    parts = query.split("&")
    return "&".join(
        f"{name}={MASK}" if equals and _NAME.fullmatch(name) else MASK
        for name, equals, _value in (p.partition("=") for p in parts)
    )

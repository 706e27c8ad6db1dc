"""What sources send may hold codes that let their bearer take something, such as ``coupon`` of an order. They are kept masked.

Which texts are such codes know the apps that issue them; each registers a function that says so.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote_plus

from incentives_site.shared.sealing import masked

Finder = Callable[[Collection[str]], set[str]]

_finders: dict[str, Finder] = {}
# Where shops write codes. Every other text would have to be hashed and looked up for nothing.
_WORDS = r"coupon|code|voucher|promo|gift|card|discount|token|redeem"
_NAME = re.compile(_WORDS, re.IGNORECASE)
_IN_ADDRESS = re.compile(rf"(?<=[?&#])([\w.%\[\]-]*(?:{_WORDS})[\w.%\[\]-]*)=([^&#\s]+)", re.IGNORECASE)
_LONGEST = 100
_DEEPEST = 20


def register_secrets(name: str, finder: Finder) -> None:
    """``finder`` gives those of some texts that are secret codes of its app, however they are typed."""
    _finders[name] = finder


def mask_secrets(events: Iterable[Any], finders: Collection[Finder] | None = None) -> int:
    """Masks secret codes in events, which are JSON-able and changed in place; how many texts were masked.

    One question to each app that issues codes for all of the events, and none where no field is one that holds codes. Other
    ``finders`` than the registered ones are for migrations, which know tables as they were.
    """
    places = [place for event in events for place in _places(event, 0)]
    if not places:
        return 0
    asked = {code for _holder, _key, codes in places for code in codes}
    secret = set().union(*(finder(asked) for finder in (_finders.values() if finders is None else finders)))
    if not secret:
        return 0
    done = 0
    for holder, key, codes in places:
        for code in secret.intersection(codes):
            holder[key] = _without(holder[key], code)
            done += 1
    return done


def _places(value: Any, depth: int, named: bool = False) -> Iterator[tuple[Any, Any, list[str]]]:
    """Where texts stand that may be codes: holder, key or position, and the codes that each may be."""
    if depth > _DEEPEST:
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in list(items):
        is_named = named if isinstance(value, list) else bool(isinstance(key, str) and _NAME.search(key))
        if isinstance(item, dict | list):
            yield from _places(item, depth + 1, is_named)
        elif isinstance(item, str) and item:
            codes = [unquote_plus(text) for _name, text in _IN_ADDRESS.findall(item)] if "=" in item else []
            if is_named and len(item) <= _LONGEST:
                codes.append(item)
            if codes:
                yield value, key, codes


def _without(text: str, code: str) -> str:
    if text == code:
        return masked(code)
    return _IN_ADDRESS.sub(lambda m: f"{m[1]}={quote(masked(code))}" if unquote_plus(m[2]) == code else m[0], text)

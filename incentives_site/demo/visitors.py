"""Sources that send events, and a few people they have told of: known in several channels, joined by events, by hand, and not.

Everything comes in as any source's events do (``docs/ingestion.md``), in the days before the first start.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from customers import operations, queries
from customers.models import Channel, Merge, Source
from customers.rules.trust import Trust

from .households import card_number


@dataclass(frozen=True, slots=True)
class Sender:
    key: str
    name: str
    channel: str
    trust: Trust = Trust.SERVER


SENDERS = (
    Sender("web-shop", "Web shop", "web"),
    Sender("app", "App", "app"),
    Sender("tills", "Tills", "store"),
    Sender("web-pages", "Web pages", "web", Trust.BROWSER),
)
HOUSEHOLD = 900
NINA = "nina.keller@mail.example"
REASON = "She gave her e-mail address on the phone."
BY_PHONE = "+49 40 5550142"


def ensure_sources(channels: Mapping[str, Channel]) -> list[dict[str, str]]:
    """The sources with their write keys, as ``demo.json`` tells them."""
    for sender in SENDERS:
        values = {"name": sender.name, "channel": channels[sender.channel], "trust": sender.trust}
        source, _is_new = Source.objects.get_or_create(key=sender.key, defaults=values)
        if not source.is_trust_chosen:  # loaded by an earlier version
            operations.choose_trust(source=source, trust=sender.trust)
    rows = Source.objects.filter(key__in=[sender.key for sender in SENDERS]).select_related("channel").order_by("pk")
    return [{"source": row.key, "channel": row.channel.key, "trust": row.trust, "key": row.write_key} for row in rows]


def load(now: dt.datetime, by: str) -> bool:
    """What was sent; whether it was loaded now. ``by`` is who has merged two of the people by hand."""
    sources = {source.key: source for source in Source.objects.filter(key__in=[sender.key for sender in SENDERS])}
    if Merge.objects.filter(reason=REASON).exists():  # the last step; what a killed run has sent before is not written twice
        return False
    for number, (key, ago, event) in enumerate(_story(), start=1):
        at = (now - ago).isoformat()
        body = json.dumps({"batch": [{"messageId": f"demo-{number}", "timestamp": at, **event}]}).encode()
        operations.take(source=sources[key], kind="", body=body, now=now - ago)
        # One after the other, as they came: else nobody would be written only to become part of somebody.
        while (done := operations.process_events(now=now)) and done.requests:
            pass
    _merge_by_hand(by, now)
    return True


def _merge_by_hand(by: str, now: dt.datetime) -> None:
    one, other = queries.by_identity("email", NINA), queries.by_identity("phone", BY_PHONE)
    if one != other:
        operations.merge(one=one, other=other, by=by, reason=REASON, now=now - dt.timedelta(hours=5))


def _ago(days: float = 0, minutes: float = 0) -> dt.timedelta:
    return dt.timedelta(days=days, minutes=minutes)


Said = tuple[str, dt.timedelta, dict[str, Any]]


def _story() -> Iterator[Said]:
    yield from _nina()
    yield from _the_others()
    yield from _lately()


def _track(name: str, properties: dict[str, Any] | None = None, **who: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": properties or {}, **who}


def _page(name: str, **who: Any) -> dict[str, Any]:
    return {"type": "page", "name": name, "properties": {"path": "/" + name.lower().replace(" ", "-")}, **who}


def _order(number: str, total: float, *lines: tuple[str, str, int, float], discount: float = 0) -> dict[str, Any]:
    products = [{"product_id": name, "name": name, "category": category, "quantity": quantity, "price": price}
                for name, category, quantity, price in lines]  # fmt: skip
    return {"order_id": number, "total": total, "currency": "USD", "discount": discount, "products": products}


def _nina() -> Iterator[Said]:
    """Looks around unknown, signs in, uses the app, buys every few weeks; calls once. The app and the call are joined to her."""
    nina = {"userId": "nk-2041"}
    yield "web-shop", _ago(154), _page("Home", anonymousId="web-71f3")
    yield "web-shop", _ago(154, -4), _page("Running shoes", anonymousId="web-71f3")
    yield "web-shop", _ago(153), {
        "type": "identify",
        "anonymousId": "web-71f3",
        **nina,
        "traits": {"name": "Nina Keller", "email": NINA, "city": "Hamburg", "age": "35-44", "newsletter": True},
        "context": {"locale": "de-DE", "timezone": "Europe/Berlin"},
    }  # fmt: skip
    baskets = ((153, 89.9, "Trail shoes", "Shoes"), (121, 34.5, "Running socks", "Shoes"), (92, 118.0, "Rain jacket", "Outdoor"),
               (64, 42.0, "Merino shirt", "Outdoor"), (33, 96.5, "Road shoes", "Shoes"))  # fmt: skip
    for n, (days, total, name, category) in enumerate(baskets):
        order = _order(f"W-{7100 + n}", total, (name, category, 1, total), discount=5.0 if n % 2 else 0)
        yield "web-shop", _ago(days, -30), _track("Order Completed", order, **nina)
    yield "app", _ago(40), {"type": "screen", "name": "Welcome", "anonymousId": "app-c02e"}
    yield "app", _ago(40, -2), _track("Product Viewed", {"name": "Road shoes"}, anonymousId="app-c02e")
    yield "app", _ago(39), {"type": "identify", "anonymousId": "app-c02e", **nina, "traits": {"push": True}}
    for days in (21, 14, 9, 6, 2):
        yield "app", _ago(days), {"type": "screen", "name": "Wallet", **nina}
    yield "tills", _ago(12), {
        "type": "identify",
        "context": {"externalIds": [{"type": "phone", "id": BY_PHONE}]},
        "traits": {"name": "N. Keller", "phone": BY_PHONE, "city": "Hamburg"},
    }  # fmt: skip
    yield "web-shop", _ago(5), _track("Product Viewed", {"name": "Trail shoes"}, **nina)


def _the_others() -> Iterator[Said]:
    """Tom shares Nina's address and stays himself; a namesake may be her; a household has found the app."""
    yield "web-shop", _ago(8), {
        "type": "identify", "userId": "tk-0077", "traits": {"name": "Tom Keller", "email": NINA, "city": "Hamburg"},
    }  # fmt: skip
    yield (
        "web-shop",
        _ago(8, -3),
        _track("Order Completed", _order("W-7190", 59.0, ("Tent pegs", "Outdoor", 4, 14.75)), userId="tk-0077"),
    )
    yield "web-shop", _ago(3), {
        "type": "identify",
        "anonymousId": "web-90aa",
        "traits": {"name": "Nina Keller", "email": "n.keller@office.example", "city": "Hamburg"},
    }  # fmt: skip
    card = {"context": {"externalIds": [{"type": "loyalty_card", "id": card_number(HOUSEHOLD)}]}}
    yield (
        "app",
        _ago(4),
        {
            "type": "identify",
            "userId": "hh-900",
            "anonymousId": "app-900",
            "traits": {"email": "household900@mail.example"},
            **card,
        },
    )
    yield "app", _ago(2), {"type": "screen", "name": "Coupons", "userId": "hh-900"}


def _lately() -> Iterator[Said]:
    """The last hour before the first start, with two events that were not taken and two that only claim something."""
    for n in range(24):
        who: dict[str, Any] = {"anonymousId": f"web-{n // 4:04x}"}
        name = ("Home", "Running shoes", "Tents", "Basket")[n % 4]
        yield ("web-pages" if n % 3 else "app"), _ago(0, 58 - 2 * n), _page(name, **who)
    yield (
        "web-pages",
        _ago(0, 11),
        _track("Order Completed", _order("W-7999", 480.0, ("Trail shoes", "Shoes", 4, 120.0)), anonymousId="web-0002"),
    )
    yield "web-pages", _ago(0, 10), {"type": "identify", "anonymousId": "web-0002", "traits": {"email": NINA, "vip": True}}
    yield "app", _ago(0, 9), {"type": "screen", "name": "Wallet", "userId": "nk-2041"}
    yield "web-shop", _ago(0, 7), _page("Basket", userId="guest")
    yield "tills", _ago(0, 5), {"type": "purchase", "userId": "nk-2041"}
    yield "web-shop", _ago(0, 3), _track("Product Added", {"name": "Trail shoes", "price": 89.9}, userId="nk-2041")

"""Many customers of a shop, and what they do: the same events for every run."""

import datetime
import json
import random
import uuid
from typing import Any

CUSTOMERS = 20_000
AISLES = ("Tea", "Coffee", "Bread", "Fruit", "Cheese", "Soap")


def batch(chance: random.Random, now: datetime.datetime, count: int = 100) -> bytes:
    """A request of ``count`` events: three fifths tracked (one in twelve an order), three tenths pages, one tenth identifies."""
    return json.dumps({"batch": [_event(chance, now) for _n in range(count)], "sentAt": now.isoformat()}).encode()


def _event(chance: random.Random, now: datetime.datetime) -> dict[str, Any]:
    who = chance.randrange(CUSTOMERS)
    event: dict[str, Any] = {
        "messageId": str(uuid.UUID(int=chance.getrandbits(128))),
        "timestamp": (now - datetime.timedelta(seconds=chance.randrange(3_600))).isoformat(),
        "anonymousId": f"cookie-{who}",
        "context": {
            "library": {"name": "bench", "version": "1"},
            "ip": "203.0.113.7",
            "locale": "en-US",
            "page": {"url": "https://shop.test/tea", "path": "/tea", "title": "Tea"},
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
        },
    }
    turn = chance.random()
    if turn < 0.1:
        traits = {"email": f"customer{who}@shop.test", "plan": chance.choice(["a", "b"]), "name": f"Customer {who}"}
        return event | {"type": "identify", "userId": f"u{who}", "traits": traits}
    if turn < 0.4:
        return event | {"type": "page", "name": chance.choice(AISLES), "properties": {"path": "/tea", "referrer": ""}}
    if turn < 0.45:
        lines = [
            {"sku": f"s{n}", "name": f"Article {n}", "category": chance.choice(AISLES), "price": 4.5, "quantity": 1 + n % 2}
            for n in range(1 + chance.randrange(4))
        ]
        order = {"order_id": str(chance.getrandbits(60)), "total": 4.5 * len(lines), "currency": "USD", "products": lines}
        return event | {"type": "track", "event": "Order Completed", "userId": f"u{who}", "properties": order}
    viewed = {"sku": f"s{chance.randrange(500)}", "category": chance.choice(AISLES), "price": 4.5}
    return event | {"type": "track", "event": "Product Viewed", "userId": f"u{who}", "properties": viewed}

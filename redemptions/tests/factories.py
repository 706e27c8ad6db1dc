"""What a test needs to redeem: a basket and a request."""

from typing import Any

from customers.tests.factories import ChannelFactory
from redemptions.operations import Request


def lines(*amounts: int, **fields: Any) -> dict[str, Any]:
    """A basket with one line of one unit for each amount (minor units)."""
    return {
        "lines": [
            {"id": str(n), "sku": f"sku-{n}", "quantity": 1, "unit_price": amount, **fields}
            for n, amount in enumerate(amounts, 1)
        ]
    }


def request_for(*amounts: int, **fields: Any) -> Request:
    """A request for such a basket in the store, in US dollars."""
    return Request(
        **{"currency": "USD", "basket": lines(*(amounts or (10_000,))), "channel": ChannelFactory().key, **fields}  # type: ignore[arg-type]
    )

"""Orders as sources tell of them: Segment's e-commerce events as purchases (``docs/ingestion.md``, Purchases)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

COMPLETED = "Order Completed"
REFUNDED = "Order Refunded"
LONGEST_ORDER = 100
MOST_LINES = 1_000
LARGEST = 10**13


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product of an order; amounts in minor units."""

    sku: str
    name: str
    category: str
    brand: str
    quantity: int
    paid: int


@dataclass(frozen=True, slots=True)
class Order:
    """``paid`` is what the customer paid, ``discount`` what it was spared, in minor units of ``currency``."""

    key: str
    currency: str
    paid: int
    discount: int
    lines: tuple[OrderLine, ...] = ()


def read_order(properties: Mapping[str, Any], *, currency: str, digits: Mapping[str, int], known: frozenset[str]) -> Order | None:
    """The order a ``COMPLETED`` or ``REFUNDED`` event tells of; ``None`` when it names no order, currency or amount.

    Amounts come in units of the currency, as text or number; ``total`` (with shipping and taxes) before ``revenue``, before the
    sum of the products. ``currency`` is that of the source, ``digits`` those after the decimal point where they are not two.
    """
    key = properties.get("order_id")
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key)
    given = properties.get("currency")
    unit = given.upper() if isinstance(given, str) and given else currency
    if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_ORDER or unit not in known:
        return None
    scale = digits.get(unit, 2)
    lines = tuple(_lines(properties.get("products"), scale))
    amounts = [_minor(properties.get(name), scale) for name in ("total", "revenue")]
    paid = next((amount for amount in amounts if amount is not None), None)
    if paid is None:
        if not lines:
            return None
        paid = sum(line.paid for line in lines)
    return Order(key.strip(), unit, paid, _minor(properties.get("discount"), scale) or 0, lines)


def _lines(products: object, scale: int) -> list[OrderLine]:
    found = []
    for item in products[:MOST_LINES] if isinstance(products, list) else []:
        if not isinstance(item, dict):
            continue
        quantity = item.get("quantity", 1)
        quantity = int(quantity) if isinstance(quantity, int | float) and 1 <= quantity <= 10**6 else 1
        price = _minor(item.get("price"), scale) or 0
        found.append(
            OrderLine(
                sku=_text(item.get("sku") or item.get("product_id"), 64),
                name=_text(item.get("name"), 200),
                category=_text(item.get("category"), 100),
                brand=_text(item.get("brand"), 100),
                quantity=quantity,
                paid=min(price * quantity, LARGEST),
            )
        )
    return found


def _text(value: object, most: int) -> str:
    return str(value)[:most] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _minor(value: object, scale: int) -> int | None:
    """Minor units of an amount said in whole units; ``None`` when it is none, or negative, or absurd."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = (Decimal(str(value)) * 10**scale).quantize(Decimal(1), rounding="ROUND_HALF_UP")
    except (InvalidOperation, ValueError):
        return None
    return int(amount) if amount.is_finite() and 0 <= amount <= LARGEST else None

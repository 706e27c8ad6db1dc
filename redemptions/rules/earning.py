"""What a purchase that was not redeemed here earns on: its basket, and which incentives may award it (``docs/ledger.md``)."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from campaigns.rules.basket import Basket, Line
from campaigns.rules.candidates import Candidate
from campaigns.rules.effects import NoEffect


@dataclass(frozen=True, slots=True)
class Bought:
    """One line as it was sold. ``paid`` is what was paid for all of its units, in minor units."""

    sku: str
    quantity: int
    paid: int
    name: str = ""
    category: str = ""
    brand: str = ""


def basket_of(bought: Sequence[Bought], *, currency: str, paid: int) -> Basket:
    """What was bought, as a basket at the prices that were paid; the sum of its lines is the sum of what was paid for them.

    A price that does not divide into whole minor units becomes two lines, one a minor unit dearer. A purchase whose lines nobody
    told is one line of everything that was ``paid``.
    """
    if not bought:
        return Basket(currency, (Line("order", "", 1, paid),))
    return Basket(currency, tuple(line for position, item in enumerate(bought, 1) for line in _lines(str(position), item)))


def _lines(id_: str, item: Bought) -> Iterable[Line]:
    quantity = max(1, item.quantity)
    price, dearer = divmod(item.paid, quantity)
    categories = (item.category,) if item.category else ()
    for suffix, count, unit_price in (("", quantity - dearer, price), ("+", dearer, price + 1)):
        if count:
            yield Line(id_ + suffix, item.sku, count, unit_price, categories, item.brand, name=item.name)


def may_award(candidate: Candidate, *, launched_at: datetime.datetime | None, placed_at: datetime.datetime) -> bool:
    """Whether ``candidate`` awards purchases from elsewhere: by itself, nothing but awards, and launched before the purchase.

    What is limited to so many uses, points or so much order value is counted by redemptions alone.
    """
    return (
        isinstance(candidate.effect, NoEffect)
        and bool(candidate.awards)
        and not candidate.code
        and not candidate.grant
        and launched_at is not None
        and launched_at <= placed_at
        and not any(limit.measure in {"uses", "order_value", "points"} for limit in candidate.standing.limits)
    )

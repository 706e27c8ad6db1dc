"""In which basket was a coupon used, and what did it give? The files do not say; this is as far as they let one tell.

A use belongs to the basket of its household and date in which a product of the coupon had a coupon discount, if there is exactly
one such basket; else to the only basket of that household and date; else to none. Its amount is known when exactly one line of
that basket can be meant, and no other use lays claim to that line. Nothing else is guessed.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from . import files
from .mailings import CouponUse, midday


@dataclass(frozen=True, slots=True)
class CouponLine:
    """A line with a coupon discount; ``number`` is its place in the basket, from 0."""

    number: int
    product: int
    discount: int


@dataclass(slots=True)
class Basket:
    """What is known of a basket in which a coupon may have been used. Amounts in cents."""

    key: int
    household: int
    store: int
    placed_at: dt.datetime
    paid: int = 0
    coupon_discount: int = 0
    lines: int = 0
    coupon_lines: list[CouponLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Match:
    """``basket`` and ``amount`` are ``None`` where the data do not tell."""

    use: CouponUse
    basket: Basket | None
    amount: int | None

    @property
    def redeemed_at(self) -> dt.datetime:
        return self.basket.placed_at if self.basket else midday(self.use.date)


HouseholdDay = tuple[int, dt.date]


def match(
    uses: Iterable[CouponUse], products: Mapping[int, Mapping[int, Iterable[int]]], baskets: Mapping[HouseholdDay, list[Basket]]
) -> list[Match]:
    """One match for each use, in their order. ``products``: mailing → coupon → products."""
    chosen: list[tuple[CouponUse, Basket | None, list[CouponLine]]] = []
    claims: Counter[tuple[int, int]] = Counter()  # (basket, line) → uses that may mean it
    for use in uses:
        wanted = frozenset(products[use.mailing][use.upc])
        there = baskets.get((use.household, use.date), [])
        fitting = {
            basket.key: lines for basket in there if (lines := [line for line in basket.coupon_lines if line.product in wanted])
        }
        candidates = [basket for basket in there if basket.key in fitting] or there
        basket = candidates[0] if len(candidates) == 1 else None
        lines = fitting.get(basket.key, []) if basket else []
        for key, possible in fitting.items():
            claims.update((key, line.number) for line in possible)
        chosen.append((use, basket, lines))
    return [
        Match(use, basket, lines[0].discount if basket and len(lines) == 1 and claims[basket.key, lines[0].number] == 1 else None)
        for use, basket, lines in chosen
    ]


def baskets_of(uses: Iterable[CouponUse]) -> dict[HouseholdDay, list[Basket]]:
    """The baskets of the households on the dates of ``uses``, read from the transactions."""
    days: dict[int, set[dt.date]] = defaultdict(set)
    for use in uses:
        days[use.household].add(use.date)
    households = pa.array(sorted(days), pa.int64())
    found: dict[int, Basket | None] = {}  # None: another date
    for batch in files.batches("transactions", _COLUMNS):
        mine = batch.filter(pc.is_in(batch.column("household_id"), value_set=households))
        columns = [mine.column(name) for name in _COLUMNS]
        columns[_PAID], columns[_COUPON] = files.cents(columns[_PAID]), files.cents(columns[_COUPON])
        columns[_AT] = columns[_AT].cast(pa.timestamp("s"))
        for key, household, store, product, paid, coupon, placed in zip(*(column.to_pylist() for column in columns), strict=True):
            if key not in found:
                wanted = files.local_date(placed) in days[household]
                found[key] = Basket(key, household, store, placed.replace(tzinfo=dt.UTC)) if wanted else None
            if (basket := found[key]) is None:
                continue
            if coupon > 0:
                basket.coupon_lines.append(CouponLine(basket.lines, product, coupon))
            basket.lines += 1
            basket.paid += paid
            basket.coupon_discount += coupon
    by_day: dict[HouseholdDay, list[Basket]] = defaultdict(list)
    for basket in found.values():
        if basket:
            by_day[basket.household, files.local_date(basket.placed_at.replace(tzinfo=None))].append(basket)
    return by_day


_COLUMNS = ("basket_id", "household_id", "store_id", "product_id", "sales_value", "coupon_disc", "transaction_timestamp")
_PAID, _COUPON, _AT = 4, 5, 6

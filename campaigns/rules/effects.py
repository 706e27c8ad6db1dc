"""What an incentive does to a basket, to the cent.

A *cell* is what an effect can lower: a line or a shipping method, with what it costs now and the floor below it. Rounding is half
up, once: on each cell for an effect on lines, on the whole for an effect on the order, whose cents are then spread by largest
remainder so that the cells always add up to the whole (``docs/stacking.md``, Amounts).
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from incentives_site.shared.money import share_of, spread

from .basket import Filter


class Scope(enum.StrEnum):
    ORDER = "order"
    LINES = "lines"
    SHIPPING = "shipping"


class Allocation(enum.StrEnum):
    """How an amount is divided: over the cells by their price or quantity, or given to each line or unit in full."""

    BY_AMOUNT = "by_amount"
    BY_QUANTITY = "by_quantity"
    EACH_LINE = "each_line"
    EACH_UNIT = "each_unit"


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Target:
    scope: Scope = Scope.ORDER
    include: Filter = EVERYTHING
    exclude: Filter | None = None


WHOLE_ORDER = Target()


@dataclass(frozen=True, slots=True)
class PercentOff:
    percent: Decimal
    target: Target = WHOLE_ORDER
    max_amount: int | None = None


@dataclass(frozen=True, slots=True)
class AmountOff:
    amount: int
    allocation: Allocation = Allocation.BY_AMOUNT
    target: Target = WHOLE_ORDER
    max_amount: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Decided and given by another system: known to have happened, never applied by us."""

    target: Target = WHOLE_ORDER


Effect = PercentOff | AmountOff | Recorded


@dataclass(frozen=True, slots=True)
class Cell:
    """``base`` is what the effect is computed on (running or original), ``room`` how much may still be taken off."""

    base: int
    room: int
    quantity: int


def discounts(effect: Effect, cells: Sequence[Cell], *, most: int | None = None) -> list[int]:
    """What ``effect`` takes off each of ``cells``: ``0 ≤ discount ≤ room``. ``most`` caps the sum, like the effect's own cap."""
    caps = [cap for cap in (getattr(effect, "max_amount", None), most) if cap is not None]
    cap = min(caps) if caps else None
    match effect:
        case PercentOff(target=Target(scope=Scope.ORDER)):
            wanted = share_of(sum(cell.base for cell in cells), effect.percent)
            return _spread_within_room(_capped(wanted, cap), cells, lambda cell: cell.base)
        case PercentOff():
            return _cut([min(share_of(cell.base, effect.percent), cell.room) for cell in cells], cap)
        case AmountOff(allocation=Allocation.EACH_LINE):
            return _cut([min(effect.amount, cell.room) for cell in cells], cap)
        case AmountOff(allocation=Allocation.EACH_UNIT):
            return _cut([min(effect.amount * cell.quantity, cell.room) for cell in cells], cap)
        case AmountOff(allocation=Allocation.BY_QUANTITY):
            return _spread_within_room(_capped(effect.amount, cap), cells, lambda cell: cell.quantity)
        case AmountOff():
            return _spread_within_room(_capped(effect.amount, cap), cells, lambda cell: cell.base)
    return [0] * len(cells)


def _capped(amount: int, cap: int | None) -> int:
    return amount if cap is None else min(amount, cap)


def _cut(parts: list[int], cap: int | None) -> list[int]:
    """Parts lowered in proportion so that they sum to at most ``cap``."""
    total = sum(parts)
    return parts if cap is None or total <= cap else spread(cap, parts)


def _spread_within_room(amount: int, cells: Sequence[Cell], weight: Callable[[Cell], int]) -> list[int]:
    """Spread by weight; the share that a floor blocks moves to the cells that still have room, until it is placed or none has."""
    given = [0] * len(cells)
    left = min(amount, sum(cell.room for cell in cells))
    while left > 0:
        weights = [max(weight(cell), 1) if given[i] < cell.room else 0 for i, cell in enumerate(cells)]
        parts = [min(part, cells[i].room - given[i]) for i, part in enumerate(spread(left, weights))]
        given = [a + b for a, b in zip(given, parts, strict=True)]
        left -= sum(parts)
    return given

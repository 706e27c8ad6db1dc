"""What a basket costs while incentives are applied one after another, down to single units where that matters.

Most effects look at whole lines, so units are split out only when an effect picks some of them. A line's units are kept as *runs*
of equal ones: a line of a million units costs no more than a line of one.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incentives_site.shared.money import spread

from .basket import Basket
from .work import Work


@dataclass(slots=True)
class Run:
    """``count`` units of one line that cost the same now; ``touched`` when an incentive has already lowered them."""

    count: int
    price: int
    touched: bool


@dataclass(frozen=True, slots=True)
class Selected:
    """``count`` units out of run ``run`` of line ``line``, at ``price`` each; ``room`` is what one of them may still lose."""

    line: int
    run: int
    count: int
    price: int
    room: int


class Running:
    """The amounts left to pay. ``items`` and ``shipping`` are totals per line and method; both only ever fall."""

    __slots__ = (
        "basket",
        "floors",
        "has_floors",
        "has_units",
        "initial",
        "items",
        "items_total",
        "shipping",
        "shipping_total",
        "units",
        "work",
    )

    def __init__(self, basket: Basket, work: Work | None = None) -> None:
        self.basket = basket
        self.work = Work() if work is None else work
        self.initial = [line.quantity * line.unit_price for line in basket.lines]
        self.items = self.initial[:]
        self.shipping = [method.amount for method in basket.shipping]
        self.floors = [line.floor for line in basket.lines]
        self.has_floors = any(self.floors)
        self.units: list[list[Run] | None] = [None] * len(self.items)
        self.has_units = False
        self.items_total = sum(self.items)
        self.shipping_total = sum(self.shipping)

    @property
    def total(self) -> int:
        return self.items_total + self.shipping_total

    def copy(self) -> "Running":
        other = object.__new__(Running)
        other.work = self.work
        self.work.spend(4 + len(self.items) // 4 + (sum(map(len, filter(None, self.units))) if self.has_units else 0))
        other.basket, other.initial, other.floors, other.has_floors = self.basket, self.initial, self.floors, self.has_floors
        other.items, other.shipping = self.items[:], self.shipping[:]
        other.has_units = self.has_units
        other.units = [runs and [Run(run.count, run.price, run.touched) for run in runs] for runs in self.units]
        other.items_total, other.shipping_total = self.items_total, self.shipping_total
        return other

    def rooms(self, lines: list[int]) -> list[int]:
        """How much may still be taken off each of the lines."""
        items, floors = self.items, self.floors
        return [left if (left := items[line] - floors[line]) > 0 else 0 for line in lines]

    def unit_floor(self, line: int) -> int:
        quantity = self.basket.lines[line].quantity
        return self.floors[line] // quantity

    def runs(self, line: int) -> list[Run]:
        """The line's units: while none was lowered by itself, what was taken off is divided evenly, odd cents from the first on.

        Looking splits nothing out for good. If it did, an incentive that looks at units and is not applied would change how what
        is taken off the whole line later is divided, and so what others give.
        """
        found = self.units[line]
        if found is None:
            goods = self.basket.lines[line]
            taken = goods.amount - self.items[line]
            each, odd = divmod(taken, goods.quantity)
            touched = taken > 0
            found = [Run(odd, goods.unit_price - each - 1, touched)] if odd else []
            found.append(Run(goods.quantity - odd, goods.unit_price - each, touched))
        return found

    def take_lines(self, lines: Sequence[int], parts: Sequence[int], picks: Mapping[int, list[tuple[int, int, int]]]) -> None:
        """Take each part (within the room) off its line: off the units that ``picks`` names, else off the whole line."""
        items, total = self.items, sum(parts)
        self.work.spend(len(parts) >> 2)
        if not self.has_units and not picks:
            if len(parts) == len(items):
                self.items = list(map(operator.sub, items, parts))  # all of them, in the order of the basket
            else:
                for line, part in zip(lines, parts, strict=True):
                    items[line] -= part
        else:
            for line, part in zip(lines, parts, strict=True):
                if line in picks:
                    self._take_units(line, picks[line])
                else:
                    self._take_line(line, part)
                items[line] -= part
        self.items_total -= total

    def _take_line(self, line: int, amount: int) -> None:
        """Spread ``amount`` over the units of the line by what they cost."""
        runs = self.units[line]
        if runs is not None:
            floor = self.unit_floor(line)
            self.work.spend(3 * len(runs))
            rooms = [r.count * max(0, r.price - floor) for r in runs]
            parts = spread_within(amount, [r.count * r.price for r in runs], rooms, self.work)
            self.units[line] = [piece for run, part in zip(runs, parts, strict=True) for piece in _split(run, run.count, part)]

    def take_shipping(self, method: int, amount: int) -> None:
        self.shipping[method] -= amount
        self.shipping_total -= amount

    def _take_units(self, line: int, picked: list[tuple[int, int, int]]) -> None:
        """Take amounts off some units: ``(run, count, amount)`` each, runs as numbered by ``runs(line)``, each at most once."""
        wanted = {run: (count, amount) for run, count, amount in picked}
        pieces: list[Run] = []
        runs = self.runs(line)
        self.work.spend(2 * len(runs))
        for number, run in enumerate(runs):
            count, amount = wanted.get(number, (0, 0))
            pieces += _split(run, count, amount) if count else [run]
        self.units[line] = pieces
        self.has_units = True


def _split(run: Run, count: int, amount: int) -> list[Run]:
    """The run after ``amount`` is divided evenly over its first ``count`` units, odd cents from the first on."""
    each, odd = divmod(amount, count)
    pieces = [
        Run(odd, run.price - each - 1, True),
        Run(count - odd, run.price - each, True),
        Run(run.count - count, run.price, run.touched),
    ]
    return [piece for piece in pieces if piece.count]


def spread_within(amount: int, weights: list[int], rooms: list[int], work: Work) -> list[int]:
    """Like ``shared.money.spread``, but never beyond a room: the share a floor blocks moves to those with room left."""
    left = min(amount, sum(rooms))
    if left > 0 and (rooms is weights or 0 not in weights):
        parts = spread(left, weights)
        # No part of a whole is more than its weight, so what is limited by the weights themselves always fits.
        if rooms is weights or all(map(operator.le, parts, rooms)):
            return parts
    given = [0] * len(weights)
    while left > 0:
        work.spend(len(weights))
        open_weights = [max(weight, 1) if given[i] < rooms[i] else 0 for i, weight in enumerate(weights)]
        parts = [min(part, rooms[i] - given[i]) for i, part in enumerate(spread(left, open_weights))]
        given = [a + b for a, b in zip(given, parts, strict=True)]
        left -= sum(parts)
    return given

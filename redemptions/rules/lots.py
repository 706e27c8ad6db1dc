"""Which lots a payment comes from, and where what comes back goes (``docs/ledger.md``, Lots)."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LotState:
    """A lot as it stands. Amounts are whole points or minor units; ``last_usable_on`` is included, ``None``: it never ends."""

    id: int
    amount: int
    remaining: int
    usable_at: datetime.datetime
    last_usable_on: datetime.date | None = None

    def is_over(self, today: datetime.date) -> bool:
        return self.last_usable_on is not None and today > self.last_usable_on


def spending_order(lots: Iterable[LotState]) -> list[LotState]:
    """What ends first is spent first; of what ends on one day, and of what never ends, the oldest."""
    return sorted(lots, key=lambda lot: (lot.last_usable_on or datetime.date.max, lot.usable_at, lot.id))


def take(lots: Sequence[LotState], amount: int, today: datetime.date) -> list[tuple[int, int]]:
    """(lot, amount) of each lot that ``amount`` comes from; less in sum when there is less that can still be used."""
    found = []
    for lot in spending_order(lots):
        part = 0 if lot.is_over(today) else min(lot.remaining, amount)
        if part > 0:
            found.append((lot.id, part))
            amount -= part
    return found


def put_back(uses: Sequence[tuple[int, int]], amount: int) -> list[tuple[int, int]]:
    """Where ``amount`` that comes back goes: to the lots it was taken from, the last taken first."""
    found = []
    for lot, used in reversed(uses):
        part = min(used, amount)
        if part > 0:
            found.append((lot, part))
            amount -= part
    return found

"""Bundles and "buy and get" as they were first written, round by round and unit by unit: slow, and easy to check by eye.

``test_gifts.py`` compares the engine with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from campaigns.rules.applying import MOST_REPEATS, NOTHING_MATCHED, Outcome, Scene, _ordered, _units_outcome, select
from campaigns.rules.effects import BundlePrice, BuyGet, Money, UnitPick, Units, in_currency
from campaigns.rules.running import Running, Selected, spread_within
from incentives_site.shared.money import share_of


@dataclass(slots=True)
class _Stock:
    """Units of one run that are still to be used by this effect; ``taken`` and ``off`` collect what is lowered."""

    line: int
    run: int
    left: int
    price: int
    room: int
    taken: int = 0
    off: int = 0


def _stock(running: Running, lines: list[int]) -> dict[tuple[int, int], _Stock]:
    return {
        (unit.line, unit.run): _Stock(unit.line, unit.run, unit.count, unit.price, unit.room)
        for unit in _ordered(running, lines, UnitPick.FIRST, undiscounted_only=False)
    }


def _in_order(stocks: list[_Stock], pick: UnitPick) -> list[_Stock]:
    if pick is UnitPick.FIRST:
        return sorted(stocks, key=lambda s: (s.line, s.run))
    return sorted(stocks, key=lambda s: (s.price if pick is UnitPick.CHEAPEST else -s.price, s.line, s.run))


def _stock_outcome(stocks: Iterable[_Stock], scene: Scene, own_cap: Money | None) -> Outcome:
    used = [stock for stock in stocks if stock.off]
    selected = [Selected(s.line, s.run, s.taken, s.price, s.room) for s in used]
    return _units_outcome(selected, [s.off for s in used], scene, own_cap)


def bundle(effect: BundlePrice, scene: Scene) -> Outcome:
    lines = scene.matcher.lines(effect.target)
    units = effect.target.units or Units(pick=UnitPick.DEAREST)
    selected = select(scene.running, lines, units, undiscounted_only=effect.target.undiscounted_only, most_units=scene.most_units)
    if sum(unit.count for unit in selected) < effect.size:
        return NOTHING_MATCHED if not selected else Outcome()
    price = in_currency(effect.amount, scene.currency) or 0
    stocks = [_Stock(u.line, u.run, u.count, u.price, u.room) for u in selected]
    for _round in range(MOST_REPEATS if effect.repeat else 1):
        taken = _take(stocks, effect.size)
        if taken is None:
            break
        saving = sum(stock.price * count for stock, count in taken) - price
        if saving <= 0:
            break
        weights = [stock.price * count for stock, count in taken]
        parts = spread_within(saving, weights, [stock.room * count for stock, count in taken], scene.work)
        for (stock, count), part in zip(taken, parts, strict=True):
            stock.left -= count
            stock.taken += count
            stock.off += part
    return _stock_outcome(stocks, scene, effect.max_amount)


def _take(stocks: list[_Stock], count: int) -> list[tuple[_Stock, int]] | None:
    """The first ``count`` units that are left; ``None`` when there are fewer. Takes nothing yet."""
    found = []
    for stock in stocks:
        if count and stock.left:
            found.append((stock, min(stock.left, count)))
            count -= found[-1][1]
    return None if count else found


def buy_get(effect: BuyGet, scene: Scene) -> Outcome:
    running, basket = scene.running, scene.running.basket
    give = [i for i in scene.matcher.filtered(effect.get.filter) if basket.lines[i].discountable]
    trigger = scene.matcher.filtered(effect.buy.filter)
    if not give or not trigger:
        return NOTHING_MATCHED
    stock = _stock(running, sorted({*give, *trigger}))
    gifts = _in_order([s for s in stock.values() if s.line in set(give)], effect.get.pick)
    opposite = UnitPick.CHEAPEST if effect.get.pick is UnitPick.DEAREST else UnitPick.DEAREST
    can_be_gift = set(give)
    triggers = sorted(
        _in_order([s for s in stock.values() if s.line in set(trigger)], opposite), key=lambda s: s.line in can_be_gift
    )
    need = in_currency(effect.buy.amount, scene.currency)
    left = sum(stock.left for stock in gifts) if scene.most_units is None else scene.most_units
    for _round in range(MOST_REPEATS if effect.repeat else 1):
        given = _give_once(effect, gifts, triggers, need, left)
        if not given:
            break
        left -= given
    _price_gifts(effect, [s for s in gifts if s.taken], scene)
    return _stock_outcome(gifts, scene, effect.max_amount)


def _give_once(effect: BuyGet, gifts: list[_Stock], triggers: list[_Stock], need: int | None, most: int) -> int:
    """Use up triggers for as many gifts as can be had, up to what is promised and to ``most``; how many there were."""
    available = min(most, sum(s.left for s in gifts))
    for count in range(min(effect.get.quantity, available), 0, -1):
        given = _take(gifts, count)
        if given is None:
            continue
        for stock, units in given:
            stock.left -= units
        used = _triggers(triggers, effect.buy.quantity, need)
        if used is None:
            for stock, units in given:
                stock.left += units
            continue
        for stock, units in used:
            stock.left -= units
        for stock, units in given:
            stock.taken += units
        return count
    return 0


def _triggers(stocks: list[_Stock], quantity: int | None, need: int | None) -> list[tuple[_Stock, int]] | None:
    if need is None:
        return _take(stocks, quantity or 1)
    found = []
    for stock in stocks:
        if need <= 0:
            break
        if stock.left and stock.price:
            count = min(stock.left, -(-need // stock.price))
            found.append((stock, count))
            need -= count * stock.price
    return None if need > 0 else found


def _price_gifts(effect: BuyGet, gifts: list[_Stock], scene: Scene) -> None:
    """Write the discount on the gifts: a percentage is rounded once for each line, an amount is off each unit."""
    amount = in_currency(effect.get.amount, scene.currency)
    if effect.get.percent is None:
        for stock in gifts:
            stock.off = min(amount or 0, stock.room) * stock.taken
        return
    by_line: dict[int, list[_Stock]] = {}
    for stock in gifts:
        by_line.setdefault(stock.line, []).append(stock)
    for stocks in by_line.values():
        worth = [stock.price * stock.taken for stock in stocks]
        off = share_of(sum(worth), effect.get.percent)
        parts = spread_within(off, worth, [stock.room * stock.taken for stock in stocks], scene.work)
        for stock, part in zip(stocks, parts, strict=True):
            stock.off = part

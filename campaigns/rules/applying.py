"""What an effect takes off a basket as it stands, to the cent.

``work_out`` changes nothing: it says what would be taken where, and ``commit`` takes it. Rounding is half up, once: on each line
for an effect on lines, on the whole for an effect on the order, whose cents are then spread by largest remainder over its lines,
ties to the earliest. The share that a floor blocks moves to lines that still have room (``docs/stacking.md``, Amounts).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from incentives_site.shared.money import rate_of, round_half_up, share_of, spread

from .effects import (
    Allocation,
    AmountOff,
    BundlePrice,
    BuyGet,
    Compound,
    Effect,
    FixedPrice,
    FreeItem,
    Money,
    PercentOff,
    Scope,
    StoredValue,
    TierBy,
    Tiers,
    UnitPick,
    Units,
    Upgrade,
    in_currency,
)
from .matching import Matcher
from .running import Running, Selected, spread_within
from .work import Work

MOST_REPEATS = 10_000  # of one bundle or "buy and get" on one order: a bound of work no real basket meets

# (run, count, amount) of the units of one line, where only some of them are meant.
Picks = list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Added:
    """An article that the effect adds or puts in another's place."""

    sku: str
    name: str
    quantity: int
    unit_price: int
    replaces: str = ""


@dataclass(slots=True)
class Outcome:
    """What an effect would take: ``amount`` as discount, ``stored_value`` as payment; ``wanted`` is before caps from outside.

    ``parts`` go with ``lines`` (indices into the basket's); ``picks`` name the units of those lines of which only some are meant.
    ``units`` and ``units_wanted`` are known only where a limit counts units.
    """

    lines: Sequence[int] = ()
    parts: Sequence[int] = ()
    picks: Mapping[int, Picks] | None = None
    shipping: Sequence[tuple[int, int]] = ()
    amount: int = 0
    wanted: int = 0
    stored_value: int = 0
    added: Sequence[Added] = ()
    matched: bool = True
    after: Running | None = None
    units: int = 0
    units_wanted: int = 0


NOTHING_MATCHED = Outcome(matched=False)


class Scene(NamedTuple):
    """What effects are worked out against. ``most`` (minor units) and ``most_units`` are what caps and limits leave."""

    running: Running
    matcher: Matcher
    original: bool = False
    most: int | None = None
    most_units: int | None = None

    @property
    def currency(self) -> str:
        return self.running.basket.currency

    @property
    def work(self) -> Work:
        return self.running.work

    def cap(self, money: Money | None) -> int | None:
        """The lower of the effect's own cap and the one from outside."""
        own = in_currency(money, self.currency)
        if own is None:
            return self.most
        return own if self.most is None or own < self.most else self.most


def work_out(effect: Effect, scene: Scene) -> Outcome:
    """What ``effect`` would take off as things stand. ``matched`` is false when nothing in the basket is meant."""
    match effect:
        case PercentOff() | AmountOff() | FixedPrice():
            return _lower(effect, scene)
        case BundlePrice():
            return _bundle(effect, scene)
        case BuyGet():
            return _buy_get(effect, scene)
        case FreeItem():
            price = in_currency(effect.unit_price, scene.currency) or 0
            quantity = effect.quantity if scene.most_units is None else min(effect.quantity, scene.most_units)
            return Outcome(added=[Added(effect.sku, effect.name, quantity, price)] if quantity else [])
        case Upgrade():
            return _upgrade(effect, scene)
        case StoredValue():
            return _pay(effect, scene)
        case Tiers():
            return _tier(effect, scene)
        case Compound():
            return _compound(effect, scene)
    return Outcome()


def units_lowered(outcome: Outcome, running: Running) -> int:
    """How many units ``outcome`` lowers or gives; lines of which no single units are known (of a compound) count whole."""
    goods, picks = running.basket.lines, outcome.picks or {}
    running.work.spend(1 + len(outcome.lines) // 4)
    lowered = sum(
        sum(count for _run, count, _amount in picks[line]) if line in picks else goods[line].quantity for line in outcome.lines
    )
    return lowered + sum(item.quantity for item in outcome.added if not item.replaces)


def part_of(outcome: Outcome, lines: Mapping[int, int], methods: Mapping[int, int], running: Running) -> Outcome:
    """What ``outcome`` does on some of its lines and shipping methods alone, at most the given amounts there."""
    running.work.spend(4 + len(outcome.lines) // 4)
    picks, before = outcome.picks or {}, dict(zip(outcome.lines, outcome.parts, strict=True))
    amount = sum(lines.values()) + sum(methods.values())
    wanted = sum(before[line] for line in lines) + sum(part for method, part in outcome.shipping if method in methods)
    replaced = {"", *(running.basket.lines[line].id for line in lines)}
    part = Outcome(
        lines=sorted(lines),
        parts=[lines[line] for line in sorted(lines)],
        picks={line: _lowered_picks(picks[line], lines[line]) for line in lines if line in picks} or None,
        shipping=sorted(methods.items()),
        amount=0 if outcome.stored_value else amount,
        wanted=wanted,
        stored_value=amount if outcome.stored_value else 0,
        added=[item for item in outcome.added if item.replaces in replaced],
    )
    if outcome.units_wanted:
        part.units = part.units_wanted = units_lowered(part, running)
    return part


def _lowered_picks(picks: Picks, amount: int) -> Picks:
    cut = _cut([each for _run, _count, each in picks], amount)
    return [(run, count, each) for (run, count, _each), each in zip(picks, cut, strict=True)]


def commit(outcome: Outcome, running: Running) -> Running:
    """The amounts after ``outcome``: ``running`` itself, changed, or the copy on which a compound was worked out."""
    if outcome.after is not None:
        return outcome.after
    running.take_lines(outcome.lines, outcome.parts, outcome.picks or {})
    for method, amount in outcome.shipping:
        running.take_shipping(method, amount)
    return running


# --- Percentages, amounts, prices -----------------------------------------------------------------------------------

Lowering = PercentOff | AmountOff | FixedPrice

# Looked up once: reading a member off its class costs more than comparing it.
_ORDER, _LINES, _SHIPPING = Scope.ORDER, Scope.LINES, Scope.SHIPPING
_BY_AMOUNT, _EACH_UNIT = Allocation.BY_AMOUNT, Allocation.EACH_UNIT


def _lower(effect: Lowering, scene: Scene) -> Outcome:
    target = effect.target
    scope = target.scope
    if scope is _SHIPPING:
        return _lower_shipping(effect, scene)
    lines = scene.matcher.lines(target)
    if not lines:
        return NOTHING_MATCHED
    picks_units = target.units is not None or target.undiscounted_only or scene.most_units is not None
    if picks_units or (scope is _LINES and isinstance(effect, FixedPrice)):
        return _lower_units(effect, scene, lines)
    running = scene.running
    running.work.spend(len(lines))
    items = running.items
    left = [items[line] for line in lines] if len(lines) < len(items) else items[:]
    bases = [running.initial[line] for line in lines] if scene.original else left
    # Without floors all that is left may be taken, and the same list says so: what is divided then needs no second look.
    rooms = running.rooms(lines) if running.has_floors else left
    if isinstance(effect, PercentOff) and scope is _LINES and effect.max_per_line is None:
        return _outcome(lines, _percent_of_each(effect.rate, bases, rooms), scene, effect.max_amount)
    goods = running.basket.lines
    quantities = [goods[line].quantity for line in lines] if isinstance(effect, AmountOff) else []
    parts = _divide(effect, scene, bases, rooms, quantities, whole=scope is _ORDER)
    return _outcome(lines, parts, scene, effect.max_amount)


def _divide(
    effect: Lowering, scene: Scene, bases: list[int], rooms: list[int], quantities: list[int], *, whole: bool
) -> list[int]:
    """What each cell gets: ``whole`` for an effect on all of them together, else each by itself."""
    if effect.max_per_line is not None:
        per_line = in_currency(effect.max_per_line, scene.currency)
        rooms = rooms if per_line is None else [min(room, per_line) for room in rooms]
    match effect:
        case PercentOff(rate=rate):
            if whole:
                return spread_within(rate_of(sum(bases), rate), bases, rooms, scene.work)
            return _percent_of_each(rate, bases, rooms)
        case FixedPrice():
            price = in_currency(effect.amount, scene.currency) or 0
            return spread_within(max(0, sum(bases) - price), bases, rooms, scene.work)
        case AmountOff(allocation=allocation):
            amount = in_currency(effect.amount, scene.currency) or 0
            if effect.per_set:
                amount *= _sets(effect, scene)
            if allocation is _BY_AMOUNT:
                return spread_within(amount, bases, rooms, scene.work)
            if allocation is _EACH_UNIT:
                return list(map(min, [amount * quantity for quantity in quantities], rooms))
            if allocation is Allocation.EACH_LINE:
                return [min(amount, room) for room in rooms]
            return spread_within(amount, quantities, rooms, scene.work)


def _percent_of_each(rate: int, bases: list[int], rooms: list[int]) -> list[int]:
    parts = [(base * rate + 500_000) // 1_000_000 for base in bases]
    return parts if rooms is bases and rate <= 1_000_000 else list(map(min, parts, rooms))


def _sets(effect: AmountOff, scene: Scene) -> int:
    """How many complete sets the basket holds."""
    goods = scene.running.basket.lines
    sets = [(scene.matcher.filtered(wanted), quantity) for wanted, quantity in effect.per_set]
    scene.work.spend(sum(2 + len(lines) // 4 for lines, _quantity in sets))
    return min(sum(goods[line].quantity for line in lines) // quantity for lines, quantity in sets)


def _lower_shipping(effect: Lowering, scene: Scene) -> Outcome:
    scene.work.spend(len(scene.running.shipping))
    methods = scene.matcher.shipping(effect.target)
    if not methods:
        return NOTHING_MATCHED
    amounts = scene.running.shipping
    bases = [scene.running.basket.shipping[m].amount if scene.original else amounts[m] for m in methods]
    rooms = [amounts[m] for m in methods]
    if isinstance(effect, FixedPrice):
        price = in_currency(effect.amount, scene.currency) or 0
        parts = [min(max(0, base - price), room) for base, room in zip(bases, rooms, strict=True)]
    else:
        parts = _divide(effect, scene, bases, rooms, [1] * len(methods), whole=False)
    wanted, parts = sum(parts), _cut(parts, scene.cap(effect.max_amount))
    return Outcome(
        shipping=[(method, part) for method, part in zip(methods, parts, strict=True) if part],
        amount=sum(parts),
        wanted=_within_own(wanted, effect.max_amount, scene),
    )


def _outcome(lines: list[int], parts: list[int], scene: Scene, own_cap: Money | None) -> Outcome:
    """Whole lines, lowered in proportion where they are more than the caps."""
    amount = wanted = sum(parts)
    if own_cap is not None or scene.most is not None:
        cap = scene.cap(own_cap)
        if cap is not None and wanted > cap:
            amount, parts = cap, spread(cap, parts)
            wanted = _within_own(wanted, own_cap, scene)
    if 0 in parts:
        lines = [line for line, part in zip(lines, parts, strict=True) if part]
        parts = [part for part in parts if part]
    return Outcome(lines, parts, None, (), amount, wanted)


def _within_own(wanted: int, own_cap: Money | None, scene: Scene) -> int:
    own = in_currency(own_cap, scene.currency)
    return wanted if own is None else min(wanted, own)


def _cut(parts: list[int], cap: int | None) -> list[int]:
    """Parts lowered in proportion so that they sum to at most ``cap``."""
    return parts if cap is None or sum(parts) <= cap else spread(cap, parts)


# --- Single units -----------------------------------------------------------------------------------------------------


def _lower_units(effect: Lowering, scene: Scene, lines: list[int]) -> Outcome:
    target = effect.target
    selected = select(scene.running, lines, target.units, undiscounted_only=target.undiscounted_only, most_units=scene.most_units)
    if not selected:
        return NOTHING_MATCHED
    scene.work.spend(4 * len(selected))
    if isinstance(effect, FixedPrice) and target.scope is Scope.LINES:
        price = in_currency(effect.amount, scene.currency) or 0
        per_unit = [min(max(0, unit.price - price), unit.room) * unit.count for unit in selected]
        return _units_outcome(selected, per_unit, scene, effect.max_amount)
    by_line: dict[int, list[int]] = {}
    for position, unit in enumerate(selected):
        by_line.setdefault(unit.line, []).append(position)
    cells = list(by_line.values())
    lists = scene.running.basket.lines
    bases = [
        sum((lists[selected[p].line].unit_price if scene.original else selected[p].price) * selected[p].count for p in cell)
        for cell in cells
    ]
    rooms = [sum(selected[p].room * selected[p].count for p in cell) for cell in cells]
    quantities = [sum(selected[p].count for p in cell) for cell in cells]
    parts = _divide(effect, scene, bases, rooms, quantities, whole=target.scope is Scope.ORDER)
    amounts = [0] * len(selected)
    for cell, part in zip(cells, parts, strict=True):
        weights = [selected[p].price * selected[p].count for p in cell]
        within = spread_within(part, weights, [selected[p].room * selected[p].count for p in cell], scene.work)
        for position, amount in zip(cell, within, strict=True):
            amounts[position] = amount
    return _units_outcome(selected, amounts, scene, effect.max_amount)


def _units_outcome(selected: list[Selected], amounts: list[int], scene: Scene, own_cap: Money | None) -> Outcome:
    scene.work.spend(len(selected))
    wanted = sum(amounts)
    amounts = _cut(amounts, scene.cap(own_cap))
    picks: dict[int, Picks] = {}
    for unit, amount in zip(selected, amounts, strict=True):
        if amount:
            picks.setdefault(unit.line, []).append((unit.run, unit.count, amount))
    lines = sorted(picks)
    parts = [sum(amount for _run, _count, amount in picks[line]) for line in lines]
    return Outcome(lines, parts, picks, (), sum(amounts), _within_own(wanted, own_cap, scene))


def select(
    running: Running, lines: list[int], units: Units | None, *, undiscounted_only: bool = False, most_units: int | None = None
) -> list[Selected]:
    """The units of ``lines`` that ``units`` means, in the order of its pick, runs of equal ones together; at most so many."""
    units = units or _ALL_UNITS
    found = _ordered(running, lines, units.pick, undiscounted_only=undiscounted_only)
    if units.skip or units.every > 1:
        found = _skipped(found, units.skip, units.every)
    most = _most(found, units)
    if most_units is not None:
        most = most_units if most is None else min(most, most_units)
    per_line: dict[int, int] = {}
    selected: list[Selected] = []
    for unit in found:
        count = unit.count if most is None else min(unit.count, most)
        if units.max_per_line is not None:
            count = min(count, units.max_per_line - per_line.get(unit.line, 0))
        if count <= 0:
            continue
        per_line[unit.line] = per_line.get(unit.line, 0) + count
        most = None if most is None else most - count
        selected.append(Selected(unit.line, unit.run, count, unit.price, unit.room))
    return selected


_ALL_UNITS = Units(pick=UnitPick.FIRST)


def _most(found: list[Selected], units: Units) -> int | None:
    """How many units may be taken at most."""
    most = units.max_per_order
    if units.group_size is not None:
        groups = sum(unit.count for unit in found) // units.group_size
        if units.max_groups is not None:
            groups = min(groups, units.max_groups)
        per_group = units.group_size if units.per_group is None else units.per_group
        most = groups * per_group if most is None else min(most, groups * per_group)
    return most


def _ordered(running: Running, lines: list[int], pick: UnitPick, *, undiscounted_only: bool) -> list[Selected]:
    found = []
    for line in lines:
        floor = running.unit_floor(line)
        for number, run in enumerate(running.runs(line)):
            if not (undiscounted_only and run.touched):
                found.append(Selected(line, number, run.count, run.price, max(0, run.price - floor)))
    if pick is UnitPick.CHEAPEST:
        found.sort(key=lambda unit: unit.price)
    elif pick is UnitPick.DEAREST:
        found.sort(key=lambda unit: -unit.price)
    running.work.spend(len(lines) + 4 * len(found))
    return found


def _skipped(found: list[Selected], skip: int, every: int) -> list[Selected]:
    """Every ``every``-th unit after the first ``skip``."""
    kept, position = [], -skip
    for unit in found:
        # Units of this run stand at position … position + count − 1; those with (index + 1) divisible by ``every`` stay.
        first, last = max(position, 0), position + unit.count
        count = last // every - first // every if last > first else 0
        if count > 0:
            kept.append(Selected(unit.line, unit.run, count, unit.price, unit.room))
        position += unit.count
    return kept


# --- Bundles and gifts --------------------------------------------------------------------------------------------------


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


def _stock(running: Running, lines: list[int]) -> list[_Stock]:
    return [
        _Stock(unit.line, unit.run, unit.count, unit.price, unit.room)
        for unit in _ordered(running, lines, UnitPick.FIRST, undiscounted_only=False)
    ]


def _in_order(stocks: list[_Stock], pick: UnitPick) -> list[_Stock]:
    if pick is UnitPick.FIRST:
        return sorted(stocks, key=lambda s: (s.line, s.run))
    return sorted(stocks, key=lambda s: (s.price if pick is UnitPick.CHEAPEST else -s.price, s.line, s.run))


def _stock_outcome(stocks: Iterable[_Stock], scene: Scene, own_cap: Money | None) -> Outcome:
    used = [stock for stock in stocks if stock.off]
    selected = [Selected(s.line, s.run, s.taken, s.price, s.room) for s in used]
    return _units_outcome(selected, [s.off for s in used], scene, own_cap)


def _bundle(effect: BundlePrice, scene: Scene) -> Outcome:
    lines = scene.matcher.lines(effect.target)
    units = effect.target.units or Units(pick=UnitPick.DEAREST)
    selected = select(scene.running, lines, units, undiscounted_only=effect.target.undiscounted_only, most_units=scene.most_units)
    if sum(unit.count for unit in selected) < effect.size:
        return NOTHING_MATCHED if not selected else Outcome()
    price = in_currency(effect.amount, scene.currency) or 0
    queue = _Queue([_Stock(u.line, u.run, u.count, u.price, u.room) for u in selected], scene.work)
    rounds = MOST_REPEATS if effect.repeat else 1
    while rounds:
        queue.pass_empty()
        bundle = queue.first(effect.size)
        if bundle is None:
            break
        saving = sum(stock.price * count for stock, count in bundle) - price
        if saving <= 0:
            break
        weights = [stock.price * count for stock, count in bundle]
        parts = spread_within(saving, weights, [stock.room * count for stock, count in bundle], scene.work)
        # The next bundles are like this one while all their units come from one run.
        times = min(rounds, bundle[0][0].left // effect.size) if len(bundle) == 1 else 1
        for (stock, count), part in zip(bundle, parts, strict=True):
            stock.left -= count * times
            stock.taken += count * times
            stock.off += part * times
        rounds -= times
        scene.work.spend(4 * len(bundle) + 10)
    return _stock_outcome(queue.stocks, scene, effect.max_amount)


# Units that are taken together: of which stock, how many.
Taking = list[tuple[_Stock, int]]


class _Queue:
    """Stocks in the order in which they are used up. What is used up at the head is passed once and never looked at again."""

    __slots__ = ("head", "stocks", "work")

    def __init__(self, stocks: list[_Stock], work: Work) -> None:
        self.stocks, self.work = stocks, work
        self.head = 0

    def pass_empty(self) -> None:
        """Called only between rounds: within one, what was taken may still be put back."""
        stocks, head = self.stocks, self.head
        while head < len(stocks) and not stocks[head].left:
            head += 1
        self.head = head

    def first(self, count: int) -> Taking | None:
        """The first ``count`` units that are left; ``None`` when there are fewer. Takes nothing yet."""
        found: Taking = []
        position = self.head
        while count and position < len(self.stocks):
            stock = self.stocks[position]
            if stock.left:
                found.append((stock, min(stock.left, count)))
                count -= found[-1][1]
            position += 1
        self.work.spend(2 + position - self.head)
        return None if count else found

    def worth(self, need: int) -> Taking | None:
        """The first units that together cost at least ``need`` minor units; ``None`` when all that are left cost less."""
        found: Taking = []
        position = self.head
        while need > 0 and position < len(self.stocks):
            stock = self.stocks[position]
            if stock.left and stock.price:
                found.append((stock, min(stock.left, -(-need // stock.price))))
                need -= found[-1][1] * stock.price
            position += 1
        self.work.spend(2 + position - self.head)
        return None if need > 0 else found


def _buy_get(effect: BuyGet, scene: Scene) -> Outcome:
    running, basket = scene.running, scene.running.basket
    give = [i for i in scene.matcher.filtered(effect.get.filter) if basket.lines[i].discountable]
    trigger = scene.matcher.filtered(effect.buy.filter)
    if not give or not trigger:
        return NOTHING_MATCHED
    can_be_gift, can_trigger = set(give), set(trigger)
    stocks = _stock(running, sorted(can_be_gift | can_trigger))
    gifts = _in_order([s for s in stocks if s.line in can_be_gift], effect.get.pick)
    opposite = UnitPick.CHEAPEST if effect.get.pick is UnitPick.DEAREST else UnitPick.DEAREST
    triggers = sorted(_in_order([s for s in stocks if s.line in can_trigger], opposite), key=lambda s: s.line in can_be_gift)
    scene.work.spend(8 + 4 * len(stocks))
    _give(effect, gifts, triggers, scene)
    _price_gifts(effect, [s for s in gifts if s.taken], scene)
    return _stock_outcome(gifts, scene, effect.max_amount)


def _give(effect: BuyGet, gifts: list[_Stock], triggers: list[_Stock], scene: Scene) -> None:
    """Use up triggers for gifts, round after round; rounds that take from the same two runs are taken together.

    So the work grows with the runs of equal units, not with the units or the rounds.
    """
    need = in_currency(effect.buy.amount, scene.currency)
    # What costs nothing adds nothing to an amount.
    counted = triggers if need is None else [stock for stock in triggers if stock.price]
    giving, buying = _Queue(gifts, scene.work), _Queue(counted, scene.work)
    left = sum(stock.left for stock in gifts) if scene.most_units is None else scene.most_units
    rounds = MOST_REPEATS if effect.repeat else 1
    while rounds:
        giving.pass_empty()
        buying.pass_empty()
        available = min(left, effect.get.quantity, _units_left(giving, effect.get.quantity))
        deal = _deal(effect, giving, buying, need, available)
        if deal is None:
            break
        given, used = deal
        count = sum(units for _stock, units in given)
        times = min(rounds, _alike(given, used, left)) if count == effect.get.quantity else 1
        for stock, units in given:
            stock.left -= units * times
            stock.taken += units * times
        for stock, units in used:
            stock.left -= units * times
        left -= count * times
        rounds -= times


def _units_left(queue: _Queue, enough: int) -> int:
    """How many units are left, counted up to ``enough``."""
    found, position = 0, queue.head
    while found < enough and position < len(queue.stocks):
        found += queue.stocks[position].left
        position += 1
    queue.work.spend(1 + position - queue.head)
    return found


def _deal(effect: BuyGet, giving: _Queue, buying: _Queue, need: int | None, available: int) -> tuple[Taking, Taking] | None:
    """The gifts of one round, as many of the ``available`` as leave enough to trigger them, and what triggers them.

    The fewer gifts are taken the more is left to trigger them, so the largest number is found by halving.
    """
    found, low, high, count = None, 1, available, available
    while low <= high:
        given = giving.first(count) or []
        for stock, units in given:
            stock.left -= units
        used = buying.first(effect.buy.quantity or 1) if need is None else buying.worth(need)
        for stock, units in given:
            stock.left += units
        giving.work.spend(6)
        if used is None:
            high = count - 1
        else:
            found, low = (given, used), count + 1
        count = (low + high) // 2
    return found


def _alike(given: Taking, used: Taking, left: int) -> int:
    """How many rounds in a row are like this one: while its gifts come from one run, and so does what triggers them."""
    if len(given) != 1 or len(used) > 1:
        return 1
    gift, count = given[0]
    times = left // count
    if not used:
        return min(times, gift.left // count)
    trigger, units = used[0]
    if trigger is gift:
        return min(times, gift.left // (count + units))
    return min(times, gift.left // count, trigger.left // units)


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


def _upgrade(effect: Upgrade, scene: Scene) -> Outcome:
    lines = scene.matcher.filtered(effect.source)
    if not lines:
        return NOTHING_MATCHED
    price = in_currency(effect.unit_price, scene.currency) or 0
    units = Units(pick=UnitPick.DEAREST, max_per_order=effect.max_units)
    selected = select(scene.running, lines, units, most_units=scene.most_units)
    amounts = [min(max(0, unit.price - price), unit.room) * unit.count for unit in selected]
    outcome = _units_outcome(selected, amounts, scene, None)
    replaced: dict[int, int] = {}
    for unit in selected:
        replaced[unit.line] = replaced.get(unit.line, 0) + unit.count
    basket = scene.running.basket
    outcome.added = [Added(effect.sku, effect.name, count, price, basket.lines[line].id) for line, count in replaced.items()]
    return outcome


# --- Payment, tiers, compounds ------------------------------------------------------------------------------------------


def _pay(effect: StoredValue, scene: Scene) -> Outcome:
    """Pay with stored value: it is no discount, so floors do not hold it, and it pays shipping too."""
    running = scene.running
    worth = round_half_up(effect.available * effect.rate)
    maximum = in_currency(effect.maximum, scene.currency)
    wanted = worth if maximum is None else min(worth, maximum)
    paid = min(wanted, running.total)
    amounts = [*running.items, *running.shipping]
    scene.work.spend(len(amounts))
    parts = spread_within(paid, amounts, amounts, scene.work)
    items = len(running.items)
    return Outcome(
        lines=[line for line, part in enumerate(parts[:items]) if part],
        parts=[part for part in parts[:items] if part],
        shipping=[(method, part) for method, part in enumerate(parts[items:]) if part],
        stored_value=paid,
        wanted=wanted,
    )


def _tier(effect: Tiers, scene: Scene) -> Outcome:
    lines = scene.matcher.lines(effect.target)
    scene.work.spend(2 + len(effect.tiers) // 2 + len(lines) // 4)
    goods = scene.running.basket.lines
    if effect.by is TierBy.SPEND:
        reached = sum(goods[line].amount for line in lines)
    else:
        reached = sum(goods[line].quantity for line in lines)
    best = max((tier for tier in effect.tiers if tier.start <= reached), key=lambda tier: tier.start, default=None)
    return Outcome() if best is None else work_out(best.effect, scene)


def _compound(effect: Compound, scene: Scene) -> Outcome:
    """Each part on what the one before has left; the parts' shares are added up."""
    after = scene.running.copy()
    lines: dict[int, int] = {}
    shipping: dict[int, int] = {}
    total = Outcome(matched=False)
    for part in effect.effects:
        most = None if scene.most is None else scene.most - total.amount
        outcome = work_out(part, scene._replace(running=after, most=most))
        after = commit(outcome, after)
        scene.work.spend(4 + len(outcome.lines) // 4)
        total.matched = total.matched or outcome.matched
        total.amount += outcome.amount
        total.wanted += outcome.wanted
        total.stored_value += outcome.stored_value
        total.added = [*total.added, *outcome.added]
        for line, amount in zip(outcome.lines, outcome.parts, strict=True):
            lines[line] = lines.get(line, 0) + amount
        for method, amount in outcome.shipping:
            shipping[method] = shipping.get(method, 0) + amount
    total.after = after
    total.lines = sorted(lines)
    total.parts = [lines[line] for line in total.lines]
    total.shipping = sorted(shipping.items())
    return total

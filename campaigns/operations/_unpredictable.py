"""What is refused when it is saved, because nobody could say beforehand what it does, or because it could never do anything.

``docs/stacking.md`` ("Refused when saved") lists all of it. What cannot even be read is refused by ``rules.language``.
"""

import datetime
import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from customers.rules.conditions import Op

from ..models import Claim, Measure, StackGroup
from ..rules.awards import Award, AwardType, open_to
from ..rules.basket import Filter
from ..rules.candidates import OnShort
from ..rules.effects import (
    AmountOff,
    BundlePrice,
    BuyGet,
    Compound,
    Effect,
    FixedPrice,
    FreeItem,
    Money,
    NoEffect,
    PercentOff,
    Recorded,
    Scope,
    StoredValue,
    Target,
    TierBy,
    Tiers,
    Upgrade,
)
from ..rules.facts import is_after, is_money
from ..rules.groups import Base, Eligibility, Group, Pick, PickScope
from ..rules.language import Reader
from ._terms import CLIPPED, LIMITS, Terms

LOWERS_BY_AMOUNT = (PercentOff, AmountOff, FixedPrice, BundlePrice, BuyGet)


def check_promise(effect: Effect, awards: tuple[Award, ...], reader: Reader, pointer: str) -> None:
    """The effect with everything inside it, and the awards."""
    if isinstance(effect, Recorded) or (isinstance(effect, NoEffect) and not awards):
        reader.fault(f"{pointer}/effect/type", "unknown-effect", _("Choose what it does."))
        return
    for here, part in _parts(effect, f"{pointer}/effect"):
        _check_part(part, here, reader)
    for i, award in enumerate(awards):
        here = f"{pointer}/awards/{i}"
        if award.type is AwardType.CREDIT and _is_nothing(award.amount):
            reader.fault(f"{here}/amount", "out-of-range", _("A credit of 0 gives nothing."))
        if award.type is AwardType.CREDIT and award.percent is not None and award.percent == 0:
            reader.fault(f"{here}/percent", "out-of-range", _("A credit of 0 % gives nothing."))
        if award in awards[:i]:
            reader.fault(here, "repeated", _("It is given twice: say it once, with twice as much."))


def _parts(effect: Effect, pointer: str) -> Iterator[tuple[str, Effect]]:
    """The effect and every effect inside it, with their pointers."""
    yield pointer, effect
    if isinstance(effect, Tiers):
        for i, tier in enumerate(effect.tiers):
            yield from _parts(tier.effect, f"{pointer}/tiers/{i}/effect")
    elif isinstance(effect, Compound):
        for i, inner in enumerate(effect.effects):
            yield from _parts(inner, f"{pointer}/effects/{i}")


def _check_part(effect: Effect, here: str, reader: Reader) -> None:
    _check_gives_something(effect, here, reader)
    if (target := getattr(effect, "target", None)) is not None:
        _check_target(target, f"{here}/target", reader)
    if isinstance(effect, Upgrade) and effect.source == Filter():
        reader.fault(f"{here}/from", "empty-filter", _("Say what is replaced: without a filter it would be everything."))
    if isinstance(effect, Tiers):
        order = sorted(range(len(effect.tiers)), key=lambda i: effect.tiers[i].start)
        for before, after in itertools.pairwise(order):
            if effect.tiers[before].effect == effect.tiers[after].effect:
                sentence = _("This step does the same as the one before it.")
                reader.fault(f"{here}/tiers/{after}/effect", "never-differs", sentence)
    if isinstance(effect, FixedPrice | BundlePrice) and (highest := effect.target.include.price_to) is not None:
        pieces = effect.size if isinstance(effect, BundlePrice) else 1
        is_by_piece = isinstance(effect, BundlePrice) or effect.target.scope is Scope.LINES
        if is_by_piece and isinstance(effect.amount, int) and effect.amount >= highest * pieces:
            reader.fault(f"{here}/amount", "never-lowers", _("Nothing that is meant costs more than this price."))


def _check_gives_something(effect: Effect, here: str, reader: Reader) -> None:
    def refuse(field: str, sentence: str) -> None:
        reader.fault(f"{here}/{field}", "out-of-range", sentence)

    nothing = _("A discount of 0 gives nothing.")
    match effect:
        case PercentOff() if effect.percent == 0:
            refuse("percent", _("A discount of 0 % gives nothing."))
        case AmountOff() if _is_nothing(effect.amount):
            refuse("amount", nothing)
        case BuyGet() if effect.get.percent is not None and effect.get.percent == 0:
            refuse("get/percent", _("A discount of 0 % gives nothing."))
        case BuyGet() if _is_nothing(effect.get.amount):
            refuse("get/amount", nothing)
        case StoredValue():
            if not effect.available:
                refuse("available", _("Nothing is stored."))
            if effect.rate == 0:
                refuse("rate", _("One of it would be worth nothing."))
            if _is_nothing(effect.maximum):
                refuse("max", _("At most 0 would give nothing."))
    for cap in ("max_amount", "max_per_line"):
        if _is_nothing(getattr(effect, cap, None)):
            refuse(cap, _("At most 0 would give nothing."))


def _is_nothing(money: Money | None) -> bool:
    return money == 0 or (isinstance(money, Mapping) and any(amount == 0 for amount in money.values()))


def _check_target(target: Target, here: str, reader: Reader) -> None:
    goods = (target.include.skus, target.include.categories, target.include.brands, target.include.lines)
    bounds = (target.include.price_from, target.include.price_to)
    has_goods = any(goods) or bool(target.include.attributes) or any(bound is not None for bound in bounds)
    if target.scope is Scope.SHIPPING and has_goods:
        reader.fault(f"{here}/include", "never-matches", _("Shipping has no articles, categories, brands or prices."))
    if target.scope is not Scope.SHIPPING and target.include.methods:
        reader.fault(f"{here}/include/methods", "never-matches", _("Goods have no shipping method: choose shipping."))
    if target.exclude is not None and target.exclude in (Filter(), target.include):
        reader.fault(f"{here}/exclude", "never-matches", _("This leaves out everything that is meant."))


# --- Currencies ---------------------------------------------------------------------------------------------------------


def check_currencies(
    effect: Effect, awards: tuple[Award, ...], conditions: object, currency: str, has_budget: bool, reader: Reader, pointer: str
) -> None:
    """An incentive gives all its amounts in the campaign's currency, or all of them in the same several ones."""
    if open_to(effect, awards) is None:
        return
    amounts = [*_amounts(effect, f"{pointer}/effect"), *_award_amounts(awards, f"{pointer}/awards")]
    wanted: set[str] = {code for _here, amount in amounts if isinstance(amount, Mapping) for code in amount}
    for here, amount in amounts:
        if not isinstance(amount, Mapping):
            reader.fault(here, "one-currency", _("Give this amount for each currency too: other amounts are given so."))
        elif missing := sorted({*wanted, currency} - set(amount)):
            code = "own-currency-missing" if currency in missing else "one-currency"
            reader.fault(here, code, _("An amount for %(currencies)s is missing.") % {"currencies": ", ".join(missing)})
    for here in _one_currency_places(effect, f"{pointer}/effect"):
        reader.fault(here, "one-currency", _("This amount cannot be told for several currencies, but others are given so."))
    for here, leaf in leaves(conditions, f"{pointer}/conditions"):
        if is_money(str(leaf.get("fact"))):
            sentence = _("This compares an amount of one currency, but the incentive is open to several.")
            reader.fault(f"{here}/value", "one-currency", sentence)
    if has_budget:
        sentence = _("The campaign has a budget in %(currency)s, which cannot count several currencies.") % {"currency": currency}
        reader.fault(f"{pointer}/effect", "budget-of-one-currency", sentence)


def _amounts(effect: Effect, pointer: str) -> Iterator[tuple[str, Money]]:
    for here, part in _parts(effect, pointer):
        found: dict[str, Money | None] = {}
        match part:
            case PercentOff():
                found = {"max_amount": part.max_amount, "max_per_line": part.max_per_line}
            case AmountOff() | FixedPrice():
                found = {"amount": part.amount, "max_amount": part.max_amount, "max_per_line": part.max_per_line}
            case BundlePrice():
                found = {"amount": part.amount, "max_amount": part.max_amount}
            case BuyGet():
                found = {"buy/amount": part.buy.amount, "get/amount": part.get.amount, "max_amount": part.max_amount}
            case FreeItem():
                found = {"unit_price": part.unit_price}
            case Upgrade():
                found = {"to/unit_price": part.unit_price}
            case StoredValue():
                found = {"max": part.maximum}
        for name, money in found.items():
            if money is not None:
                yield f"{here}/{name}", money


def _award_amounts(awards: tuple[Award, ...], pointer: str) -> Iterator[tuple[str, Money]]:
    for i, award in enumerate(awards):
        for name, money in (("per", award.per), ("amount", award.amount)):
            if money is not None:
                yield f"{pointer}/{i}/{name}", money


def _one_currency_places(effect: Effect, pointer: str) -> Iterator[str]:
    """Amounts that the language can only say in one currency."""
    for here, part in _parts(effect, pointer):
        if isinstance(part, StoredValue):
            yield f"{here}/available"
        if isinstance(part, Tiers) and part.by is TierBy.SPEND:
            yield from (f"{here}/tiers/{i}/from" for i, tier in enumerate(part.tiers) if tier.start)
        for name, found in _filters(part):
            if found is not None and (found.price_from is not None or found.price_to is not None):
                yield f"{here}/{name}/unit_price"


def _filters(effect: Effect) -> list[tuple[str, Filter | None]]:
    match effect:
        case BuyGet():
            return [("buy/filter", effect.buy.filter), ("get/filter", effect.get.filter)]
        case Upgrade():
            return [("from", effect.source)]
        case PercentOff() | AmountOff() | FixedPrice() | BundlePrice() | Tiers():
            return [("target/include", effect.target.include), ("target/exclude", effect.target.exclude)]
    return []


# --- Conditions ---------------------------------------------------------------------------------------------------------


def leaves(data: object, pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every comparison of a condition that was read without fault, with its pointer."""
    if not isinstance(data, Mapping):
        return
    quantifier = next((name for name in ("all", "any", "none") if name in data), None)
    if quantifier is None:
        yield pointer, data
        return
    for i, item in enumerate(data[quantifier]):
        yield from leaves(item, f"{pointer}/{quantifier}/{i}")


def check_conditions(data: object, reader: Reader, pointer: str, *, has_discount: bool = True) -> None:
    """Conditions that could never hold; ``data`` was read without fault."""
    _check_branches(data, reader, pointer)
    for here, leaf in leaves(data, pointer):
        _check_leaf(leaf, here, reader)
        if not has_discount and is_after(str(leaf["fact"])):
            sentence = _("It takes nothing off, so there is no basket after its discount.")
            reader.fault(f"{here}/fact", "no-discount", sentence)
    if not reader.faults:
        _check_together(_always(data, pointer), reader)


def _check_branches(data: object, reader: Reader, pointer: str) -> None:
    if not isinstance(data, Mapping):
        return
    for name in ("all", "any", "none"):
        if name not in data:
            continue
        if name == "any" and not data[name]:
            reader.fault(f"{pointer}/any", "empty-list", _("One of nothing is never met."))
        for i, item in enumerate(data[name]):
            _check_branches(item, reader, f"{pointer}/{name}/{i}")
        return


_POSSIBLE = {"time.weekday": (1, 7), "time.hour": (0, 23)}


def _check_leaf(leaf: Mapping[str, Any], here: str, reader: Reader) -> None:
    fact, op, value = str(leaf["fact"]), leaf["op"], leaf.get("value")
    if op in {Op.EXISTS, Op.MATCHES}:
        return
    values: list[Any] = value if isinstance(value, list) else [value]
    if op == Op.BETWEEN:
        low, high = values
        if isinstance(low, str) is not isinstance(high, str) or high < low:
            reader.fault(f"{here}/value", "empty-range", _("Nothing lies between these: the second is less than the first."))
    if fact in _POSSIBLE:
        lowest, highest = _POSSIBLE[fact]
        if any(not lowest <= item <= highest for item in values):
            words = {"low": lowest, "high": highest}
            reader.fault(f"{here}/value", "out-of-range", _("From %(low)s to %(high)s.") % words)
    if fact == "time.date" and not all(_is_day(item) for item in values):
        reader.fault(f"{here}/value", "bad-date", _("There is no such day."))


def _is_day(text: object) -> bool:
    try:
        datetime.date.fromisoformat(str(text))
    except ValueError:
        return False
    return True


def _always(data: object, pointer: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The comparisons that must all hold at once."""
    if not isinstance(data, Mapping) or "any" in data or "none" in data:
        return []
    if "all" in data:
        return [found for i, item in enumerate(data["all"]) for found in _always(item, f"{pointer}/all/{i}")]
    return [(pointer, data)]


# Whether the bound itself is included.
_LOW, _HIGH = {Op.GE: True, Op.GT: False}, {Op.LE: True, Op.LT: False}


def _check_together(found: list[tuple[str, Mapping[str, Any]]], reader: Reader) -> None:
    """Comparisons of one fact that leave no value which meets them all."""
    facts: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for here, leaf in found:
        facts.setdefault(str(leaf["fact"]), []).append((here, leaf))
    for several in facts.values():
        if len(several) > 1:
            _check_fact(several, reader)


def _check_fact(several: list[tuple[str, Mapping[str, Any]]], reader: Reader) -> None:
    low: tuple[Any, bool] | None = None
    high: tuple[Any, bool] | None = None
    allowed: set[Any] | None = None
    for here, leaf in several:
        op, value = Op(leaf["op"]), leaf.get("value")
        if op is Op.EXISTS and value is False:
            reader.fault(here, "contradiction", _("This contradicts another condition: both can never be met."))
            return
        if op in {Op.EQ, Op.IN}:
            mine = {(type(item) is bool, item) for item in (value if isinstance(value, list) else [value])}
            allowed = mine if allowed is None else allowed & mine
        bounds = list(zip((Op.GE, Op.LE), value, strict=True)) if op is Op.BETWEEN and isinstance(value, list) else [(op, value)]
        for compare, bound in bounds:
            if compare in _LOW and (low is None or _is_number(low[0]) is _is_number(bound)):
                low = max(low or (bound, True), (bound, _LOW[compare]), key=lambda end: (_plain(end[0]), not end[1]))
            if compare in _HIGH and (high is None or _is_number(high[0]) is _is_number(bound)):
                high = min(high or (bound, True), (bound, _HIGH[compare]), key=lambda end: (_plain(end[0]), end[1]))
        if allowed is not None:
            allowed = {item for item in allowed if _lies_between(item[1], low, high)}
        if allowed == set() or _is_empty(low, high):
            reader.fault(here, "contradiction", _("This contradicts another condition: both can never be met."))
            return


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    return Decimal(str(value)) if _is_number(value) else value


def _is_empty(low: tuple[Any, bool] | None, high: tuple[Any, bool] | None) -> bool:
    if low is None or high is None or _is_number(low[0]) is not _is_number(high[0]):
        return False
    least, most = _plain(low[0]), _plain(high[0])
    return bool(least > most or (least == most and not (low[1] and high[1])))


def _lies_between(value: Any, low: tuple[Any, bool] | None, high: tuple[Any, bool] | None) -> bool:
    return not (_is_empty((value, True), high) or _is_empty(low, (value, True)))


# --- Limits, groups -----------------------------------------------------------------------------------------------------


def check_limits(terms: Terms, effect: Effect, awards: tuple[Award, ...], reader: Reader, pointer: str) -> None:
    said = {name: measure for name, measure, _per in LIMITS if terms[name] is not None}  # type: ignore[literal-required]
    awards_points = any(award.type is AwardType.POINTS for award in awards)
    counts = {
        Measure.UNITS: (_lowers_units(effect), _("It lowers no pieces that could be counted.")),
        Measure.DISCOUNT: (_takes_off(effect), _("It takes nothing off that could be counted.")),
        Measure.POINTS: (awards_points, _("It awards no points that could be counted.")),
    }
    for name, measure in said.items():
        does_count, sentence = counts.get(Measure(measure), (True, ""))
        if not does_count:
            reader.fault(f"{pointer}/{name}", "counts-nothing", sentence)
    if open_to(effect, awards) is not None:
        sentence = _("It is open to several currencies, which this cannot count.")
        for name, measure in said.items():
            if measure in {Measure.DISCOUNT, Measure.ORDER_VALUE}:
                reader.fault(f"{pointer}/{name}", "limit-of-one-currency", sentence)
    if terms["when_short"] not in set(OnShort):
        reader.fault(f"{pointer}/when_short", "unknown-value", _("Refuse, or clip: give what is left."))
    elif terms["when_short"] == OnShort.CLIP and not CLIPPED & set(said.values()):
        sentence = _("Only a limit of units, discount or points can be clipped: set one.")
        reader.fault(f"{pointer}/when_short", "nothing-to-clip", sentence)


def _lowers_units(effect: Effect) -> bool:
    return any(
        isinstance(part, Upgrade | FreeItem)
        or (isinstance(part, LOWERS_BY_AMOUNT) and getattr(part, "target", Target()).scope is not Scope.SHIPPING)
        for _here, part in _parts(effect, "")
    )


def _takes_off(effect: Effect) -> bool:
    return any(not isinstance(part, NoEffect | StoredValue | Compound | Tiers) for _here, part in _parts(effect, ""))


def check_in_group(effect: Effect, group: Group, reader: Reader, pointer: str) -> None:
    """How an incentive goes with the group it is put into; ``pointer`` is where the group was chosen."""
    has_discount = not isinstance(effect, NoEffect)
    if not has_discount and group.consume_without_effect:
        sentence = _("Uses of this group count without effect, and this incentive never has one on the price.")
        reader.fault(pointer, "never-has-effect", sentence)
    if not has_discount and group.pick in {Pick.BEST_FOR_CUSTOMER, Pick.LEAST_COST}:
        reader.fault(pointer, "no-discount", _("This group picks by the discount, and this incentive gives none."))
    if group.pick is not Pick.ALL and group.scope is PickScope.LINE and not _is_line_by_line(effect):
        sentence = _("This group picks for each line, but this incentive is not about single lines.")
        reader.fault(pointer, "not-by-line", sentence)


def _is_line_by_line(effect: Effect) -> bool:
    """Whether what the effect does to one line does not depend on other lines."""
    match effect:
        case PercentOff() | AmountOff() | FixedPrice():
            return effect.target.scope is Scope.LINES
        case Compound():
            return all(_is_line_by_line(part) for part in effect.effects)
        case Tiers():
            return all(_is_line_by_line(tier.effect) for tier in effect.tiers)
    return False


def check_group(group: StackGroup, reader: Reader) -> None:
    """A stack group by itself, before it is saved."""
    for name, kinds in (("eligibility", Eligibility), ("pick", Pick), ("scope", PickScope)):
        if getattr(group, name) not in {kind.value for kind in kinds}:
            reader.fault(f"/{name}", "unknown-value", "One of: " + ", ".join(kind.value for kind in kinds) + ".")
    if group.base and group.base not in set(Base):
        reader.fault("/base", "unknown-value", "One of: " + ", ".join(Base) + ".")
    if group.limit is not None and not 1 <= group.limit <= 1000:
        reader.fault("/limit", "out-of-range", _("From 1 to 1,000, or empty: without a limit."))
    if reader.faults:
        return
    if group.limit is not None and group.limit > 1 and group.pick != Pick.ALL and group.scope == PickScope.BASKET:
        sentence = _("Only one is picked for a basket, so a limit above 1 could never be reached.")
        reader.fault("/limit", "never-reached", sentence)
    if group.scope == PickScope.LINE and group.pick == Pick.ALL:
        reader.fault("/scope", "nothing-to-pick", _("All are taken, so there is nothing to pick for each line."))


def check_claim(claim: str, reader: Reader, pointer: str) -> None:
    if claim not in Claim.values:
        reader.fault(f"{pointer}/claim", "unknown-value", _("Choose how it is claimed."))

"""Reads the incentive language: JSON in, frozen dataclasses out, every fault with its JSON pointer.

Used by the simulation endpoint, by quotes and redemptions (basket), and when a campaign is saved (effect, conditions). Everything
is bounded, so that reading a hostile document is cheap.
"""

import datetime
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeGuard

from customers.rules.conditions import ALWAYS, Condition, parse
from customers.rules.faults import Fault, Misunderstood, escape
from incentives_site.shared.money import CURRENCIES, LARGEST_AMOUNT

from .awards import Award, AwardType, Rounding
from .basket import EVERYTHING, Basket, Filter, Line, Shipping
from .candidates import OPEN, Candidate, LimitState, OnShort, Standing
from .effects import (
    Allocation,
    AmountOff,
    BundlePrice,
    Buy,
    BuyGet,
    Compound,
    Effect,
    FixedPrice,
    FreeItem,
    Get,
    Money,
    NoEffect,
    PercentOff,
    Recorded,
    Scope,
    StoredValue,
    Target,
    Tier,
    TierBy,
    Tiers,
    UnitPick,
    Units,
    Upgrade,
)
from .expiry import RoundUp
from .facts import BASKET_FACTS, Surroundings
from .groups import Base, Eligibility, Group, Pick, PickScope
from .limits import Counted
from .policy import Choose, Failure, Order, Policy
from .work import Work

MOST_LINES = 1000
MOST_SHIPPING = 20
MOST_INCENTIVES = 1000
MOST_GROUPS = 100
LARGEST_QUANTITY = 1_000_000
LONGEST_LIST = 20_000
LONGEST_TEXT = 200
PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?")
DECIMAL = re.compile(r"\d{1,12}(\.\d{1,6})?")


@dataclass(slots=True)
class Reader:
    """Walks one JSON document, collecting faults; every method answers with something usable even after a fault."""

    faults: list[Fault] = field(default_factory=list)
    # Where what is read is decided at once, reading is part of the decision's work.
    work: Work | None = None

    def spend(self, steps: int) -> None:
        if self.work is not None:
            self.work.spend(steps)

    def fault(self, pointer: str, code: str, detail: str) -> None:
        if len(self.faults) < 100:
            self.faults.append(Fault(pointer, code, detail))

    def finish(self) -> None:
        if self.faults:
            raise Misunderstood(self.faults)

    def fields(self, data: object, pointer: str, known: Iterable[str]) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fault(pointer, "not-an-object", "An object is expected.")
            return {}
        self.spend(4 + 2 * len(data))
        for key in data:
            if key not in known:
                self.fault(f"{pointer}/{escape(str(key)[:60])}", "unknown-field", f"“{str(key)[:60]}” is not a field here.")
        return data

    def entries(self, data: object, pointer: str, most: int) -> list[Any]:
        if data is None:
            return []
        if not isinstance(data, list):
            self.fault(pointer, "not-a-list", "A list is expected.")
            return []
        if len(data) > most:
            self.fault(pointer, "too-many", f"At most {most:,} entries.")
            return []
        return data

    def text(self, data: object, pointer: str, *, required: bool = True, longest: int = LONGEST_TEXT) -> str:
        if data is None and not required:
            return ""
        if not isinstance(data, str) or (required and not data.strip()):
            self.fault(pointer, "not-a-text", "A text is expected.")
            return ""
        if len(data) > longest or "\x00" in data:
            self.fault(pointer, "bad-text", f"At most {longest} characters, without the null character.")
            return ""
        try:
            data.encode()
        except UnicodeEncodeError:
            self.fault(pointer, "bad-text", "This is not valid Unicode.")
            return ""
        return data

    def texts(self, data: object, pointer: str) -> list[str]:
        entries = self.entries(data, pointer, LONGEST_LIST)
        self.spend(2 * len(entries))
        return [self.text(item, f"{pointer}/{i}") for i, item in enumerate(entries)]

    def integer(self, data: object, pointer: str, *, low: int, high: int, default: int | None = None) -> int:
        if data is None and default is not None:
            return default
        if not isinstance(data, int) or isinstance(data, bool):
            self.fault(pointer, "not-a-whole-number", "A whole number is expected.")
            return low
        if not low <= data <= high:
            self.fault(pointer, "out-of-range", f"From {low:,} to {high:,}.")
            return low
        return data

    def amount(self, data: object, pointer: str, *, default: int | None = None) -> int:
        """Minor units, zero or more."""
        return self.integer(data, pointer, low=0, high=LARGEST_AMOUNT, default=default)

    def money(self, data: object, pointer: str, *, low: int = 0) -> Money:
        """Minor units of the basket's currency, or an object that gives them for each currency that is served."""
        if not isinstance(data, dict):
            return self.integer(data, pointer, low=low, high=LARGEST_AMOUNT)
        if not data or len(data) > 200:
            self.fault(pointer, "out-of-range", "1 to 200 currencies.")
            return {}
        for currency in data:
            if currency not in CURRENCIES:
                self.fault(f"{pointer}/{escape(str(currency)[:60])}", "unknown-currency", "An ISO 4217 code is expected.")
        return {
            str(currency): self.integer(amount, f"{pointer}/{escape(str(currency)[:60])}", low=low, high=LARGEST_AMOUNT)
            for currency, amount in data.items()
        }

    def optional_money(self, data: object, pointer: str, *, low: int = 0) -> Money | None:
        return None if data is None else self.money(data, pointer, low=low)

    def boolean(self, data: object, pointer: str, *, default: bool) -> bool:
        if data is None:
            return default
        if not isinstance(data, bool):
            self.fault(pointer, "not-a-boolean", "true or false is expected.")
            return default
        return data

    def decimal(self, data: object, pointer: str, *, default: Decimal) -> Decimal:
        """A decimal string of at most 12 digits before and 6 after the point."""
        if data is None:
            return default
        if isinstance(data, int) and not isinstance(data, bool) and 0 <= data < 10**12:
            return Decimal(data)
        if not isinstance(data, str) or not DECIMAL.fullmatch(data):
            self.fault(pointer, "not-a-decimal", "A text of a plain number is expected.")
            return default
        return Decimal(data)

    def percent(self, data: object, pointer: str) -> Decimal:
        """A decimal string of 0 to 100 with up to four decimals."""
        if not isinstance(data, str) or not PERCENT.fullmatch(data) or Decimal(data) > 100:
            self.fault(pointer, "bad-percentage", "A text of a number from 0 to 100 with up to four decimals is expected.")
            return Decimal(0)
        return Decimal(data)

    def choice(self, data: object, pointer: str, kinds: type, default: Any = None) -> Any:
        if data is None and default is not None:
            return default
        values = [kind.value for kind in kinds]  # type: ignore[attr-defined]
        if data not in values:
            self.fault(pointer, "unknown-value", "One of: " + ", ".join(values) + ".")
            return default if default is not None else next(iter(kinds))  # type: ignore[call-overload]
        return kinds(data)

    def condition(self, data: object, pointer: str) -> Condition:
        try:
            condition = parse(data, facts=BASKET_FACTS, pointer=pointer)
            self.spend(20 * condition.size)
            return condition
        except Misunderstood as error:
            for fault in error.faults:
                self.fault(fault.pointer, fault.code, fault.detail)
            return ALWAYS

    def unique(self, keys: list[str], pointer: str, name: str) -> None:
        seen: set[str] = set()
        for i, key in enumerate(keys):
            if key in seen:
                self.fault(f"{pointer}/{i}/{name}", "repeated", f"“{key[:60]}” stands here twice.")
            seen.add(key)


def read_basket(
    data: object, *, currency: object, reader: Reader, pointer: str = "/basket", may_be_empty: bool = False
) -> Basket:
    """The basket said by ``data``; faults go to ``reader``. Only a simulation may ask about a basket without lines."""
    if not isinstance(currency, str) or currency not in CURRENCIES:
        reader.fault("/currency", "unknown-currency", "An ISO 4217 code of three capital letters is expected.")
    body = reader.fields(data, pointer, {"lines", "shipping", "currency"})
    if body.get("currency", currency) != currency:
        reader.fault(f"{pointer}/currency", "mixed-currency", "A basket has one currency.")
    lines = tuple(
        _read_line(item, f"{pointer}/lines/{i}", currency, reader)
        for i, item in enumerate(reader.entries(body.get("lines"), f"{pointer}/lines", MOST_LINES))
    )
    if not lines and not may_be_empty and not reader.faults:
        reader.fault(f"{pointer}/lines", "empty-basket", "A basket has at least one line.")
    reader.unique([line.id for line in lines], f"{pointer}/lines", "id")
    shipping = []
    for i, item in enumerate(reader.entries(body.get("shipping"), f"{pointer}/shipping", MOST_SHIPPING)):
        here = f"{pointer}/shipping/{i}"
        method = reader.fields(item, here, {"method", "amount"})
        shipping.append(
            Shipping(reader.text(method.get("method"), f"{here}/method"), reader.amount(method.get("amount"), f"{here}/amount"))
        )
    reader.unique([method.method for method in shipping], f"{pointer}/shipping", "method")
    basket = Basket(str(currency), lines, tuple(shipping))
    if basket.total > LARGEST_AMOUNT:
        reader.fault(pointer, "too-large", "The basket is worth more than this system can count.")
    return basket


LINE_FIELDS = {
    "id", "sku", "name", "categories", "brand", "quantity", "unit_price", "minimum_unit_price", "attributes", "discountable",
    "currency",
}  # fmt: skip


def _is_plain(text: Any) -> TypeGuard[str]:
    """Surely a text that ``Reader.text`` takes as it is."""
    return type(text) is str and 0 < len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable() and text[0] != " "


def _read_line(data: object, here: str, currency: object, reader: Reader) -> Line:
    line = reader.fields(data, here, LINE_FIELDS)
    if line.get("currency", currency) != currency:
        reader.fault(f"{here}/currency", "mixed-currency", "All lines of a basket have the basket's currency.")
    discountable = line.get("discountable", True)
    if not isinstance(discountable, bool):
        reader.fault(f"{here}/discountable", "not-a-boolean", "true or false is expected.")
    attributes = {} if line.get("attributes") is None else line["attributes"]
    if not isinstance(attributes, dict) or len(attributes) > 50:
        reader.fault(f"{here}/attributes", "not-an-object", "An object of at most 50 names and texts is expected.")
        attributes = {}
    reader.spend(3 * len(attributes))
    # Most texts are plain, and each basket has many: what is wrong with one is asked only about the others.
    id_, sku, categories = line.get("id"), line.get("sku"), line.get("categories")
    return Line(
        id=id_ if _is_plain(id_) else reader.text(id_, f"{here}/id"),
        sku=sku if _is_plain(sku) else reader.text(sku, f"{here}/sku"),
        name=reader.text(line["name"], f"{here}/name", required=False) if "name" in line else "",
        categories=tuple(categories)
        if type(categories) is list and len(categories) <= 100 and all(map(_is_plain, categories))
        else tuple(reader.texts(categories, f"{here}/categories")[:100]),
        brand=reader.text(line["brand"], f"{here}/brand", required=False) if "brand" in line else "",
        quantity=reader.integer(line.get("quantity"), f"{here}/quantity", low=1, high=LARGEST_QUANTITY),
        unit_price=reader.amount(line.get("unit_price"), f"{here}/unit_price"),
        minimum_unit_price=reader.amount(line.get("minimum_unit_price"), f"{here}/minimum_unit_price", default=0),
        attributes={
            reader.text(k, f"{here}/attributes"): reader.text(v, f"{here}/attributes/{escape(str(k)[:60])}")
            for k, v in attributes.items()
        },
        discountable=discountable is not False,
    )


FILTER_LISTS = ("skus", "categories", "brands", "lines", "methods")


def _read_filter(data: object, here: str, reader: Reader) -> Filter:
    if data is None:
        return EVERYTHING
    body = reader.fields(data, here, {*FILTER_LISTS, "attributes", "unit_price"})
    lists = {name: frozenset(reader.texts(body[name], f"{here}/{name}")) for name in FILTER_LISTS if name in body}
    for name, entries in lists.items():
        if not entries and isinstance(body[name], list):
            reader.fault(f"{here}/{name}", "empty-list", "An empty list would match nothing: leave the field out instead.")
    price = reader.fields(body["unit_price"], f"{here}/unit_price", {"from", "to"}) if body.get("unit_price") is not None else {}
    low, high = (
        None if price.get(name) is None else reader.amount(price[name], f"{here}/unit_price/{name}") for name in ("from", "to")
    )
    if low is not None and high is not None and high < low:
        reader.fault(f"{here}/unit_price", "empty-range", "No price lies between these bounds.")
    return Filter(**lists, attributes=_read_attributes(body.get("attributes"), here, reader), price_from=low, price_to=high)


def _read_attributes(data: object, here: str, reader: Reader) -> tuple[tuple[str, frozenset[str]], ...]:
    if data is None:
        return ()
    if not isinstance(data, dict) or len(data) > 50:
        reader.fault(f"{here}/attributes", "not-an-object", "An object of at most 50 names with lists of values is expected.")
        return ()
    found = []
    for name, values in sorted(data.items(), key=lambda entry: str(entry[0])):
        place = f"{here}/attributes/{escape(str(name)[:60])}"
        wanted = frozenset(reader.texts(values, place))
        if not values:
            reader.fault(place, "empty-list", "An empty list would match nothing: leave the attribute out instead.")
        found.append((reader.text(name, f"{here}/attributes"), wanted))
    return tuple(found)


UNIT_FIELDS = {"pick", "max_per_line", "max_per_order", "skip", "every", "group_size", "per_group", "max_groups"}


def _read_units(data: object, here: str, reader: Reader) -> Units | None:
    if data is None:
        return None
    body = reader.fields(data, here, UNIT_FIELDS)
    numbers = {
        name: None if body.get(name) is None else reader.integer(body[name], f"{here}/{name}", low=1, high=LARGEST_QUANTITY)
        for name in ("max_per_line", "max_per_order", "group_size", "per_group", "max_groups")
    }
    for name in ("per_group", "max_groups"):
        if numbers[name] is not None and numbers["group_size"] is None:
            reader.fault(f"{here}/{name}", "without-group", "This only means something together with group_size.")
    size, per_group = numbers["group_size"], numbers["per_group"]
    if size is not None and per_group is not None and per_group > size:
        reader.fault(f"{here}/per_group", "out-of-range", "Not more than there are in a group.")
    return Units(
        pick=reader.choice(body.get("pick"), f"{here}/pick", UnitPick, UnitPick.CHEAPEST),
        skip=reader.integer(body.get("skip"), f"{here}/skip", low=0, high=LARGEST_QUANTITY, default=0),
        every=reader.integer(body.get("every"), f"{here}/every", low=1, high=LARGEST_QUANTITY, default=1),
        **numbers,
    )


def _read_target(data: object, here: str, reader: Reader, default: Scope = Scope.ORDER) -> Target:
    if data is None:
        return Target(scope=default)
    body = reader.fields(data, here, {"scope", "include", "exclude", "units", "undiscounted_only"})
    target = Target(
        scope=reader.choice(body.get("scope"), f"{here}/scope", Scope, default),
        include=_read_filter(body.get("include"), f"{here}/include", reader),
        exclude=None if body.get("exclude") is None else _read_filter(body["exclude"], f"{here}/exclude", reader),
        units=_read_units(body.get("units"), f"{here}/units", reader),
        undiscounted_only=reader.boolean(body.get("undiscounted_only"), f"{here}/undiscounted_only", default=False),
    )
    if target.scope is Scope.SHIPPING and (target.units or target.undiscounted_only):
        reader.fault(here, "not-for-shipping", "Units are picked of goods, not of shipping.")
    return target


# --- Effects ------------------------------------------------------------------------------------------------------------

DEEPEST_EFFECT = 3
MOST_PARTS = 20
EFFECTS = (
    "percent_off", "amount_off", "fixed_price", "bundle_price", "buy_get", "free_item", "upgrade", "stored_value", "tiers",
    "compound",
)  # fmt: skip


def read_effect(data: object, *, reader: Reader, pointer: str = "/effect", depth: int = 0) -> Effect:
    """The effect said by ``data``; faults go to ``reader``."""
    if not isinstance(data, dict):
        reader.fault(pointer, "not-an-object", "An effect is an object with a type.")
        return NoEffect()
    if depth >= DEEPEST_EFFECT:
        reader.fault(pointer, "too-deep", f"Effects are nested at most {DEEPEST_EFFECT} deep.")
        return NoEffect()
    kind = data.get("type")
    if kind == "recorded" and not depth:
        body = reader.fields(data, pointer, {"type", "target"})
        return Recorded(_read_target(body.get("target"), f"{pointer}/target", reader))
    read = _EFFECT_READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        reader.fault(f"{pointer}/type", "unknown-effect", "One of: " + ", ".join(EFFECTS) + ".")
        return NoEffect()
    if depth and kind == "stored_value":
        reader.fault(f"{pointer}/type", "not-inside", "A payment stands by itself: give it an incentive of its own.")
    return read(data, pointer, reader, depth)


def _caps(body: dict[str, Any], here: str, reader: Reader) -> dict[str, Money | None]:
    return {name: reader.optional_money(body.get(name), f"{here}/{name}") for name in ("max_amount", "max_per_line")}


def _percent_off(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "percent", "target", "max_amount", "max_per_line"})
    percent = reader.percent(body.get("percent"), f"{here}/percent")
    return PercentOff(percent, _read_target(body.get("target"), f"{here}/target", reader), **_caps(body, here, reader))


def _amount_off(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "amount", "allocation", "target", "max_amount", "max_per_line", "per_set"})
    parts = []
    for i, item in enumerate(reader.entries(body.get("per_set"), f"{here}/per_set", MOST_PARTS)):
        part = reader.fields(item, f"{here}/per_set/{i}", {"filter", "quantity"})
        quantity = reader.integer(part.get("quantity"), f"{here}/per_set/{i}/quantity", low=1, high=1000, default=1)
        parts.append((_read_filter(part.get("filter"), f"{here}/per_set/{i}/filter", reader), quantity))
    return AmountOff(
        reader.money(body.get("amount"), f"{here}/amount"),
        reader.choice(body.get("allocation"), f"{here}/allocation", Allocation, Allocation.BY_AMOUNT),
        _read_target(body.get("target"), f"{here}/target", reader),
        **_caps(body, here, reader),
        per_set=tuple(parts),
    )


def _fixed_price(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "amount", "target", "max_amount", "max_per_line"})
    amount = reader.money(body.get("amount"), f"{here}/amount")
    return FixedPrice(amount, _read_target(body.get("target"), f"{here}/target", reader), **_caps(body, here, reader))


def _bundle_price(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "amount", "size", "repeat", "target", "max_amount"})
    target = _read_target(body.get("target"), f"{here}/target", reader, Scope.LINES)
    if target.scope is Scope.SHIPPING:
        reader.fault(f"{here}/target/scope", "not-for-shipping", "A bundle is of goods.")
    return BundlePrice(
        reader.money(body.get("amount"), f"{here}/amount"),
        reader.integer(body.get("size"), f"{here}/size", low=1, high=1000),
        reader.boolean(body.get("repeat"), f"{here}/repeat", default=True),
        target,
        reader.optional_money(body.get("max_amount"), f"{here}/max_amount"),
    )


def _buy_get(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "buy", "get", "repeat", "max_amount"})
    buy = reader.fields(body.get("buy"), f"{here}/buy", {"filter", "quantity", "amount"})
    get = reader.fields(body.get("get"), f"{here}/get", {"filter", "quantity", "percent", "amount", "pick"})
    if (buy.get("quantity") is None) is (buy.get("amount") is None):
        reader.fault(f"{here}/buy", "one-of", "Say what has to be bought: a quantity or an amount.")
    if (get.get("percent") is None) is (get.get("amount") is None):
        reader.fault(f"{here}/get", "one-of", "Say what is taken off: a percentage or an amount.")
    quantity = buy.get("quantity")
    percent = get.get("percent")
    return BuyGet(
        Buy(
            _read_filter(buy.get("filter"), f"{here}/buy/filter", reader),
            None if quantity is None else reader.integer(quantity, f"{here}/buy/quantity", low=1, high=1000),
            reader.optional_money(buy.get("amount"), f"{here}/buy/amount", low=1),
        ),
        Get(
            _read_filter(get.get("filter"), f"{here}/get/filter", reader),
            reader.integer(get.get("quantity"), f"{here}/get/quantity", low=1, high=1000, default=1),
            None if percent is None else reader.percent(percent, f"{here}/get/percent"),
            reader.optional_money(get.get("amount"), f"{here}/get/amount"),
            reader.choice(get.get("pick"), f"{here}/get/pick", UnitPick, UnitPick.CHEAPEST),
        ),
        reader.boolean(body.get("repeat"), f"{here}/repeat", default=True),
        reader.optional_money(body.get("max_amount"), f"{here}/max_amount"),
    )


def _free_item(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "sku", "quantity", "unit_price", "name"})
    return FreeItem(
        reader.text(body.get("sku"), f"{here}/sku"),
        reader.integer(body.get("quantity"), f"{here}/quantity", low=1, high=1000, default=1),
        reader.money(body.get("unit_price"), f"{here}/unit_price"),
        reader.text(body.get("name"), f"{here}/name", required=False),
    )


def _upgrade(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "from", "to", "max_units"})
    to = reader.fields(body.get("to"), f"{here}/to", {"sku", "unit_price", "name"})
    most = body.get("max_units")
    return Upgrade(
        _read_filter(body.get("from"), f"{here}/from", reader),
        reader.text(to.get("sku"), f"{here}/to/sku"),
        reader.money(to.get("unit_price"), f"{here}/to/unit_price"),
        reader.text(to.get("name"), f"{here}/to/name", required=False),
        None if most is None else reader.integer(most, f"{here}/max_units", low=1, high=LARGEST_QUANTITY),
    )


def _stored_value(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "available", "rate", "max"})
    return StoredValue(
        reader.amount(body.get("available"), f"{here}/available"),
        reader.decimal(body.get("rate"), f"{here}/rate", default=Decimal(1)),
        reader.optional_money(body.get("max"), f"{here}/max"),
    )


def _tiers(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "by", "tiers", "target"})
    found = []
    for i, item in enumerate(reader.entries(body.get("tiers"), f"{here}/tiers", MOST_PARTS)):
        tier = reader.fields(item, f"{here}/tiers/{i}", {"from", "effect"})
        start = reader.amount(tier.get("from"), f"{here}/tiers/{i}/from")
        found.append(
            Tier(start, read_effect(tier.get("effect"), reader=reader, pointer=f"{here}/tiers/{i}/effect", depth=depth + 1))
        )
    if not found:
        reader.fault(f"{here}/tiers", "empty-list", "At least one tier is expected.")
    if len({tier.start for tier in found}) < len(found):
        reader.fault(f"{here}/tiers", "repeated", "Two tiers begin at the same place.")
    by = reader.choice(body.get("by"), f"{here}/by", TierBy, TierBy.SPEND)
    return Tiers(by, tuple(found), _read_target(body.get("target"), f"{here}/target", reader))


def _compound(data: dict[str, Any], here: str, reader: Reader, depth: int) -> Effect:
    body = reader.fields(data, here, {"type", "effects"})
    parts = tuple(
        read_effect(item, reader=reader, pointer=f"{here}/effects/{i}", depth=depth + 1)
        for i, item in enumerate(reader.entries(body.get("effects"), f"{here}/effects", MOST_PARTS))
    )
    if not parts:
        reader.fault(f"{here}/effects", "empty-list", "At least one effect is expected.")
    return Compound(parts)


_EFFECT_READERS: dict[str, Callable[[dict[str, Any], str, Reader, int], Effect]] = {
    "percent_off": _percent_off,
    "amount_off": _amount_off,
    "fixed_price": _fixed_price,
    "bundle_price": _bundle_price,
    "buy_get": _buy_get,
    "free_item": _free_item,
    "upgrade": _upgrade,
    "stored_value": _stored_value,
    "tiers": _tiers,
    "compound": _compound,
}

# --- Awards -------------------------------------------------------------------------------------------------------------

MOST_AWARDS = 20
AWARD_FIELDS: dict[str, set[str]] = {
    "points": {"per", "points", "rounding", "multiplier_fact", "valid_months", "round_up_to_end_of"},
    "credit": {"amount", "percent", "valid_months", "round_up_to_end_of"},
    "contest_entry": {"contest", "entries"},
    "access": {"key"},
    "grant": {"incentive"},
}


def read_awards(data: object, *, reader: Reader, pointer: str = "/awards") -> tuple[Award, ...]:
    """The awards said by ``data``; faults go to ``reader``."""
    return tuple(_read_award(item, f"{pointer}/{i}", reader) for i, item in enumerate(reader.entries(data, pointer, MOST_AWARDS)))


def _read_award(data: object, here: str, reader: Reader) -> Award:
    kind = data.get("type") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in AWARD_FIELDS:
        reader.fault(f"{here}/type", "unknown-award", "One of: " + ", ".join(AWARD_FIELDS) + ".")
        return Award(AwardType.ACCESS)
    body = reader.fields(data, here, {"type", *AWARD_FIELDS[kind]})
    match AwardType(kind):
        case AwardType.POINTS:
            fact = reader.text(body.get("multiplier_fact"), f"{here}/multiplier_fact", required=False)
            if fact and BASKET_FACTS.type_of(fact) is None:
                reader.fault(
                    f"{here}/multiplier_fact", "unknown-fact", f"“{fact[:60]}” is not a fact that can be asked for here."
                )
            return Award(
                AwardType.POINTS,
                per=reader.optional_money(body.get("per"), f"{here}/per", low=1),
                points=reader.integer(body.get("points"), f"{here}/points", low=1, high=1_000_000),
                rounding=reader.choice(body.get("rounding"), f"{here}/rounding", Rounding, Rounding.DOWN),
                multiplier_fact=fact,
                **_validity(body, here, reader),
            )
        case AwardType.CREDIT:
            if (body.get("amount") is None) is (body.get("percent") is None):
                reader.fault(here, "one-of", "Say how much credit: an amount or a percentage.")
            percent = body.get("percent")
            return Award(
                AwardType.CREDIT,
                amount=reader.optional_money(body.get("amount"), f"{here}/amount"),
                percent=None if percent is None else reader.percent(percent, f"{here}/percent"),
                **_validity(body, here, reader),
            )
        case AwardType.CONTEST_ENTRY:
            entries = reader.integer(body.get("entries"), f"{here}/entries", low=1, high=1000, default=1)
            return Award(AwardType.CONTEST_ENTRY, key=reader.text(body.get("contest"), f"{here}/contest"), quantity=entries)
        case AwardType.ACCESS:
            return Award(AwardType.ACCESS, key=reader.text(body.get("key"), f"{here}/key"))
        case AwardType.GRANT:
            return Award(AwardType.GRANT, key=reader.text(body.get("incentive"), f"{here}/incentive"))
    raise AssertionError(kind)


def _validity(body: dict[str, Any], here: str, reader: Reader) -> dict[str, Any]:
    """How long what is given can be used."""
    months, period = body.get("valid_months"), body.get("round_up_to_end_of")
    if months is None and period is not None:
        reader.fault(f"{here}/round_up_to_end_of", "without-months", "This only means something together with valid_months.")
    return {
        "valid_months": None if months is None else reader.integer(months, f"{here}/valid_months", low=1, high=1200),
        "round_up_to_end_of": None if period is None else reader.choice(period, f"{here}/round_up_to_end_of", RoundUp),
    }


def read_promise(data: object, awards: object, *, reader: Reader, pointer: str = "") -> tuple[Effect, tuple[Award, ...]]:
    """What an incentive does to the price and gives beside it: an effect, awards, or both; faults go to ``reader``."""
    given = read_awards(awards, reader=reader, pointer=f"{pointer}/awards")
    # Without an effect an incentive must at least award something.
    if given and (data is None or data == {}):
        return NoEffect(), given
    return read_effect(data, reader=reader, pointer=f"{pointer}/effect"), given


def promise_of(data: object, awards: object) -> tuple[Effect, tuple[Award, ...]]:
    """The effect and awards of a saved incentive. Raises ``Misunderstood`` when they could not have been saved."""
    reader = Reader()
    promise = read_promise(data, awards, reader=reader)
    reader.finish()
    return promise


def effect_of(data: object) -> Effect:
    """The effect of a saved incentive. Raises ``Misunderstood`` when it could not have been saved."""
    return promise_of(data, None)[0]


def conditions_of(data: object) -> Condition:
    """The conditions of a saved incentive. Raises ``Misunderstood``."""
    return parse(data, facts=BASKET_FACTS, pointer="/conditions")


@dataclass(frozen=True, slots=True)
class Simulation:
    """A whole question to the stacking rule, said inline."""

    basket: Basket
    candidates: tuple[Candidate, ...]
    groups: dict[str, Group]
    policy: Policy
    surroundings: Surroundings


def read_simulation(data: object, *, now: datetime.datetime, work: Work | None = None) -> Simulation:
    """The simulation said by ``data`` (``docs/api.md``); ``now`` serves when it names no instant. Raises ``Misunderstood``.

    Reading spends of ``work``, where it is given: what is left of it is for the decision.
    """
    reader = Reader(work=work)
    body = reader.fields(data, "", {"currency", "at", "channel", "store", "customer", "basket", "groups", "incentives", "policy"})
    basket = read_basket(body.get("basket"), currency=body.get("currency"), reader=reader, may_be_empty=True)
    groups = _read_groups(body.get("groups"), reader)
    candidates = tuple(
        _read_incentive(item, i, reader)
        for i, item in enumerate(reader.entries(body.get("incentives"), "/incentives", MOST_INCENTIVES))
    )
    reader.unique([candidate.key for candidate in candidates], "/incentives", "key")
    policy = _read_policy(body.get("policy"), reader)
    surroundings = _read_surroundings(body, now, reader)
    reader.finish()
    return Simulation(basket, candidates, groups, policy, surroundings)


def _read_surroundings(body: dict[str, Any], now: datetime.datetime, reader: Reader) -> Surroundings:
    channel = reader.fields(body["channel"], "/channel", {"key", "kind"}) if body.get("channel") is not None else {}
    store = reader.fields(body["store"], "/store", {"key"}) if body.get("store") is not None else {}
    customer = reader.fields(body["customer"], "/customer", {"facts"}) if body.get("customer") is not None else {}
    facts = {} if customer.get("facts") is None else customer["facts"]
    if not isinstance(facts, dict) or len(facts) > 500:
        reader.fault("/customer/facts", "not-an-object", "An object of at most 500 facts is expected.")
        facts = {}
    return Surroundings(
        now=read_instant(body.get("at"), "/at", reader) or now,
        channel_key=reader.text(channel.get("key"), "/channel/key", required=False),
        channel_kind=reader.text(channel.get("kind"), "/channel/kind", required=False),
        store_key=reader.text(store.get("key"), "/store/key", required=False),
        customer=facts,
    )


def read_instant(data: object, pointer: str, reader: Reader) -> datetime.datetime | None:
    """An RFC 3339 instant, ``None`` when absent."""
    if data is None:
        return None
    try:
        instant = datetime.datetime.fromisoformat(str(data)) if isinstance(data, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not 1970 <= instant.year <= 9000:
        reader.fault(pointer, "bad-instant", "An instant with its offset is expected, such as 2026-11-21T10:00:00Z.")
        return None
    return instant


LARGEST_RANK = 1_000_000
GROUP_FIELDS = {"key", "name", "eligibility", "rank", "limit", "pick", "scope", "base", "consume_without_effect"}


def _read_groups(data: object, reader: Reader) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for i, item in enumerate(reader.entries(data, "/groups", MOST_GROUPS)):
        group = _read_group(item, f"/groups/{i}", reader)
        if group.key in groups:
            reader.fault(f"/groups/{i}/key", "repeated", "This group is defined twice.")
        groups[group.key] = group
    return groups


def _read_group(data: object, here: str, reader: Reader) -> Group:
    body = reader.fields(data, here, GROUP_FIELDS)
    return Group(
        key=reader.text(body.get("key"), f"{here}/key"),
        name=reader.text(body.get("name"), f"{here}/name", required=False),
        eligibility=reader.choice(body.get("eligibility"), f"{here}/eligibility", Eligibility, Eligibility.COMMON),
        rank=reader.integer(body.get("rank"), f"{here}/rank", low=-LARGEST_RANK, high=LARGEST_RANK, default=100),
        limit=None if body.get("limit") is None else reader.integer(body["limit"], f"{here}/limit", low=1, high=1000),
        pick=reader.choice(body.get("pick"), f"{here}/pick", Pick, Pick.ALL),
        scope=reader.choice(body.get("scope"), f"{here}/scope", PickScope, PickScope.BASKET),
        base=None if body.get("base") is None else reader.choice(body["base"], f"{here}/base", Base),
        consume_without_effect=reader.boolean(
            body.get("consume_without_effect"), f"{here}/consume_without_effect", default=False
        ),
    )


def stack_group_of(data: object) -> Group:
    """The stack group said by ``data``, as a redemption keeps it. Raises ``Misunderstood``."""
    reader = Reader()
    group = _read_group(data, "", reader)
    reader.finish()
    return group


def _read_incentive(data: object, position: int, reader: Reader) -> Candidate:
    here = f"/incentives/{position}"
    body = reader.fields(data, here, {"key", "name", "group", "priority", "conditions", "effect", "awards", "limits"})
    limits = _read_limits(body.get("limits"), f"{here}/limits", position, reader)
    effect, awards = read_promise(body.get("effect"), body.get("awards"), reader=reader, pointer=here)
    if isinstance(effect, Recorded):
        reader.fault(f"{here}/effect/type", "unknown-effect", "One of: " + ", ".join(EFFECTS) + ".")
    return Candidate(
        key=reader.text(body.get("key"), f"{here}/key"),
        name=reader.text(body.get("name"), f"{here}/name", required=False),
        group=reader.text(body.get("group"), f"{here}/group", required=False) or "default",
        priority=reader.integer(body.get("priority"), f"{here}/priority", low=-1_000_000, high=1_000_000, default=0),
        conditions=reader.condition(body.get("conditions"), f"{here}/conditions"),
        effect=effect,
        awards=awards,
        standing=Standing(limits=limits) if limits else OPEN,
        position=position,
    )


MOST_LIMITS = 20


def _read_limits(data: object, here: str, position: int, reader: Reader) -> tuple[LimitState, ...]:
    """What is left of each limit of an incentive; each guards this incentive alone."""
    found = []
    for i, item in enumerate(reader.entries(data, here, MOST_LIMITS)):
        body = reader.fields(item, f"{here}/{i}", {"measure", "left", "on_short"})
        measure = body.get("measure")
        if measure not in [*Counted]:
            reader.fault(f"{here}/{i}/measure", "unknown-value", f"One of: {', '.join(Counted)}.")
        found.append(
            LimitState(
                id=position * MOST_LIMITS + i,
                measure=str(measure),
                per="total",
                maximum=reader.amount(body.get("left"), f"{here}/{i}/left"),
                used=0,
                on_short=reader.choice(body.get("on_short"), f"{here}/{i}/on_short", OnShort, OnShort.REFUSE),
            )
        )
    return tuple(found)


POLICY_FIELDS = {
    "order": Order, "base": Base, "failure": Failure,
}  # fmt: skip


def _read_policy(data: object, reader: Reader) -> Policy:
    if data is None:
        return Policy()
    body = reader.fields(
        data, "/policy", {*POLICY_FIELDS, "choose", "max_total_percent", "max_total_amount", "max_incentives", "max_exclusive"}
    )
    percent = body.get("max_total_percent")
    return Policy(
        order=reader.choice(body.get("order"), "/policy/order", Order, Order.RANKED),
        base=reader.choice(body.get("base"), "/policy/base", Base, Base.RUNNING),
        choose=reader.choice(body.get("choose"), "/policy/choose", Choose, Choose.IN_ORDER),
        failure=reader.choice(body.get("failure"), "/policy/failure", Failure, Failure.PARTIAL),
        max_total_percent=None if percent is None else reader.percent(percent, "/policy/max_total_percent"),
        max_total_amount=_optional(body.get("max_total_amount"), lambda v: reader.amount(v, "/policy/max_total_amount")),
        max_incentives=reader.integer(body.get("max_incentives"), "/policy/max_incentives", low=1, high=100, default=30),
        max_exclusive=reader.integer(body.get("max_exclusive"), "/policy/max_exclusive", low=1, high=100, default=5),
    )


def _optional(value: object, read: Callable[[object], int]) -> int | None:
    return None if value is None else read(value)

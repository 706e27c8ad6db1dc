"""Reads the incentive language: JSON in, frozen dataclasses out, every fault with its JSON pointer.

Used by the simulation endpoint, by quotes and redemptions (basket), and when a campaign is saved (effect, conditions). Everything
is bounded, so that reading a hostile document is cheap.
"""

import datetime
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from customers.rules.conditions import ALWAYS, Condition, parse
from customers.rules.faults import Fault, Misunderstood, escape
from incentives_site.shared.money import CURRENCIES, LARGEST_AMOUNT

from .basket import Basket, Filter, Line, Shipping
from .candidates import Candidate
from .effects import Allocation, AmountOff, Effect, PercentOff, Recorded, Scope, Target
from .facts import BASKET_FACTS, Surroundings
from .groups import Eligibility, Group, Pick
from .stacking import Base, Failure, Order, Policy

MOST_LINES = 1000
MOST_SHIPPING = 20
MOST_INCENTIVES = 1000
MOST_GROUPS = 100
LARGEST_QUANTITY = 1_000_000
LONGEST_LIST = 20_000
LONGEST_TEXT = 200
PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?")


@dataclass(slots=True)
class Reader:
    """Walks one JSON document, collecting faults; every method answers with something usable even after a fault."""

    faults: list[Fault] = field(default_factory=list)

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
        return [self.text(item, f"{pointer}/{i}") for i, item in enumerate(self.entries(data, pointer, LONGEST_LIST))]

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
            return parse(data, facts=BASKET_FACTS, pointer=pointer)
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


def read_basket(data: object, *, currency: object, reader: Reader, pointer: str = "/basket") -> Basket:
    """The basket said by ``data``; faults go to ``reader``."""
    if not isinstance(currency, str) or currency not in CURRENCIES:
        reader.fault("/currency", "unknown-currency", "An ISO 4217 code of three capital letters is expected.")
    body = reader.fields(data, pointer, {"lines", "shipping", "currency"})
    if body.get("currency", currency) != currency:
        reader.fault(f"{pointer}/currency", "mixed-currency", "A basket has one currency.")
    lines = tuple(
        _read_line(item, f"{pointer}/lines/{i}", currency, reader)
        for i, item in enumerate(reader.entries(body.get("lines"), f"{pointer}/lines", MOST_LINES))
    )
    if not lines and not reader.faults:
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


def _read_line(data: object, here: str, currency: object, reader: Reader) -> Line:
    line = reader.fields(data, here, LINE_FIELDS)
    if line.get("currency", currency) != currency:
        reader.fault(f"{here}/currency", "mixed-currency", "All lines of a basket have the basket's currency.")
    discountable = line.get("discountable", True)
    if not isinstance(discountable, bool):
        reader.fault(f"{here}/discountable", "not-a-boolean", "true or false is expected.")
    attributes = line.get("attributes") or {}
    if not isinstance(attributes, dict) or len(attributes) > 50:
        reader.fault(f"{here}/attributes", "not-an-object", "An object of at most 50 names and texts is expected.")
        attributes = {}
    return Line(
        id=reader.text(line.get("id"), f"{here}/id"),
        sku=reader.text(line.get("sku"), f"{here}/sku"),
        name=reader.text(line.get("name"), f"{here}/name", required=False),
        categories=tuple(reader.texts(line.get("categories"), f"{here}/categories")[:100]),
        brand=reader.text(line.get("brand"), f"{here}/brand", required=False),
        quantity=reader.integer(line.get("quantity"), f"{here}/quantity", low=1, high=LARGEST_QUANTITY),
        unit_price=reader.amount(line.get("unit_price"), f"{here}/unit_price"),
        minimum_unit_price=reader.amount(line.get("minimum_unit_price"), f"{here}/minimum_unit_price", default=0),
        attributes={
            reader.text(k, f"{here}/attributes"): reader.text(v, f"{here}/attributes/{escape(str(k)[:60])}")
            for k, v in attributes.items()
        },
        discountable=discountable is not False,
    )


def _read_filter(data: object, here: str, reader: Reader) -> Filter:
    names = ("skus", "categories", "brands", "lines", "methods")
    body = reader.fields(data, here, names)
    lists = {name: frozenset(reader.texts(body[name], f"{here}/{name}")) for name in names if name in body}
    for name, entries in lists.items():
        if not entries and isinstance(body[name], list):
            reader.fault(f"{here}/{name}", "empty-list", "An empty list would match nothing: leave the field out instead.")
    return Filter(**lists)


def _read_target(data: object, here: str, reader: Reader) -> Target:
    if data is None:
        return Target()
    body = reader.fields(data, here, {"scope", "include", "exclude"})
    scope = reader.choice(body.get("scope"), f"{here}/scope", Scope, Scope.ORDER)
    return Target(
        scope=scope,
        include=_read_filter(body["include"], f"{here}/include", reader) if body.get("include") is not None else Filter(),
        exclude=_read_filter(body["exclude"], f"{here}/exclude", reader) if body.get("exclude") is not None else None,
    )


def read_effect(data: object, *, reader: Reader, pointer: str = "/effect") -> Effect:
    """The effect said by ``data``; faults go to ``reader``."""
    kind = data.get("type") if isinstance(data, dict) else None
    match kind:
        case "percent_off":
            body = reader.fields(data, pointer, {"type", "percent", "target", "max_amount"})
            percent = reader.percent(body.get("percent"), f"{pointer}/percent")
            return PercentOff(percent, _read_target(body.get("target"), f"{pointer}/target", reader), _cap(body, pointer, reader))
        case "amount_off":
            body = reader.fields(data, pointer, {"type", "amount", "allocation", "target", "max_amount"})
            return AmountOff(
                reader.amount(body.get("amount"), f"{pointer}/amount"),
                reader.choice(body.get("allocation"), f"{pointer}/allocation", Allocation, Allocation.BY_AMOUNT),
                _read_target(body.get("target"), f"{pointer}/target", reader),
                _cap(body, pointer, reader),
            )
        case "recorded":
            body = reader.fields(data, pointer, {"type", "target"})
            return Recorded(_read_target(body.get("target"), f"{pointer}/target", reader))
    if not isinstance(data, dict):
        reader.fault(pointer, "not-an-object", "An effect is an object with a type.")
    else:
        reader.fault(f"{pointer}/type", "unknown-effect", "One of: percent_off, amount_off.")
    return Recorded()


def _cap(body: dict[str, Any], here: str, reader: Reader) -> int | None:
    value = body.get("max_amount")
    return None if value is None else reader.amount(value, f"{here}/max_amount")


def effect_of(data: object) -> Effect:
    """The effect of a saved incentive. Raises ``Misunderstood`` when it could not have been saved."""
    reader = Reader()
    effect = read_effect(data, reader=reader)
    reader.finish()
    return effect


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


def read_simulation(data: object, *, now: datetime.datetime) -> Simulation:
    """The simulation said by ``data`` (``docs/api.md``); ``now`` serves when it names no instant. Raises ``Misunderstood``."""
    reader = Reader()
    body = reader.fields(data, "", {"currency", "at", "channel", "store", "customer", "basket", "groups", "incentives", "policy"})
    basket = read_basket(body.get("basket"), currency=body.get("currency"), reader=reader)
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
    facts = customer.get("facts") or {}
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


def _read_groups(data: object, reader: Reader) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for i, item in enumerate(reader.entries(data, "/groups", MOST_GROUPS)):
        here = f"/groups/{i}"
        body = reader.fields(item, here, {"key", "name", "eligibility", "rank", "limit", "pick", "scope", "base"})
        for name, only in (("scope", "basket"), ("base", None)):
            if body.get(name, only) != only:
                reader.fault(f"{here}/{name}", "not-supported", f"Only {only or 'null'} is understood by this version.")
        group = Group(
            key=reader.text(body.get("key"), f"{here}/key"),
            name=reader.text(body.get("name"), f"{here}/name", required=False),
            eligibility=reader.choice(body.get("eligibility"), f"{here}/eligibility", Eligibility, Eligibility.COMMON),
            rank=reader.integer(body.get("rank"), f"{here}/rank", low=-1_000_000, high=1_000_000, default=100),
            limit=None if body.get("limit") is None else reader.integer(body["limit"], f"{here}/limit", low=1, high=1000),
            pick=reader.choice(body.get("pick"), f"{here}/pick", Pick, Pick.ALL),
        )
        if group.key in groups:
            reader.fault(f"{here}/key", "repeated", "This group is defined twice.")
        groups[group.key] = group
    return groups


def _read_incentive(data: object, position: int, reader: Reader) -> Candidate:
    here = f"/incentives/{position}"
    body = reader.fields(data, here, {"key", "name", "group", "priority", "conditions", "effect", "awards"})
    if body.get("awards"):
        reader.fault(f"{here}/awards", "not-supported", "Awards are not understood by this version.")
    effect = read_effect(body.get("effect"), reader=reader, pointer=f"{here}/effect")
    if isinstance(body.get("effect"), dict) and body["effect"].get("type") == "recorded":
        reader.fault(f"{here}/effect/type", "unknown-effect", "One of: percent_off, amount_off.")
    return Candidate(
        key=reader.text(body.get("key"), f"{here}/key"),
        name=reader.text(body.get("name"), f"{here}/name", required=False),
        group=reader.text(body.get("group"), f"{here}/group", required=False) or "default",
        priority=reader.integer(body.get("priority"), f"{here}/priority", low=-1_000_000, high=1_000_000, default=0),
        conditions=reader.condition(body.get("conditions"), f"{here}/conditions"),
        effect=effect,
        position=position,
    )


POLICY_FIELDS = {
    "order": Order, "base": Base, "failure": Failure,
}  # fmt: skip


def _read_policy(data: object, reader: Reader) -> Policy:
    if data is None:
        return Policy()
    body = reader.fields(
        data, "/policy", {*POLICY_FIELDS, "choose", "max_total_percent", "max_total_amount", "max_incentives", "max_exclusive"}
    )
    if body.get("choose", "in_order") != "in_order":
        reader.fault("/policy/choose", "not-supported", "Only in_order is understood by this version.")
    percent = body.get("max_total_percent")
    return Policy(
        order=reader.choice(body.get("order"), "/policy/order", Order, Order.RANKED),
        base=reader.choice(body.get("base"), "/policy/base", Base, Base.RUNNING),
        failure=reader.choice(body.get("failure"), "/policy/failure", Failure, Failure.PARTIAL),
        max_total_percent=None if percent is None else reader.percent(percent, "/policy/max_total_percent"),
        max_total_amount=_optional(body.get("max_total_amount"), lambda v: reader.amount(v, "/policy/max_total_amount")),
        max_incentives=reader.integer(body.get("max_incentives"), "/policy/max_incentives", low=1, high=100, default=30),
        max_exclusive=reader.integer(body.get("max_exclusive"), "/policy/max_exclusive", low=1, high=100, default=5),
    )


def _optional(value: object, read: Callable[[object], int]) -> int | None:
    return None if value is None else read(value)

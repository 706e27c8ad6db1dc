"""What a segment's rule may say, and whether it holds for a customer (``docs/segments.md``).

The condition language, with leaves of its own beside facts: how often something happened, and what was bought.
``customers.queries`` compiles a rule to SQL; a property test keeps both readings equal. Logic is two-valued,
as everywhere in the language.
"""

import datetime
import enum
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .conditions import DEEPEST, LONGEST_TEXT, MOST_LEAVES, Catalogue, Facts, FactType, Leaf, Op, Quantifier, leaf_holds, parse
from .consent import ALL, Purpose, Topic, Wishes
from .faults import Fault, Misunderstood, escape
from .timeline import EventType

BUCKETS = 10_000
MOST_BEHAVIOURS = 20
MOST_WHERE = 10
MOST_VALUES = 200
LONGEST_WINDOW = 3_650
COUNTING = frozenset({Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE})
OF_A_CUSTOMER = "customer."
OF_CONSENT = "consent."
OF_A_SEGMENT = "segment."
OF_A_BUCKET = "bucket."
# The fact in which every customer carries the keys of its segments: for conditions of incentives and audiences.
SEGMENTS = "segments"

FACTS = Catalogue(
    names={},
    prefixes={
        OF_A_CUSTOMER: FactType.ANY,
        OF_CONSENT: FactType.TEXT,
        OF_A_SEGMENT: FactType.ANY,
        OF_A_BUCKET: FactType.NUMBER,
    },
)
_PROPERTIES = Catalogue(names={}, prefixes={"property.": FactType.ANY})


class Measure(enum.StrEnum):
    COUNT = "count"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Where:
    """A comparison with a property: ``name``, or an ``inner`` one of its elements (of a list) or of itself (an object)."""

    name: str
    inner: str
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Happened:
    """How many events fit: of a ``type``, with a ``name``, in a ``channel`` (empty: any), in the last ``within_days``."""

    name: str
    type: str
    channel: str
    where: tuple[Where, ...]
    within_days: int | None
    op: Op
    value: int


@dataclass(frozen=True, slots=True)
class Bought:
    """How many purchases fit, or what was paid for them in minor units: with filters by line, what was paid for these lines."""

    measure: Measure
    currency: str
    categories: tuple[str, ...]
    brands: tuple[str, ...]
    skus: tuple[str, ...]
    channels: tuple[str, ...]
    within_days: int | None
    op: Op
    value: int

    @property
    def is_about_lines(self) -> bool:
        return bool(self.categories or self.brands or self.skus)


@dataclass(frozen=True, slots=True)
class Group:
    quantifier: Quantifier
    items: tuple["Rule", ...]


# What a public key says of orders and consent counts for no segment, by whatever name.
COUNTED_TYPES = tuple(kind.value for kind in EventType if kind is not EventType.UNVERIFIED)
Rule = Leaf | Happened | Bought | Group
EVERYBODY = Group(Quantifier.ALL, ())


# --- Reading ----------------------------------------------------------------------------------------------------------------


def parse_rule(data: object, *, pointer: str = "") -> Rule:
    """The rule said by ``data`` (``None``: everybody). Raises ``Misunderstood`` with every fault found."""
    if data is None:
        return EVERYBODY
    reader = _Reader()
    rule = reader.rule(data, pointer, 0)
    if reader.leaves > MOST_LEAVES:
        reader.fault(pointer, "too-many-conditions", f"At most {MOST_LEAVES} conditions.")
    if reader.behaviours > MOST_BEHAVIOURS:
        reader.fault(pointer, "too-many-conditions", f"At most {MOST_BEHAVIOURS} conditions about behaviour.")
    if reader.faults or rule is None:
        raise Misunderstood(reader.faults)
    return rule


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.leaves = self.behaviours = 0

    def fault(self, pointer: str, code: str, detail: str) -> None:
        self.faults.append(Fault(pointer, code, detail))

    def rule(self, data: object, pointer: str, depth: int) -> Rule | None:
        if not isinstance(data, dict):
            self.fault(pointer, "not-an-object", "A condition is an object.")
            return None
        if depth > DEEPEST:
            self.fault(pointer, "too-deep", f"At most {DEEPEST} levels of conditions.")
            return None
        quantifier = next((q for q in Quantifier if q.value in data), None)
        if quantifier is not None:
            return self.group(data, quantifier, pointer, depth)
        self.leaves += 1
        if "event" in data:
            self.behaviours += 1
            return self.happened(data, pointer)
        if "purchases" in data:
            self.behaviours += 1
            return self.bought(data, pointer)
        return self.fact(data, pointer)

    def group(self, data: dict[str, Any], quantifier: Quantifier, pointer: str, depth: int) -> Rule | None:
        self.only(data, {quantifier.value}, pointer, "A group of conditions has one key: all, any or none.")
        items = data[quantifier.value]
        here = f"{pointer}/{quantifier.value}"
        if not isinstance(items, list):
            self.fault(here, "not-a-list", "A list of conditions is expected.")
            return None
        if self.leaves + len(items) > MOST_LEAVES:
            self.leaves += len(items)
            return None
        parsed = [self.rule(item, f"{here}/{n}", depth + 1) for n, item in enumerate(items)]
        return Group(quantifier, tuple(item for item in parsed if item is not None))

    def fact(self, data: dict[str, Any], pointer: str) -> Leaf | None:
        try:
            leaf = parse(data, facts=FACTS, pointer=pointer)
        except Misunderstood as error:
            self.faults.extend(error.faults)
            return None
        assert isinstance(leaf, Leaf)  # noqa: S101  (what has no quantifier is a leaf)
        if not all(is_text(text) for text in [leaf.fact, *(leaf.value if isinstance(leaf.value, tuple) else (leaf.value,))]):
            self.fault(pointer, "bad-text", "This is not valid Unicode.")
            return None
        if leaf.fact == OF_A_CUSTOMER + SEGMENTS:
            self.fault(f"{pointer}/fact", "unknown-fact", "Ask for another segment by segment.<key>.")
        elif leaf.fact.startswith(OF_A_SEGMENT) and (leaf.op is not Op.EQ or not isinstance(leaf.value, bool)):
            self.fault(f"{pointer}/op", "wrong-value", "Membership of a segment is == true or == false.")
        elif leaf.fact.startswith(OF_CONSENT) and leaf.fact.split(".")[1] not in set(Purpose):
            self.fault(f"{pointer}/fact", "unknown-fact", "Consent is asked by purpose: " + ", ".join(Purpose) + ".")
        elif leaf.fact.startswith(OF_A_BUCKET) and leaf.op not in COUNTING | {Op.BETWEEN}:
            self.fault(f"{pointer}/op", "unknown-op", "A bucket is compared by its number.")
        return leaf

    def happened(self, data: dict[str, Any], pointer: str) -> Happened | None:
        self.only(data, {"event", "op", "value"}, pointer, "This condition has an event, an op and a value.")
        said, here = data["event"], f"{pointer}/event"
        if not isinstance(said, dict):
            self.fault(here, "not-an-object", "An event is described by an object.")
            return None
        found = len(self.faults)
        self.only(said, {"name", "type", "channel", "where", "within_days"}, here, "An event has no such part.")
        name, kind, channel = (self.text(said, key, here) for key in ("name", "type", "channel"))
        if not name and not kind:
            self.fault(here, "required", "Say the name of the event, or its type.")
        if kind and kind not in COUNTED_TYPES:
            self.fault(f"{here}/type", "wrong-value", "One of: " + " ".join(COUNTED_TYPES) + ".")
        where = self.where(said.get("where"), f"{here}/where")
        window = self.window(said, here)
        op, value = self.counting(data, pointer)
        return Happened(name, kind, channel, where, window, op, value) if len(self.faults) == found else None

    def where(self, raw: object, pointer: str) -> tuple[Where, ...]:
        if raw is None:
            return ()
        if not isinstance(raw, list) or len(raw) > MOST_WHERE:
            self.fault(pointer, "not-a-list", f"A list of at most {MOST_WHERE} comparisons is expected.")
            return ()
        found = [self.comparison(item, f"{pointer}/{n}") for n, item in enumerate(raw)]
        return tuple(item for item in found if item is not None)

    def comparison(self, raw: object, pointer: str) -> Where | None:
        if not isinstance(raw, dict):
            self.fault(pointer, "not-an-object", "A comparison is an object.")
            return None
        self.only(raw, {"property", "op", "value"}, pointer, "A comparison has a property, an op and a value.")
        name = self.text(raw, "property", pointer)
        outer, _dot, inner = name.partition(".")
        if not outer or (_dot and not inner):
            self.fault(f"{pointer}/property", "required", "Say which property: name, or name.inner.")
            return None
        leaf: dict[str, Any] = {"fact": f"property.{name}"} | {key: raw[key] for key in ("op", "value") if key in raw}
        try:
            parsed = parse(leaf, facts=_PROPERTIES, pointer=pointer)
        except Misunderstood as error:
            self.faults.extend(error.faults)
            return None
        assert isinstance(parsed, Leaf)  # noqa: S101
        if not all(is_text(text) for text in (parsed.value if isinstance(parsed.value, tuple) else (parsed.value,))):
            self.fault(pointer, "bad-text", "This is not valid Unicode.")
        return Where(outer, inner, parsed)

    def bought(self, data: dict[str, Any], pointer: str) -> Bought | None:
        self.only(data, {"purchases", "op", "value"}, pointer, "This condition has purchases, an op and a value.")
        said, here = data["purchases"], f"{pointer}/purchases"
        if not isinstance(said, dict):
            self.fault(here, "not-an-object", "Purchases are described by an object.")
            return None
        found = len(self.faults)
        lists = ("categories", "brands", "skus", "channels")
        self.only(said, {"measure", "currency", "within_days", *lists}, here, "Purchases have no such part.")
        measure = said.get("measure", Measure.COUNT.value)
        if measure not in set(Measure):
            self.fault(f"{here}/measure", "wrong-value", "count or paid.")
        currency = self.text(said, "currency", here)
        if measure == Measure.PAID.value and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
            self.fault(f"{here}/currency", "required", "What was paid is counted in one currency, such as EUR.")
        categories, brands, skus, channels = (self.texts(said, key, here) for key in lists)
        window = self.window(said, here)
        op, value = self.counting(data, pointer)
        if len(self.faults) != found:
            return None
        return Bought(Measure(measure), currency, categories, brands, skus, channels, window, op, value)

    def only(self, data: dict[str, Any], known: set[str], pointer: str, detail: str) -> None:
        for key in data:
            if key not in known:
                self.fault(f"{pointer}/{escape(str(key)[:60])}", "unknown-field", detail)

    def text(self, data: dict[str, Any], key: str, pointer: str) -> str:
        raw = data.get(key, "")
        if not isinstance(raw, str) or len(raw) > LONGEST_TEXT or not is_text(raw):
            self.fault(f"{pointer}/{key}", "wrong-value", f"A text of at most {LONGEST_TEXT} characters is expected.")
            return ""
        return raw

    def texts(self, data: dict[str, Any], key: str, pointer: str) -> tuple[str, ...]:
        raw = data.get(key, [])
        fits = isinstance(raw, list) and len(raw) <= MOST_VALUES
        if not fits or not all(isinstance(one, str) and 0 < len(one) <= LONGEST_TEXT and is_text(one) for one in raw):
            self.fault(f"{pointer}/{key}", "not-a-list", f"A list of at most {MOST_VALUES} texts is expected.")
            return ()
        return tuple(raw)

    def window(self, data: dict[str, Any], pointer: str) -> int | None:
        raw = data.get("within_days")
        if raw is None:
            return None
        if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= LONGEST_WINDOW:
            self.fault(f"{pointer}/within_days", "out-of-range", f"From 1 to {LONGEST_WINDOW} days.")
            return None
        return raw

    def counting(self, data: dict[str, Any], pointer: str) -> tuple[Op, int]:
        op, value = data.get("op"), data.get("value")
        if not isinstance(op, str) or op not in COUNTING:
            self.fault(f"{pointer}/op", "unknown-op", "One of: " + " ".join(sorted(COUNTING)) + ".")
            op = Op.EQ
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**15:
            self.fault(f"{pointer}/value", "wrong-value", "A whole number from 0 is expected.")
            value = 0
        return Op(op), value


def is_text(value: object) -> bool:
    """Whether a database can hold it: halves of a surrogate pair and zero bytes are no characters."""
    return not isinstance(value, str) or not any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in value)


# --- What a rule is about ---------------------------------------------------------------------------------------------------


def leaves_of(rule: Rule) -> Iterator[Leaf | Happened | Bought]:
    if isinstance(rule, Group):
        for item in rule.items:
            yield from leaves_of(item)
    else:
        yield rule


def segments_in(rule: Rule) -> frozenset[str]:
    """The keys of the segments a rule refers to."""
    names = (leaf.fact for leaf in leaves_of(rule) if isinstance(leaf, Leaf))
    return frozenset(name.removeprefix(OF_A_SEGMENT) for name in names if name.startswith(OF_A_SEGMENT))


def changes_with_time(rule: Rule) -> bool:
    """Whether somebody comes in or goes although nothing happens."""
    return any(not isinstance(leaf, Leaf) and leaf.within_days is not None for leaf in leaves_of(rule))


class Circle(ValueError):
    """Segments refer to each other in a circle; ``keys`` names them in order."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(" → ".join(keys))


def in_levels(uses: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The keys so that each stands in a level after those it uses; keys that are not known are passed over. Raises ``Circle``."""
    level: dict[str, int] = {}

    def of(key: str, path: tuple[str, ...]) -> int:
        if key in path:
            raise Circle([*path[path.index(key) :], key])
        if key not in level:
            level[key] = max((of(other, (*path, key)) + 1 for other in sorted(uses[key]) if other in uses), default=0)
        return level[key]

    for key in sorted(uses):
        of(key, ())
    return [[key for key in sorted(level) if level[key] == n] for n in range(max(level.values(), default=-1) + 1)]


# --- Buckets ----------------------------------------------------------------------------------------------------------------


def bucket(salt: str, public_id: object) -> int:
    """0 to 9,999: SHA-256 of ``salt:public_id``, its first 32 bits as an unsigned number, modulo 10,000."""
    digest = hashlib.sha256(f"{salt}:{public_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % BUCKETS


# --- Consent ----------------------------------------------------------------------------------------------------------------


def consent_fact(wishes: Wishes, name: str) -> str | None:
    """``given`` or ``withdrawn``; ``None`` where nothing was said.

    ``name`` is a purpose, or ``purpose.channel``: then the stricter of both holds.
    """
    purpose, _dot, channel = name.partition(".")
    topics = [Topic(ALL, Purpose(purpose)), *([Topic(channel, Purpose(purpose))] if channel else [])]
    said = [wishes.said[topic].is_given for topic in topics if topic in wishes.said]
    return None if not said else "given" if all(said) else "withdrawn"


# --- Judging ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """An event of the timeline."""

    type: str
    name: str
    channel: str
    occurred_at: datetime.datetime
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    sku: str
    category: str
    brand: str
    paid: int


@dataclass(frozen=True, slots=True)
class Paid:
    """A purchase: ``paid`` less what was paid back."""

    channel: str
    placed_at: datetime.datetime
    currency: str
    paid: int
    lines: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of one customer. ``segments``: of every segment there is, whether it is a member."""

    public_id: object
    known: Mapping[str, Any]
    wishes: Wishes = field(default_factory=Wishes)
    segments: Mapping[str, bool] = field(default_factory=dict)
    events: Sequence[Done] = ()
    purchases: Sequence[Paid] = ()


def rule_holds(rule: Rule, person: Person, *, now: datetime.datetime) -> bool:
    """Whether the customer belongs to the segment at ``now``."""
    match rule:
        case Group(quantifier, items):
            if quantifier is Quantifier.ALL:
                return all(rule_holds(item, person, now=now) for item in items)
            return any(rule_holds(item, person, now=now) for item in items) is (quantifier is Quantifier.ANY)
        case Happened():
            times = sum(_fits(rule, event) for event in person.events if _is_within(event.occurred_at, rule.within_days, now))
            return counts(rule.op, times, rule.value)
        case Bought():
            return counts(rule.op, _measured(rule, person.purchases, now), rule.value)
        case Leaf():
            return leaf_holds(rule, _facts_of(person)(rule.fact))
    raise AssertionError(rule)


def counts(op: Op, number: int, value: int) -> bool:
    return leaf_holds(Leaf("", op, value), number)


def _facts_of(person: Person) -> Facts:
    def fact(name: str) -> object:
        kind, _dot, rest = name.partition(".")
        match kind + ".":
            case "customer.":
                return person.known.get(rest)
            case "consent.":
                return consent_fact(person.wishes, rest)
            case "segment.":
                return person.segments.get(rest)
            case "bucket.":
                return Decimal(bucket(rest, person.public_id)) / 100
        return None

    return fact


def starts_at(within_days: int, now: datetime.datetime) -> datetime.datetime:
    """A window is half open: what happened exactly so many days ago is out, what happens now is in."""
    return now - datetime.timedelta(days=within_days)


def _is_within(at: datetime.datetime, within_days: int | None, now: datetime.datetime) -> bool:
    return at <= now and (within_days is None or at > starts_at(within_days, now))


def _fits(rule: Happened, event: Done) -> bool:
    return (
        event.type != EventType.UNVERIFIED
        and (not rule.name or event.name == rule.name)
        and (not rule.type or event.type == rule.type)
        and (not rule.channel or event.channel == rule.channel)
        and all(_where_holds(where, event.properties) for where in rule.where)
    )


def _where_holds(where: Where, properties: Mapping[str, Any]) -> bool:
    value = properties.get(where.name)
    if not where.inner:
        return leaf_holds(where.leaf, value)
    elements = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    inner: Callable[[Any], Any] = lambda one: one.get(where.inner) if isinstance(one, dict) else None  # noqa: E731
    return any(leaf_holds(where.leaf, inner(one)) for one in elements)


def _measured(rule: Bought, purchases: Sequence[Paid], now: datetime.datetime) -> int:
    total = 0
    for purchase in purchases:
        if not _is_within(purchase.placed_at, rule.within_days, now):
            continue
        if (rule.channels and purchase.channel not in rule.channels) or (rule.currency and purchase.currency != rule.currency):
            continue
        lines = [line for line in purchase.lines if _line_fits(rule, line)] if rule.is_about_lines else []
        if rule.is_about_lines and not lines:
            continue
        if rule.measure is Measure.COUNT:
            total += 1
        else:
            total += sum(line.paid for line in lines) if rule.is_about_lines else purchase.paid
    return total


def _line_fits(rule: Bought, line: Line) -> bool:
    return (
        (not rule.categories or line.category in rule.categories)
        and (not rule.brands or line.brand in rule.brands)
        and (not rule.skus or line.sku in rule.skus)
    )

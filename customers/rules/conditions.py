"""The condition language: what it may say, and whether it holds for given facts.

A condition is ``{"all" | "any" | "none": [condition, …]}`` or ``{"fact": name, "op": word, "value": value}``. The same language
says which basket meets an incentive and which customers are an audience; ``customers.queries`` compiles the latter to SQL, and a
property test keeps both readings equal.

Logic is two-valued: a leaf about an unknown fact, or about a fact of another type, is not met (also for ``!=`` and ``not_in``).
"""

import datetime
import enum
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from . import patterns
from .faults import Fault, Misunderstood, escape

Scalar = bool | int | Decimal | str
Value = Scalar | tuple[str, ...]
Facts = Callable[[str], object]

DEEPEST = 8
MOST_LEAVES = 200
LONGEST_TEXT = 200
LONGEST_LIST = 5000
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Op(enum.StrEnum):
    EQ = "=="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    IN = "in"
    NOT_IN = "not_in"
    HAS = "has"
    HAS_ANY = "has_any"
    HAS_ALL = "has_all"
    BETWEEN = "between"
    EXISTS = "exists"
    MATCHES = "matches"


ORDERING = frozenset({Op.GT, Op.GE, Op.LT, Op.LE})


class FactType(enum.Enum):
    NUMBER = "number"
    TEXT = "text"
    LIST = "list"
    DATE = "date"
    ANY = "any"


class Quantifier(enum.StrEnum):
    ALL = "all"
    ANY = "any"
    NONE = "none"


_ALL = Quantifier.ALL  # reading a member off its class costs more than comparing it


_WHOLE_NUMBERS: dict[Op, Callable[[int, int], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}


def _cost(leaf: "Leaf") -> int:
    if leaf.op is Op.MATCHES:
        return 20
    if isinstance(leaf.value, tuple):
        return 2 + len(leaf.value) // 4
    return 3 if leaf.fact.startswith("time.") else 1


@dataclass(frozen=True, slots=True)
class Leaf:
    fact: str
    op: Op
    value: Value | tuple[Scalar, ...]
    # How whole numbers, and how texts, are compared: by far the commonest cases, looked up once since a leaf is judged often.
    whole: Callable[[int, int], bool] | None = field(init=False, repr=False, compare=False, default=None)
    texts: frozenset[str] | None = field(init=False, repr=False, compare=False, default=None)
    # What asking once whether it holds (``size``), or why not (``weight``), costs at most, in comparisons of two numbers.
    size: int = field(init=False, repr=False, compare=False, default=1)

    @property
    def weight(self) -> int:
        return self.size

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _cost(self))
        if type(self.value) is int:
            object.__setattr__(self, "whole", _WHOLE_NUMBERS.get(self.op))
        elif self.op is Op.EQ and isinstance(self.value, str):
            object.__setattr__(self, "texts", frozenset({self.value}))
        elif self.op is Op.IN and isinstance(self.value, tuple):
            object.__setattr__(self, "texts", frozenset(item for item in self.value if isinstance(item, str)))


@dataclass(frozen=True, slots=True)
class Branch:
    quantifier: Quantifier
    items: tuple["Condition", ...]
    size: int = field(init=False, repr=False, compare=False, default=1)
    weight: int = field(init=False, repr=False, compare=False, default=1)

    def __post_init__(self) -> None:
        size = 1 + sum(item.size for item in self.items)
        weight = 1 + sum(item.weight for item in self.items)
        object.__setattr__(self, "size", size)
        # Where not all have to hold, who is to blame is asked of each once more.
        object.__setattr__(self, "weight", weight if self.quantifier is Quantifier.ALL else weight + size)


Condition = Leaf | Branch
ALWAYS = Branch(Quantifier.ALL, ())


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The facts a condition may name: ``names`` exactly, ``prefixes`` (such as ``customer.``) followed by anything."""

    names: Mapping[str, FactType]
    prefixes: Mapping[str, FactType]

    def type_of(self, fact: str) -> FactType | None:
        if fact in self.names:
            return self.names[fact]
        return next((kind for prefix, kind in self.prefixes.items() if fact.startswith(prefix) and len(fact) > len(prefix)), None)


AUDIENCE_FACTS = Catalogue(names={}, prefixes={"customer.": FactType.ANY})


# --- Reading --------------------------------------------------------------------------------------------------------


def parse(data: object, *, facts: Catalogue, pointer: str = "") -> Condition:
    """The condition said by ``data`` (``None`` and an empty ``all``: always). Raises ``Misunderstood`` with every fault found."""
    if data is None:
        return ALWAYS
    faults: list[Fault] = []
    leaves = [0]
    condition = _parse(data, facts, pointer, 0, leaves, faults)
    if leaves[0] > MOST_LEAVES:
        faults.append(Fault(pointer, "too-many-conditions", f"At most {MOST_LEAVES} conditions."))
    if faults or condition is None:
        raise Misunderstood(faults)
    return condition


def _parse(data: object, facts: Catalogue, pointer: str, depth: int, leaves: list[int], faults: list[Fault]) -> Condition | None:
    if not isinstance(data, dict):
        faults.append(Fault(pointer, "not-an-object", "A condition is an object."))
        return None
    if depth > DEEPEST:
        faults.append(Fault(pointer, "too-deep", f"At most {DEEPEST} levels of conditions."))
        return None
    quantifiers = [q for q in Quantifier if q.value in data]
    if quantifiers:
        return _parse_branch(data, quantifiers[0], facts, pointer, depth, leaves, faults)
    return _parse_leaf(data, facts, pointer, leaves, faults)


def _parse_branch(
    data: dict[str, object],
    quantifier: Quantifier,
    facts: Catalogue,
    pointer: str,
    depth: int,
    leaves: list[int],
    faults: list[Fault],
) -> Condition | None:
    faults.extend(
        Fault(f"{pointer}/{escape(str(key))}", "unknown-field", "A group of conditions has one key: all, any or none.")
        for key in data
        if key != quantifier.value
    )
    items = data[quantifier.value]
    here = f"{pointer}/{quantifier.value}"
    if not isinstance(items, list):
        faults.append(Fault(here, "not-a-list", "A list of conditions is expected."))
        return None
    if leaves[0] + len(items) > MOST_LEAVES:
        leaves[0] += len(items)
        return None
    parsed = [_parse(item, facts, f"{here}/{i}", depth + 1, leaves, faults) for i, item in enumerate(items)]
    return Branch(quantifier, tuple(item for item in parsed if item is not None))


def _parse_leaf(
    data: dict[str, object], facts: Catalogue, pointer: str, leaves: list[int], faults: list[Fault]
) -> Condition | None:
    leaves[0] += 1
    found = len(faults)
    faults.extend(
        Fault(f"{pointer}/{escape(str(key))}", "unknown-field", "A condition has a fact, an op and a value.")
        for key in data
        if key not in {"fact", "op", "value"}
    )
    fact = data.get("fact")
    kind = facts.type_of(fact) if isinstance(fact, str) and len(fact) <= LONGEST_TEXT else None
    if kind is None:
        faults.append(Fault(f"{pointer}/fact", "unknown-fact", f"“{str(fact)[:60]}” is not a fact that can be asked for here."))
    asked = data.get("op")
    op = Op(asked) if isinstance(asked, str) and asked in set(Op) else None
    if op is None:
        faults.append(Fault(f"{pointer}/op", "unknown-op", "One of: " + " ".join(Op) + "."))
    if kind is None or op is None or not isinstance(fact, str):
        return None
    value, complaint = _read_value(op, kind, data.get("value"))
    if complaint:
        faults.append(Fault(f"{pointer}/value", "wrong-value", complaint))
    return Leaf(fact, op, value) if len(faults) == found else None


def _read_value(op: Op, kind: FactType, raw: object) -> tuple[Value | tuple[Scalar, ...], str]:
    """The value as compared, and what is wrong with it."""
    if op is Op.EXISTS:
        return (raw, "") if isinstance(raw, bool) else (True, "") if raw is None else (False, "true or false is expected.")
    if op in {Op.IN, Op.NOT_IN, Op.HAS_ANY, Op.HAS_ALL, Op.BETWEEN}:
        if not isinstance(raw, list) or not raw or len(raw) > LONGEST_LIST:
            return (), f"A list of 1 to {LONGEST_LIST} values is expected."
        if op is Op.BETWEEN and len(raw) != 2:
            return (), "Two values are expected: from and to."
        values = tuple(_scalar(item) for item in raw)
        if None in values:
            return (), "Only plain texts and numbers can be compared."
        inner = Op.GE if op is Op.BETWEEN else Op.HAS if op in {Op.HAS_ANY, Op.HAS_ALL} else Op.EQ
        complaint = next((c for item in values if (c := _misfit(inner, kind, item))), "")
        return values, complaint  # type: ignore[return-value]
    if op is Op.MATCHES:
        return _read_pattern(kind, raw)
    value = _scalar(raw)
    if value is None:
        return "", "A plain text or number is expected."
    return value, _misfit(op, kind, value)


def _read_pattern(kind: FactType, raw: object) -> tuple[str, str]:
    if kind not in {FactType.TEXT, FactType.ANY}:
        return "", "Only a text can be compared with a pattern."
    if not isinstance(raw, str) or "\x00" in raw:
        return "", "A pattern is a text."
    try:
        patterns.canonical(raw)
    except patterns.BadPattern as error:
        return "", str(error)
    return raw, ""


def _scalar(raw: object) -> Scalar | None:
    if isinstance(raw, bool) or (isinstance(raw, int) and abs(raw) < 10**15):
        return raw
    if isinstance(raw, float):
        number = Decimal(str(raw))
        return number if number.is_finite() and abs(number) < 10**15 else None
    if isinstance(raw, str) and len(raw) <= LONGEST_TEXT and "\x00" not in raw:
        return raw
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _misfit(op: Op, kind: FactType, value: Scalar | None) -> str:
    """Why ``value`` cannot be compared so with a fact of this type; empty when it can."""
    is_number, is_text = _is_number(value), isinstance(value, str)
    is_date = is_text and bool(ISO_DATE.fullmatch(str(value)))
    if op in ORDERING and not (is_number or is_date):
        return "Only numbers and dates (YYYY-MM-DD) have an order."
    if kind is FactType.NUMBER and not is_number:
        return "This fact is a number."
    if kind is FactType.TEXT and not is_text:
        return "This fact is a text."
    if kind is FactType.DATE and not is_date:
        return "This fact is a date (YYYY-MM-DD)."
    if kind is FactType.LIST and op is not Op.HAS:
        return "This fact is a list: ask has, has_any or has_all."
    if op is Op.HAS and not is_text:
        return "A text is expected."
    return ""


# --- Judging --------------------------------------------------------------------------------------------------------


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether the condition is met; ``facts(name)`` gives a value or ``None``."""
    if isinstance(condition, Leaf):
        return leaf_holds(condition, facts(condition.fact))
    if condition.quantifier is _ALL:
        for item in condition.items:  # noqa: SIM110  (a generator would cost more than the comparison)
            if not holds(item, facts):
                return False
        return True
    return any(holds(item, facts) for item in condition.items) is (condition.quantifier is Quantifier.ANY)


def failure(condition: Condition, facts: Facts) -> Condition | None:
    """What keeps the condition from holding: the first leaf to blame, or the group itself where no single leaf is.

    ``None`` when it holds.
    """
    if isinstance(condition, Leaf):
        return None if leaf_holds(condition, facts(condition.fact)) else condition
    quantifier = condition.quantifier
    if quantifier is _ALL:
        without_leaf: Condition | None = None
        for item in condition.items:
            if isinstance(item, Leaf):
                if not leaf_holds(item, facts(item.fact)):
                    return item
            elif (found := failure(item, facts)) is not None:
                if isinstance(found, Leaf):
                    return found
                without_leaf = without_leaf or found
        return without_leaf
    if holds(condition, facts):
        return None
    if quantifier is Quantifier.ANY:
        return next((leaf for item in condition.items if isinstance(leaf := failure(item, facts), Leaf)), condition)
    return condition


def first_failure(condition: Condition, facts: Facts) -> Leaf | None:
    """The first leaf that keeps the condition from holding; ``None`` when it holds or no single leaf is to blame."""
    found = failure(condition, facts)
    return found if isinstance(found, Leaf) else None


def leaf_holds(leaf: Leaf, actual: object) -> bool:
    if leaf.whole is not None and type(actual) is int:
        return leaf.whole(actual, leaf.value)  # type: ignore[arg-type]
    if leaf.texts is not None and type(actual) is str:
        return actual in leaf.texts
    if leaf.op is Op.EXISTS:
        return (actual is not None) is leaf.value
    if actual is None:
        return False
    if isinstance(actual, datetime.date):
        actual = actual.isoformat()
    if leaf.op in {Op.HAS, Op.HAS_ANY, Op.HAS_ALL}:
        return _list_holds(leaf, actual)
    if leaf.op is Op.BETWEEN:
        low, high = leaf.value  # type: ignore[misc,str-unpack]
        return _compare(Op.GE, actual, low) and _compare(Op.LE, actual, high)
    if leaf.op is Op.MATCHES:
        return isinstance(actual, str) and patterns.fits(str(leaf.value), actual)
    if leaf.op is Op.IN or leaf.op is Op.NOT_IN:
        if isinstance(actual, list | tuple | frozenset | dict):
            return False
        return any(_compare(Op.EQ, actual, item) for item in leaf.value) is (leaf.op is Op.IN)  # type: ignore[union-attr]
    return _compare(leaf.op, actual, leaf.value)  # type: ignore[arg-type]


def _list_holds(leaf: Leaf, actual: object) -> bool:
    if not isinstance(actual, list | tuple | frozenset):
        return False
    texts = actual if isinstance(actual, frozenset) else {item for item in actual if isinstance(item, str)}
    wanted = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    return all(item in texts for item in wanted) if leaf.op is Op.HAS_ALL else any(item in texts for item in wanted)


def _compare(op: Op, actual: object, value: Scalar) -> bool:
    if _is_number(actual) and _is_number(value):
        left = Decimal(str(actual)) if isinstance(actual, float) else actual
    elif type(actual) is type(value) and isinstance(actual, str | bool):
        if op in ORDERING and isinstance(actual, bool):
            return False
        left = actual
    else:
        return False
    match op:
        case Op.EQ:
            return bool(left == value)
        case Op.NE:
            return bool(left != value)
        case Op.GT:
            return bool(left > value)  # type: ignore[operator]
        case Op.GE:
            return bool(left >= value)  # type: ignore[operator]
        case Op.LT:
            return bool(left < value)  # type: ignore[operator]
        case Op.LE:
            return bool(left <= value)  # type: ignore[operator]
    raise AssertionError(op)

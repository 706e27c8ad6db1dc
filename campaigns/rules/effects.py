"""What an incentive can do to a basket: the words of the effect language as frozen data (``docs/stacking.md``, Effects)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .basket import EVERYTHING, Filter


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


class UnitPick(enum.StrEnum):
    """In which order units are looked at."""

    CHEAPEST = "cheapest"
    DEAREST = "dearest"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Units:
    """Which units of the matching lines are meant, in the order of ``pick``.

    First ``skip`` units are left out, then every ``every``-th is taken. ``group_size`` forms full groups of what is then left and
    takes ``per_group`` units for each of at most ``max_groups`` groups: "of every 3, the cheapest" is ``cheapest, 3, 1``.
    """

    pick: UnitPick = UnitPick.CHEAPEST
    max_per_line: int | None = None
    max_per_order: int | None = None
    skip: int = 0
    every: int = 1
    group_size: int | None = None
    per_group: int | None = None
    max_groups: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What an effect lowers. ``undiscounted_only`` leaves out units that an earlier incentive has lowered."""

    scope: Scope = Scope.ORDER
    include: Filter = EVERYTHING
    exclude: Filter | None = None
    units: Units | None = None
    undiscounted_only: bool = False


WHOLE_ORDER = Target()

# An amount in the basket's currency, or one for each currency that is served.
Money = int | Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PercentOff:
    """``rate`` is the percentage in millionths of the whole, so that the arithmetic stays in integers."""

    percent: Decimal
    target: Target = WHOLE_ORDER
    max_amount: Money | None = None
    max_per_line: Money | None = None
    rate: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", int(self.percent.scaleb(4)))


@dataclass(frozen=True, slots=True)
class AmountOff:
    """``per_set`` multiplies the amount by the complete sets in the basket: (filter, quantity) of each part of a set."""

    amount: Money
    allocation: Allocation = Allocation.BY_AMOUNT
    target: Target = WHOLE_ORDER
    max_amount: Money | None = None
    max_per_line: Money | None = None
    per_set: tuple[tuple[Filter, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """``amount`` is the new price of a unit, or of the whole order (or shipping method); what is cheaper keeps its price."""

    amount: Money
    target: Target = WHOLE_ORDER
    max_amount: Money | None = None
    max_per_line: Money | None = None


@dataclass(frozen=True, slots=True)
class BundlePrice:
    """``amount`` for any ``size`` units of the target, the dearest together first unless the target picks otherwise."""

    amount: Money
    size: int
    repeat: bool = True
    target: Target = WHOLE_ORDER
    max_amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Buy:
    """What triggers: ``quantity`` units of the filter, or units worth ``amount``."""

    filter: Filter = EVERYTHING
    quantity: int | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Get:
    """What is given for it: ``quantity`` units of the filter at ``percent`` or ``amount`` off each."""

    filter: Filter = EVERYTHING
    quantity: int = 1
    percent: Decimal | None = None
    amount: Money | None = None
    pick: UnitPick = UnitPick.CHEAPEST


@dataclass(frozen=True, slots=True)
class BuyGet:
    """A unit is used once, as trigger or gift. Triggers come from the other end than gifts, first from what is no gift."""

    buy: Buy
    get: Get
    repeat: bool = True
    max_amount: Money | None = None


@dataclass(frozen=True, slots=True)
class FreeItem:
    """An article to add to the order without charge. It was not in the basket, so the amount to pay stays what it is."""

    sku: str
    quantity: int
    unit_price: Money
    name: str = ""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Each unit that matches ``source`` is replaced by ``sku``, worth ``unit_price``; the cheaper of the two prices is paid."""

    source: Filter
    sku: str
    unit_price: Money
    name: str = ""
    max_units: int | None = None


@dataclass(frozen=True, slots=True)
class StoredValue:
    """Gift card, credit or points as payment: at most ``available`` × ``rate`` (minor units for one), at most ``maximum``."""

    available: int
    rate: Decimal = Decimal(1)
    maximum: Money | None = None


class TierBy(enum.StrEnum):
    SPEND = "spend"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class Tier:
    start: int
    effect: "Effect"


@dataclass(frozen=True, slots=True)
class Tiers:
    """The effect of the highest tier that the target's spend (list prices) or quantity reaches."""

    by: TierBy
    tiers: tuple[Tier, ...]
    target: Target = WHOLE_ORDER


@dataclass(frozen=True, slots=True)
class Compound:
    """Several effects in order, each on what the one before has left; the conditions are judged once."""

    effects: tuple["Effect", ...]


@dataclass(frozen=True, slots=True)
class NoEffect:
    """An incentive that only awards something."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Decided and given by another system: known to have happened, never applied by us."""

    target: Target = WHOLE_ORDER


Effect = (
    PercentOff
    | AmountOff
    | FixedPrice
    | BundlePrice
    | BuyGet
    | FreeItem
    | Upgrade
    | StoredValue
    | Tiers
    | Compound
    | NoEffect
    | Recorded
)


def in_currency(money: Money | None, currency: str) -> int | None:
    """The amount in ``currency``; ``None`` when there is none or it is not served."""
    return money if isinstance(money, int) or money is None else money.get(currency)


def currencies_of(effect: Effect) -> frozenset[str] | None:
    """The currencies the effect is open to; ``None`` when its amounts are not given by currency."""
    inner: tuple[Effect, ...] = ()
    if isinstance(effect, Tiers):
        inner = tuple(tier.effect for tier in effect.tiers)
    elif isinstance(effect, Compound):
        inner = effect.effects
    found = [known for part in inner if (known := currencies_of(part)) is not None]
    found += [frozenset(money) for money in _amounts(effect) if isinstance(money, Mapping)]
    return frozenset.intersection(*found) if found else None


def serves(effect: Effect, currency: str) -> bool:
    """Whether every amount of the effect is known in ``currency``."""
    match effect:
        case Tiers():
            return all(serves(tier.effect, currency) for tier in effect.tiers)
        case Compound():
            return all(serves(part, currency) for part in effect.effects)
    return all(in_currency(money, currency) is not None for money in _amounts(effect) if money is not None)


def _amounts(effect: Effect) -> list[Money | None]:
    """The amounts of the effect itself, without those of effects inside it."""
    match effect:
        case AmountOff() | FixedPrice():
            return [effect.amount, effect.max_amount, effect.max_per_line]
        case BundlePrice():
            return [effect.amount, effect.max_amount]
        case PercentOff():
            return [effect.max_amount, effect.max_per_line]
        case BuyGet():
            return [effect.buy.amount, effect.get.amount, effect.max_amount]
        case FreeItem() | Upgrade():
            return [effect.unit_price]
        case StoredValue():
            return [effect.maximum]
    return []

"""What is bought: lines and shipping, as plain frozen data. Amounts are whole minor units of one currency."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """``quantity`` units of one article. ``minimum_unit_price`` is the floor no discount goes below."""

    id: str
    sku: str
    quantity: int
    unit_price: int
    categories: tuple[str, ...] = ()
    brand: str = ""
    minimum_unit_price: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    discountable: bool = True
    name: str = ""

    @property
    def amount(self) -> int:
        return self.quantity * self.unit_price

    @property
    def floor(self) -> int:
        return self.amount if not self.discountable else min(self.amount, self.quantity * self.minimum_unit_price)


@dataclass(frozen=True, slots=True)
class Shipping:
    method: str
    amount: int


@dataclass(frozen=True, slots=True)
class Basket:
    currency: str
    lines: tuple[Line, ...]
    shipping: tuple[Shipping, ...] = ()

    @property
    def items_total(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def shipping_total(self) -> int:
        return sum(method.amount for method in self.shipping)

    @property
    def total(self) -> int:
        return self.items_total + self.shipping_total


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines (or shipping methods) are meant: every restriction that is named must match, one entry of each list is enough.

    ``price_from`` and ``price_to`` are bounds of the list price of a unit, both included.
    """

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, frozenset[str]], ...] = ()
    price_from: int | None = None
    price_to: int | None = None
    # Whether nothing but articles, or nothing but categories, is named: an index of them has the whole answer.
    is_one_list: bool = field(init=False, repr=False, compare=False, default=False)

    def __post_init__(self) -> None:
        is_rest_open = not (self.brands or self.lines or self.attributes) and self.price_from is self.price_to is None
        object.__setattr__(self, "is_one_list", is_rest_open and bool(self.skus) != bool(self.categories))

    def matches_line(self, line: Line) -> bool:
        return (
            (not self.skus or line.sku in self.skus)
            and (not self.categories or not self.categories.isdisjoint(line.categories))
            and (not self.brands or line.brand in self.brands)
            and (not self.lines or line.id in self.lines)
            and all(line.attributes.get(name) in values for name, values in self.attributes)
            and (self.price_from is None or line.unit_price >= self.price_from)
            and (self.price_to is None or line.unit_price <= self.price_to)
        )

    def matches_shipping(self, shipping: Shipping) -> bool:
        return not self.methods or shipping.method in self.methods


EVERYTHING = Filter()

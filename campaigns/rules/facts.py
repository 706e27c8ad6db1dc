"""The facts that conditions of an incentive may ask for, and their values at a moment of the calculation."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from customers.rules.conditions import Catalogue, FactType

from .basket import Basket

BASKET_FACTS = Catalogue(
    names={
        "basket.initial_total": FactType.NUMBER,
        "basket.running_total": FactType.NUMBER,
        "basket.total_after": FactType.NUMBER,
        "basket.initial_items_total": FactType.NUMBER,
        "basket.running_items_total": FactType.NUMBER,
        "basket.items_total_after": FactType.NUMBER,
        "basket.quantity": FactType.NUMBER,
        "basket.distinct_skus": FactType.NUMBER,
        "basket.max_line_quantity": FactType.NUMBER,
        "basket.skus": FactType.LIST,
        "basket.categories": FactType.LIST,
        "channel.key": FactType.TEXT,
        "channel.kind": FactType.TEXT,
        "store.key": FactType.TEXT,
        "time.weekday": FactType.NUMBER,
        "time.hour": FactType.NUMBER,
        "time.date": FactType.DATE,
    },
    prefixes={
        "basket.category_total:": FactType.NUMBER,
        "basket.category_quantity:": FactType.NUMBER,
        "customer.": FactType.ANY,
    },
)
# Facts whose unit is minor units; the near miss of such a fact is an amount.
MONEY_FACTS = ("_total", "total_after")


def is_money(fact: str) -> bool:
    return fact.startswith("basket.category_total:") or (fact.startswith("basket.") and fact.endswith(MONEY_FACTS))


def is_after(fact: str) -> bool:
    """Facts that look at the basket with the incentive's own discount taken off."""
    return fact in {"basket.total_after", "basket.items_total_after"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything a condition can ask about that is not the basket: who, where, when."""

    now: datetime.datetime
    channel_key: str = ""
    channel_kind: str = ""
    store_key: str = ""
    customer: Mapping[str, object] | None = None


@dataclass(slots=True)
class BasketFacts:
    """Answers ``facts(name)`` for one basket. Running totals and the campaign's time zone are set as the calculation goes on."""

    basket: Basket
    surroundings: Surroundings
    running_items: int
    running_shipping: int
    own_items: int = 0
    own_shipping: int = 0
    time_zone: str = "UTC"
    _fixed: dict[str, object] = field(default_factory=dict)

    def __call__(self, name: str) -> object:
        match name:
            case "basket.running_total":
                return self.running_items + self.running_shipping
            case "basket.running_items_total":
                return self.running_items
            case "basket.total_after":
                return self.running_items + self.running_shipping - self.own_items - self.own_shipping
            case "basket.items_total_after":
                return self.running_items - self.own_items
        if name.startswith("customer."):
            return (self.surroundings.customer or {}).get(name.removeprefix("customer."))
        if name.startswith("time."):
            return self._time(name)
        if name not in self._fixed:
            self._fixed[name] = self._look_up(name)
        return self._fixed[name]

    def _look_up(self, name: str) -> object:
        lines = self.basket.lines
        if name.startswith("basket.category_total:"):
            category = name.removeprefix("basket.category_total:")
            return sum(line.amount for line in lines if category in line.categories)
        if name.startswith("basket.category_quantity:"):
            category = name.removeprefix("basket.category_quantity:")
            return sum(line.quantity for line in lines if category in line.categories)
        known: dict[str, object] = {
            "basket.initial_total": self.basket.total,
            "basket.initial_items_total": self.basket.items_total,
            "basket.quantity": sum(line.quantity for line in lines),
            "basket.distinct_skus": len({line.sku for line in lines}),
            "basket.max_line_quantity": max((line.quantity for line in lines), default=0),
            "basket.skus": frozenset(line.sku for line in lines),
            "basket.categories": frozenset(category for line in lines for category in line.categories),
            "channel.key": self.surroundings.channel_key or None,
            "channel.kind": self.surroundings.channel_kind or None,
            "store.key": self.surroundings.store_key or None,
        }
        return known.get(name)

    def _time(self, name: str) -> object:
        """On the campaign's wall clock; weekdays count from 1, Monday (ISO 8601)."""
        local = self.surroundings.now.astimezone(ZoneInfo(self.time_zone))
        return {"time.weekday": local.isoweekday(), "time.hour": local.hour, "time.date": local.date()}.get(name)

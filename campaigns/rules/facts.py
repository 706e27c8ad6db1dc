"""The facts that conditions of an incentive may ask for, and their values at a moment of the calculation."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from customers.rules.conditions import Catalogue, FactType

from .basket import Basket
from .running import Running

BASKET_FACTS = Catalogue(
    names={
        "basket.initial_total": FactType.NUMBER,
        "basket.running_total": FactType.NUMBER,
        "basket.total_after": FactType.NUMBER,
        "basket.items_total": FactType.NUMBER,
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
        "event.": FactType.ANY,
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
    event: Mapping[str, object] | None = None


_COMPUTED: dict[str, Callable[[Basket], object]] = {
    "basket.initial_total": lambda basket: basket.total,
    "basket.items_total": lambda basket: basket.items_total,
    "basket.initial_items_total": lambda basket: basket.items_total,
    "basket.quantity": lambda basket: sum(line.quantity for line in basket.lines),
    "basket.distinct_skus": lambda basket: len({line.sku for line in basket.lines}),
    "basket.max_line_quantity": lambda basket: max((line.quantity for line in basket.lines), default=0),
    "basket.skus": lambda basket: frozenset(line.sku for line in basket.lines),
    "basket.categories": lambda basket: frozenset(category for line in basket.lines for category in line.categories),
}


@dataclass(slots=True)
class BasketFacts:
    """Answers ``facts(name)`` for one basket as it stands; the campaign's time zone is set as the calculation goes on."""

    basket: Basket
    surroundings: Surroundings
    running: Running
    own_items: int = 0
    own_shipping: int = 0
    time_zone: str = "UTC"
    _fixed: dict[str, object] = field(default_factory=dict)

    def __call__(self, name: str) -> object:
        known = self._fixed.get(name)
        if known is not None:
            if type(known) is list:
                self.running.work.spend(len(known) >> 2)  # a condition looks through all of it
            return known
        if name.startswith("time."):
            return self._time(name)
        match name:
            case "basket.running_total":
                return self.running.total
            case "basket.running_items_total":
                return self.running.items_total
            case "basket.total_after":
                return self.running.total - self.own_items - self.own_shipping
            case "basket.items_total_after":
                return self.running.items_total - self.own_items
        value = self._fixed[name] = self._look_up(name)
        if isinstance(value, list | frozenset):
            self.running.work.spend(len(value))
        return value

    def _look_up(self, name: str) -> object:
        if (compute := _COMPUTED.get(name)) is not None:
            return compute(self.basket)
        if name.startswith(("basket.category_quantity:", "basket.category_total:")):
            return self._by_category().get(name, 0)
        if name.startswith("customer."):
            return (self.surroundings.customer or {}).get(name.removeprefix("customer."))
        if name.startswith("event."):
            return (self.surroundings.event or {}).get(name.removeprefix("event."))
        place = self.surroundings
        known = {"channel.key": place.channel_key, "channel.kind": place.channel_kind, "store.key": place.store_key}
        return known.get(name) or None

    def _by_category(self) -> dict[str, int]:
        """Totals and quantities of all categories of the basket by the name of the fact, summed up once."""
        known = self._fixed.get("")
        if isinstance(known, dict):
            return known
        sums: dict[str, int] = {}
        self.running.work.spend(sum(1 + len(line.categories) for line in self.basket.lines))
        for line in self.basket.lines:
            for category in dict.fromkeys(line.categories):
                for name, value in (
                    (f"basket.category_total:{category}", line.amount),
                    (f"basket.category_quantity:{category}", line.quantity),
                ):
                    sums[name] = sums.get(name, 0) + value
        self._fixed[""] = sums
        return sums

    def _time(self, name: str) -> object:
        """On the campaign's wall clock; weekdays count from 1, Monday (ISO 8601)."""
        local = self.surroundings.now.astimezone(ZoneInfo(self.time_zone))
        return {"time.weekday": local.isoweekday(), "time.hour": local.hour, "time.date": local.date()}.get(name)

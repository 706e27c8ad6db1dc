"""The policy of a whole decision: order, base, choice, failure, caps over everything."""

import enum
from dataclasses import dataclass
from decimal import Decimal

from .groups import Base


class Order(enum.StrEnum):
    """By group rank, priority, start and key; or as the request lists them."""

    RANKED = "ranked"
    LISTED = "listed"


class Choose(enum.StrEnum):
    """How the combination is found: by walking the order once, or by looking for the dearest or cheapest one."""

    IN_ORDER = "in_order"
    BEST_FOR_CUSTOMER = "best_for_customer"
    LEAST_COST = "least_cost"


class Failure(enum.StrEnum):
    """What a sent code that fails does to the rest."""

    PARTIAL = "partial"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Policy:
    order: Order = Order.RANKED
    base: Base = Base.RUNNING
    choose: Choose = Choose.IN_ORDER
    failure: Failure = Failure.PARTIAL
    max_total_percent: Decimal | None = None
    max_total_amount: int | None = None
    max_incentives: int = 30
    max_exclusive: int = 5

"""Whose count a use goes to: everybody's, a customer's for ever or for a day, a week, a month of their calendar, a store's.

A limit that everybody shares may be counted in several slots, so that a flash sale does not queue for one row. Each slot has its
part of the maximum, and the parts add up to it.
"""

import datetime
import enum


class Per(enum.StrEnum):
    TOTAL = "total"
    CUSTOMER = "customer"
    CUSTOMER_DAY = "customer_day"
    CUSTOMER_WEEK = "customer_week"
    CUSTOMER_MONTH = "customer_month"
    STORE = "store"


class Counted(enum.StrEnum):
    """What a limit counts.

    The value of an order is that of its goods before any discount, without shipping: so it is known before anything is decided,
    is the same whatever else applies, and adds up to the sales that an incentive was part of. Points are those that the
    incentive awards to somebody who is known.
    """

    USES = "uses"
    UNITS = "units"
    DISCOUNT = "discount"
    ORDER_VALUE = "order_value"
    POINTS = "points"


HOT_SLOTS = 16
# Below, a slot would hold so little that spreading would be the rule: 100 uses, or as many orders of 100.00.
HOT_FROM = {Counted.USES: 1_600, Counted.UNITS: 1_600, Counted.DISCOUNT: 1_600}
HOT_FROM_AMOUNTS = 16_000_000
PLAIN = frozenset({Per.TOTAL, Per.CUSTOMER})


def subject_of(per: str, *, customer: str, store: str, today: datetime.date) -> str | None:
    """The subject under which a use is counted; ``None`` when nobody is there to count it for.

    ``today`` is the day on the customer's calendar; weeks are those of ISO 8601.
    """
    match Per(per):
        case Per.TOTAL:
            return ""
        case Per.STORE:
            return f"store:{store}" if store else None
        case Per.CUSTOMER:
            return customer or None
    if not customer:
        return None
    week = today.isocalendar()
    period = {
        Per.CUSTOMER_DAY: today.isoformat(),
        Per.CUSTOMER_WEEK: f"{week.year}-W{week.week:02}",
        Per.CUSTOMER_MONTH: f"{today:%Y-%m}",
    }[Per(per)]
    return f"{customer}@{period}"


def slots_for(per: str, maximum: int, counted: str = Counted.USES) -> int:
    """In how many slots a new limit is counted."""
    least = HOT_FROM.get(Counted(counted), HOT_FROM_AMOUNTS)
    return HOT_SLOTS if per == Per.TOTAL and maximum >= least else 1


def slot(number: int) -> str:
    """The subject of one slot."""
    return f"#{number}"


def is_slot(subject: str) -> bool:
    return subject.startswith("#")


def capacity(maximum: int, slots: int, number: int) -> int:
    """What one slot holds of the maximum."""
    return maximum // slots + (1 if number < maximum % slots else 0)

"""Points as money: what they are worth, how many a price takes, what a return changes (``docs/ledger.md``)."""

import enum
import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from customers.rules.faults import Fault, escape
from incentives_site.shared.money import CURRENCIES

POINT_VALUE = re.compile(r"\d{1,7}(\.\d{1,6})?")


class TakeBack(enum.StrEnum):
    """How far points earned on returned goods are taken back."""

    PENDING_ONLY = "pending_only"
    UP_TO_BALANCE = "up_to_balance"
    MAY_GO_NEGATIVE = "may_go_negative"


class OnBrokenReturn(enum.StrEnum):
    """What happens to an incentive whose conditions the goods that are kept no longer meet."""

    KEEP = "keep"
    CLAW_BACK = "claw_back"


def worth(points: int, value: Decimal) -> int:
    """What ``points`` can pay, in whole minor units: never more than they are worth."""
    return int((points * value).to_integral_value(ROUND_FLOOR))


def points_for(amount: int, value: Decimal) -> int:
    """The least number of points that are worth at least ``amount`` minor units."""
    return int((amount / value).to_integral_value(ROUND_CEILING))


def faults_of_point_values(values: object) -> list[Fault]:
    """What is wrong with a programme's point values: a decimal text above 0, with at most six decimals, by ISO 4217 currency.

    Codes: ``not-a-mapping``, ``unknown-currency``, ``not-a-value``.
    """
    if not isinstance(values, Mapping):
        return [Fault("", "not-a-mapping", "A value for each currency is expected.")]
    faults = []
    for currency, value in values.items():
        pointer = f"/{escape(str(currency))}"
        if currency not in CURRENCIES:
            faults.append(Fault(pointer, "unknown-currency", "An ISO 4217 code is expected."))
        # A number of JSON would be a float, and 0.1 of those is not 0.1.
        if not isinstance(value, str) or not POINT_VALUE.fullmatch(value) or Decimal(value) == 0:
            faults.append(Fault(pointer, "not-a-value", "A decimal text above 0 such as 0.5, with at most six decimals."))
    return faults

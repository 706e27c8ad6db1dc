"""Points as money: what they are worth, how many a price takes, what a return changes (``docs/ledger.md``)."""

import enum
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


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

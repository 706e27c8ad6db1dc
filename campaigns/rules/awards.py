"""What an incentive gives beside the price: computed on what is payable for the matching lines, after everything."""

import datetime
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from incentives_site.shared.money import LARGEST_AMOUNT, round_half_up, share_of

from .effects import Effect, Money, currencies_of, in_currency
from .expiry import RoundUp, last_usable_day


class AwardType(enum.StrEnum):
    POINTS = "points"
    CREDIT = "credit"
    CONTEST_ENTRY = "contest_entry"
    ACCESS = "access"
    GRANT = "grant"


class Rounding(enum.StrEnum):
    """How points of a part of ``per`` are rounded."""

    DOWN = "down"
    HALF_UP = "half_up"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Award:
    """``per`` (minor units) and ``points`` earn points; ``amount`` or ``percent`` earn credit; ``key`` names the rest."""

    type: AwardType
    per: Money | None = None
    points: int = 0
    rounding: Rounding = Rounding.DOWN
    multiplier_fact: str = ""
    amount: Money | None = None
    percent: Decimal | None = None
    key: str = ""
    quantity: int = 1
    valid_months: int | None = None
    round_up_to_end_of: RoundUp | None = None


@dataclass(frozen=True, slots=True)
class Awarded:
    """What is given: so many points, so much credit (minor units), so many entries, or one thing by its key.

    ``last_usable_day`` is when points or credit given today end; ``None``: never. ``wanted`` is what it would have been, where a
    limit has left less; ``number`` which of the incentive's awards it is.
    """

    type: AwardType
    quantity: int
    key: str = ""
    last_usable_day: datetime.date | None = None
    wanted: int | None = None
    number: int = field(default=0, compare=False)


def is_given_in(award: Award, currency: str) -> bool:
    """Whether the amounts of the award are known in ``currency``."""
    return all(in_currency(money, currency) is not None for money in (award.per, award.amount) if money is not None)


def open_to(effect: Effect, awards: Iterable[Award]) -> frozenset[str] | None:
    """The currencies for which amounts of what is promised are given; ``None`` when none is given by currency."""
    amounts = [money for award in awards for money in (award.per, award.amount)]
    found = [frozenset(money) for money in amounts if isinstance(money, Mapping)]
    if (of_effect := currencies_of(effect)) is not None:
        found.append(of_effect)
    return frozenset.intersection(*found) if found else None


def awarded(award: Award, payable: int, currency: str, facts: Callable[[str], object], number: int = 0) -> Awarded | None:
    """What ``award`` comes to on ``payable`` minor units; ``None`` when it is nothing. It is the incentive's ``number``-th."""
    match award.type:
        case AwardType.POINTS:
            quantity = _points(award, payable, currency, facts)
        case AwardType.CREDIT:
            fixed = in_currency(award.amount, currency)
            quantity = share_of(payable, award.percent) if award.percent is not None else fixed or 0
        case _:
            quantity = award.quantity
    if quantity <= 0:
        return None
    last_day = None
    if award.valid_months is not None:
        today = facts("time.date")
        if not isinstance(today, datetime.date):
            raise TypeError("time.date is a date")
        last_day = last_usable_day(today, valid_months=award.valid_months, round_up_to_end_of=award.round_up_to_end_of)
    return Awarded(award.type, quantity, award.key, last_day, number=number)


def _points(award: Award, payable: int, currency: str, facts: Callable[[str], object]) -> int:
    per = in_currency(award.per, currency)
    earned = Decimal(award.points) if per is None else Decimal(payable) * award.points / per
    if award.multiplier_fact:
        factor = facts(award.multiplier_fact)
        earned *= Decimal(str(factor)) if isinstance(factor, int | float | Decimal) and not isinstance(factor, bool) else 1
    earned = min(earned, Decimal(LARGEST_AMOUNT))
    if award.rounding is Rounding.HALF_UP:
        return round_half_up(earned)
    whole = int(earned)
    return whole + (1 if award.rounding is Rounding.UP and earned > whole else 0)

"""What a return gives back, to the cent (``docs/redemption.md``, Returns).

Every unit of a line gives back its even share of what was paid for the line. Shares are taken of what is left, over the units
that are left, rounded down: so the last unit gives back the rest, and the sum of all returns is what was paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaigns.rules.loyalty import OnBrokenReturn, TakeBack


@dataclass(frozen=True, slots=True)
class LineState:
    """A line as it was paid, and what of it has come back. Amounts are minor units of the whole line."""

    id: str
    quantity: int
    returned: int
    discount: int
    stored_value: int
    payable: int
    given_discount: int = 0
    given_stored_value: int = 0
    given_payable: int = 0

    @property
    def left(self) -> int:
        return self.quantity - self.returned


@dataclass(frozen=True, slots=True)
class LineReturn:
    """``units`` of a line that come back now, with their share of its discount and of what paid it."""

    line: str
    units: int
    discount: int
    stored_value: int
    payable: int


@dataclass(frozen=True, slots=True)
class Benefit:
    """What one incentive gave: ``shares`` by line. ``still_applies`` to the goods that are kept."""

    key: str
    shares: Mapping[str, int]
    policy: OnBrokenReturn = OnBrokenReturn.KEEP
    still_applies: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """An incentive whose conditions the goods that are kept no longer meet. ``clawed`` by line; what was ``not_recovered``."""

    key: str
    kept: int
    clawed: Mapping[str, int]
    not_recovered: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """``amount`` is the money to pay back: the lines' shares less what is clawed back."""

    lines: tuple[LineReturn, ...]
    broken: tuple[Broken, ...]
    amount: int


def plan(lines: Sequence[LineState], units: Mapping[str, int], benefits: Sequence[Benefit] = ()) -> Plan:
    """Take back ``units`` (by line id, at most what is left of each)."""
    found = tuple(_line_return(line, units[line.id]) for line in lines if units.get(line.id))
    after = {line.id: (line.returned + units.get(line.id, 0), line.quantity) for line in lines}
    money = sum(line.payable for line in found)
    broken = []
    for benefit in benefits:
        kept = kept_shares(benefit.shares, after)
        if benefit.still_applies or not any(kept.values()):
            continue
        clawed: dict[str, int] = {}
        if benefit.policy is OnBrokenReturn.CLAW_BACK:
            for line, amount in kept.items():
                clawed[line] = min(amount, money)
                money -= clawed[line]
        missing = sum(kept.values()) - sum(clawed.values()) if benefit.policy is OnBrokenReturn.CLAW_BACK else 0
        broken.append(Broken(benefit.key, sum(kept.values()), {k: v for k, v in clawed.items() if v}, missing))
    return Plan(found, tuple(broken), money)


def kept_shares(shares: Mapping[str, int], after: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """What of an incentive's shares belongs to units that are kept; ``after`` gives (returned, bought) by line."""
    return {line: amount - _share(amount, *after[line]) for line, amount in shares.items() if line in after}


def kept_of(whole: int, *, left: int, base: int) -> int:
    """What of points or credit stays earned when ``left`` of the ``base`` that earned it is kept: rounded down, as earned."""
    return whole * left // base if base else 0


def taken_back(amount: int, *, policy: TakeBack, is_pending: bool, balance: int) -> int:
    """How much of ``amount`` that is no longer earned the programme's policy takes out of an account with ``balance``."""
    if policy is TakeBack.PENDING_ONLY and not is_pending:
        return 0
    if policy is TakeBack.MAY_GO_NEGATIVE and not is_pending:
        return amount
    return max(0, min(amount, balance))


def units_back(units: int, *, amount: int, returned: int, units_returned: int) -> int:
    """How many of a tender's units go back now that ``returned`` of its ``amount`` has been given back: the last get the rest."""
    return units * returned // amount - units_returned


def _line_return(line: LineState, units: int) -> LineReturn:
    if not 1 <= units <= line.left:
        raise ValueError(f"{units} of the {line.left} that are left of line {line.id}")
    return LineReturn(
        line.id,
        units,
        _share(line.discount - line.given_discount, units, line.left),
        _share(line.stored_value - line.given_stored_value, units, line.left),
        _share(line.payable - line.given_payable, units, line.left),
    )


def _share(whole: int, part: int, parts: int) -> int:
    return whole * part // parts

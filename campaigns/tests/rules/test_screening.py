"""Why an incentive is not considered at all: which reason comes first, and what is said with it."""

import datetime
from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.basket import Basket, Line
from campaigns.rules.candidates import Candidate, LimitState, Reason, Standing
from campaigns.rules.decision import Refused
from campaigns.rules.effects import PercentOff
from campaigns.rules.facts import Surroundings
from campaigns.rules.language import conditions_of
from campaigns.rules.screening import screen

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
GOODS = Basket("USD", (Line("1", "boot", 1, 5_000),))
VIP = conditions_of({"all": [{"fact": "customer.group", "op": "==", "value": "VIP"}]})
NOBODY = conditions_of({"none": [{"fact": "customer.group", "op": "exists", "value": True}]})


def limit(per: str = "total", left: int = 0, measure: str = "uses") -> LimitState:
    return LimitState(1, measure, per, 5, 5 - left)


def screened(customer: dict[str, object] | None = None, code: str = "", **standing: Any) -> Refused | None:
    candidate = Candidate("a", PercentOff(Decimal(10)), name="Ten", code=code, standing=Standing(**standing))
    return screen(candidate, GOODS, Surroundings(now=NOW, channel_key="till", customer=customer))


def test_a_period_includes_its_start_and_not_its_end() -> None:
    assert screened(starts_at=NOW) is None
    assert screened(starts_at=NOW - HOUR, ends_at=NOW + HOUR) is None
    assert screened(starts_at=NOW + HOUR).reason is Reason.OUTSIDE_SCHEDULE  # type: ignore[union-attr]
    assert screened(ends_at=NOW).reason is Reason.OUTSIDE_SCHEDULE  # type: ignore[union-attr]


def test_a_code_that_comes_too_early_has_not_expired() -> None:
    early, late = screened(code="X", starts_at=NOW + HOUR), screened(code="X", ends_at=NOW)
    assert (early and early.reason, late and late.reason) == (Reason.OUTSIDE_SCHEDULE, Reason.CODE_EXPIRED)


def test_a_refusal_names_the_incentive_and_the_code_that_brought_it() -> None:
    assert screened(code="X", is_live=False) == Refused("a", "Ten", Reason.NOT_LIVE, "X")


IN_ORDER: list[tuple[Reason, dict[str, Any]]] = [
    (Reason.NOT_HOLDER, {"refusal": Reason.NOT_HOLDER}),
    (Reason.NOT_LIVE, {"is_live": False}),
    (Reason.OUTSIDE_SCHEDULE, {"starts_at": NOW + HOUR}),
    (Reason.CODE_USED, {"refusal": Reason.CODE_USED}),
    (Reason.WRONG_CHANNEL, {"channels": frozenset({"web"})}),
    (Reason.WRONG_CURRENCY, {"currency": "EUR"}),
    (Reason.NOT_ELIGIBLE, {"audience": VIP}),
    (Reason.LIMIT_REACHED, {"limits": (limit(),)}),
]


@pytest.mark.parametrize("position", range(len(IN_ORDER)))
def test_the_first_reason_that_holds_is_given(position: int) -> None:
    """As listed in docs/stacking.md: everything from here on is wrong, everything before is right."""
    wrong: dict[str, Any] = {}
    for _reason, standing in reversed(IN_ORDER[position:]):
        wrong |= standing
    refusal = screened(customer={"group": "STAFF"}, **wrong)
    assert refusal is not None
    assert refusal.reason is IN_ORDER[position][0]


def test_the_part_of_the_audience_that_is_not_met_is_named() -> None:
    refusal = screened(customer={"group": "STAFF"}, audience=VIP)
    assert refusal == Refused("a", "Ten", Reason.NOT_ELIGIBLE, "", "customer.group", "VIP")
    assert screened(customer={"group": "VIP"}, audience=VIP) is None
    unclear = screened(customer={"group": "VIP"}, audience=NOBODY)
    assert unclear == Refused("a", "Ten", Reason.NOT_ELIGIBLE)


def test_another_reason_names_no_part_of_the_audience() -> None:
    refusal = screened(customer={"group": "STAFF"}, audience=VIP, channels=frozenset({"web"}))
    assert refusal == Refused("a", "Ten", Reason.WRONG_CHANNEL)


def test_for_somebody_unknown_the_audience_may_turn_out_otherwise() -> None:
    refusal = screened(customer=None, audience=VIP)
    assert refusal == Refused("a", "Ten", Reason.NOT_ELIGIBLE, "", "customer.group", "VIP", needs_customer=True)
    assert screened(customer=None, channels=frozenset({"web"})) == Refused("a", "Ten", Reason.WRONG_CHANNEL)


@pytest.mark.parametrize(
    ("limits", "needs_customer"),
    [
        ((limit("customer"),), True),
        ((limit("total"),), False),
        ((limit("customer"), limit("total", left=1)), True),
        ((limit("customer"), limit("total")), False),
    ],
)
def test_a_limit_of_each_customer_may_have_room_for_whoever_buys(limits: tuple[LimitState, ...], needs_customer: bool) -> None:
    refusal = screened(customer=None, limits=limits)
    assert refusal == Refused("a", "Ten", Reason.LIMIT_REACHED, needs_customer=needs_customer)
    known = screened(customer={}, limits=limits)
    assert known == Refused("a", "Ten", Reason.LIMIT_REACHED)


def test_what_is_left_of_a_limit_never_falls_below_nothing() -> None:
    assert LimitState(1, "uses", "total", 5, 9).left == 0
    assert screened(limits=(limit(left=1),)) is None
    assert screened(limits=(limit(measure="discount"),)).reason is Reason.BUDGET_EXHAUSTED  # type: ignore[union-attr]
    assert screened(limits=(limit(measure="units"),)).reason is Reason.LIMIT_REACHED  # type: ignore[union-attr]

"""Every reason there is, each reached the way it comes about."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.basket import Basket, Filter, Line
from campaigns.rules.candidates import Candidate, LimitState, Reason, Standing, UnknownCode
from campaigns.rules.decision import Decision
from campaigns.rules.effects import AmountOff, PercentOff, Scope, Target
from campaigns.rules.facts import Surroundings
from campaigns.rules.groups import Eligibility, Group, Pick
from campaigns.rules.language import conditions_of
from campaigns.rules.policy import Failure, Policy
from campaigns.rules.stacking import decide

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
GOODS = Basket("USD", (Line("1", "shoe", 1, 10_000, ("shoes",)),))
GROUPS = {
    "alone": Group("alone", eligibility=Eligibility.EXCLUSIVE, limit=1),
    "first": Group("first", pick=Pick.FIRST),
    "best": Group("best", pick=Pick.BEST_FOR_CUSTOMER),
    "single": Group("single", limit=1),
}
ELSEWHERE = Target(Scope.LINES, Filter(skus=frozenset({"nowhere"})))
VIP = conditions_of({"fact": "customer.group", "op": "==", "value": "VIP"})
USED_UP, SPENT = LimitState(1, "uses", "total", 5, 5), LimitState(2, "discount", "total", 500, 500)


def half(key: str = "a", **fields: Any) -> Candidate:
    return Candidate(key, PercentOff(Decimal(50)), **fields)


def standing(**fields: Any) -> Candidate:
    return half(standing=Standing(**fields))


def asked(*candidates: Candidate, unknown: tuple[UnknownCode, ...] = (), **policy: Any) -> Decision:
    return decide(
        basket=GOODS,
        candidates=candidates,
        groups=GROUPS,
        policy=Policy(**policy),
        surroundings=Surroundings(now=NOW, channel_key="till"),
        unknown_codes=unknown,
    )


REACHED: dict[Reason, Callable[[], Decision]] = {
    Reason.NOT_LIVE: lambda: asked(standing(is_live=False)),
    Reason.OUTSIDE_SCHEDULE: lambda: asked(standing(starts_at=NOW + datetime.timedelta(1))),
    Reason.WRONG_CHANNEL: lambda: asked(standing(channels=frozenset({"web"}))),
    Reason.WRONG_CURRENCY: lambda: asked(Candidate("a", AmountOff({"EUR": 100}))),
    Reason.NOT_ELIGIBLE: lambda: asked(standing(audience=VIP)),
    Reason.OPTED_OUT: lambda: asked(standing(refusal=Reason.OPTED_OUT)),
    Reason.HELD_OUT: lambda: asked(standing(refusal=Reason.HELD_OUT)),
    Reason.CODE_UNKNOWN: lambda: asked(unknown=(UnknownCode("TYPO"),)),
    Reason.CODE_MISTYPED: lambda: asked(unknown=(UnknownCode("TYP0", Reason.CODE_MISTYPED),)),
    Reason.CODE_EXPIRED: lambda: asked(half(code="OLD", standing=Standing(ends_at=NOW))),
    Reason.CODE_USED: lambda: asked(standing(refusal=Reason.CODE_USED)),
    Reason.NOT_HOLDER: lambda: asked(standing(refusal=Reason.NOT_HOLDER)),
    Reason.LIMIT_REACHED: lambda: asked(standing(limits=(USED_UP,))),
    Reason.BUDGET_EXHAUSTED: lambda: asked(standing(limits=(SPENT,))),
    Reason.CONDITION_NOT_MET: lambda: asked(half(conditions=conditions_of({"fact": "basket.quantity", "op": ">=", "value": 2}))),
    Reason.NO_MATCHING_LINES: lambda: asked(Candidate("a", PercentOff(Decimal(50), ELSEWHERE))),
    Reason.NO_EFFECT: lambda: asked(half("a", priority=1), Candidate("b", AmountOff(9_000), priority=1), half("c")),
    Reason.LOST_TO_EXCLUSIVE: lambda: asked(half("a"), half("b", group="alone")),
    Reason.LOST_TO_BETTER: lambda: asked(half("a", group="best"), Candidate("b", AmountOff(1), group="best")),
    Reason.NOT_FIRST: lambda: asked(half("a", group="first"), half("b", group="first")),
    Reason.GROUP_LIMIT: lambda: asked(half("a", group="single"), half("b", group="single")),
    Reason.STACK_LIMIT: lambda: asked(half("a"), half("b"), max_incentives=1),
    Reason.CAP_REACHED: lambda: asked(half("a"), half("b"), max_total_amount=5_000),
    Reason.REQUEST_FAILED: lambda: asked(half("a"), unknown=(UnknownCode("TYPO"),), failure=Failure.ALL),
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_reached(reason: Reason) -> None:
    decision = REACHED[reason]()
    assert reason in {item.reason for item in (*decision.inapplicable, *decision.skipped)}

"""Of which kinds an incentive is, and when what a customer said refuses it."""

import datetime as dt
from decimal import Decimal

import pytest

from campaigns.rules.awards import Award, AwardType
from campaigns.rules.candidates import Candidate, Standing
from campaigns.rules.effects import NoEffect, PercentOff, Target
from campaigns.rules.kinds import is_unwanted, kinds_of
from customers.rules.conditions import Leaf, Op
from customers.rules.consent import ALL, IncentiveKind, Purpose, Statement, Topic, Wishes

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
TEN = PercentOff(Decimal(10), Target())
POINTS, ENTRY = Award(AwardType.POINTS, points=1), Award(AwardType.CONTEST_ENTRY, key="c")
REGULARS = Standing(audience=Leaf("customer.tier", Op.EQ, "gold"))


def no(*topics: Topic) -> Wishes:
    return Wishes({topic: Statement(topic, False, NOON) for topic in topics})


OUT = no(Topic())
NO_WEB = no(Topic("web"))
NO_POINTS = no(Topic(ALL, Purpose.MARKETING, "points"))


@pytest.mark.parametrize(
    ("effect", "awards", "kinds"),
    [
        (TEN, (), {"discounts"}),
        (TEN, (POINTS,), {"discounts", "points"}),
        (NoEffect(), (POINTS, ENTRY), {"points", "contests"}),
        (NoEffect(), (Award(AwardType.GRANT, key="x"),), {"discounts"}),
        (NoEffect(), (Award(AwardType.CREDIT),), {"credit"}),
        (NoEffect(), (Award(AwardType.ACCESS, key="x"),), {"access"}),
    ],
)
def test_an_incentive_is_of_all_kinds_it_gives(effect: object, awards: tuple[Award, ...], kinds: set[str]) -> None:
    assert kinds_of(effect, awards) == {IncentiveKind(kind) for kind in kinds}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("candidate", "wishes", "is_chosen", "expected"),
    [
        (Candidate("a", TEN), Wishes(), True, False),
        (Candidate("a", TEN), OUT, False, False),  # a price that everybody gets
        (Candidate("a", TEN), OUT, True, True),
        (Candidate("a", TEN, standing=REGULARS), OUT, False, True),
        (Candidate("a", TEN, standing=REGULARS, code="X"), OUT, True, False),  # the customer brought it
        (Candidate("a", TEN, standing=REGULARS, grant="g"), OUT, True, False),
        (Candidate("a", TEN, standing=REGULARS), NO_WEB, False, True),
        (Candidate("a", TEN, standing=REGULARS), no(Topic("till")), False, False),
        (Candidate("a", NoEffect(), awards=(POINTS,)), NO_POINTS, False, True),
        (Candidate("a", NoEffect(), awards=(POINTS, ENTRY)), NO_POINTS, False, False),  # not all it gives is refused
        (Candidate("a", TEN, awards=(POINTS,)), NO_POINTS, False, False),
        (Candidate("a", NoEffect(), awards=(POINTS,)), OUT, False, False),  # refused altogether, not by its kind
    ],
)
def test_what_is_unwanted(candidate: Candidate, wishes: Wishes, is_chosen: bool, expected: bool) -> None:
    assert is_unwanted(candidate, wishes, "web", is_chosen_for_them=is_chosen) is expected

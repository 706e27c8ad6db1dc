"""What an incentive gives beside the price, computed on what is payable."""

import datetime
from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.awards import Award, Awarded, AwardType, Rounding, awarded, is_given_in, open_to
from campaigns.rules.effects import AmountOff, Compound, NoEffect, PercentOff, Tier, TierBy, Tiers
from campaigns.rules.expiry import RoundUp

TODAY = datetime.date(2026, 11, 21)
KNOWN: dict[str, object] = {
    "customer.factor": 3, "customer.half": 1.5, "customer.exact": Decimal("0.5"), "customer.yes": True, "customer.word": "3",
    "time.date": TODAY,
}  # fmt: skip


def given(type_: AwardType = AwardType.POINTS, payable: int = 12_345, currency: str = "USD", **fields: Any) -> int | None:
    found = awarded(Award(type_, **fields), payable, currency, KNOWN.get)
    return None if found is None else found.quantity


@pytest.mark.parametrize(
    ("payable", "rounding", "points"),
    [
        (350, Rounding.DOWN, 3), (350, Rounding.HALF_UP, 4), (350, Rounding.UP, 4),
        (349, Rounding.HALF_UP, 3), (301, Rounding.UP, 4), (300, Rounding.UP, 3), (399, Rounding.DOWN, 3),
    ],
)  # fmt: skip
def test_points_for_a_part_are_rounded_as_asked(payable: int, rounding: Rounding, points: int) -> None:
    assert given(payable=payable, per=100, points=1, rounding=rounding) == points


def test_points_are_for_every_so_much_or_for_the_order() -> None:
    assert given(payable=1_000, per=200, points=3) == 15
    assert given(payable=1_000, points=3) == 3
    assert given(payable=1_000, currency="EUR", per={"USD": 100, "EUR": 250}, points=1) == 4
    assert given(payable=99, per=100, points=1) is None


@pytest.mark.parametrize(
    ("fact", "points"),
    [
        ("customer.factor", 7),
        ("customer.half", 3),
        ("customer.exact", 1),
        ("customer.yes", 2),
        ("customer.word", 2),
        ("customer.none", 2),
    ],
)
def test_points_are_multiplied_by_a_number_before_they_are_rounded(fact: str, points: int) -> None:
    """2.50 earn 2.5 points: three times that is 7.5, one and a half times 3.75, and what is no number multiplies by one."""
    assert given(payable=250, per=100, points=1, multiplier_fact=fact) == points


def test_credit_is_a_share_or_an_amount() -> None:
    assert given(AwardType.CREDIT, payable=1_250, percent=Decimal(10)) == 125
    assert given(AwardType.CREDIT, payable=1_250, percent=Decimal(10), amount=700) == 125
    assert given(AwardType.CREDIT, payable=1_250, amount=700) == 700
    assert given(AwardType.CREDIT, amount={"USD": 700, "EUR": 600}, currency="EUR") == 600
    assert given(AwardType.CREDIT, amount={"EUR": 600}) is None
    assert given(AwardType.CREDIT, payable=4, percent=Decimal(10)) is None


def test_the_rest_is_given_by_its_key() -> None:
    found = awarded(Award(AwardType.CONTEST_ENTRY, key="summer", quantity=2), 0, "USD", KNOWN.get)
    assert found == Awarded(AwardType.CONTEST_ENTRY, 2, "summer")


def test_points_that_end_say_their_last_day() -> None:
    plain = awarded(Award(AwardType.POINTS, points=1, valid_months=3), 0, "USD", KNOWN.get)
    quarter = awarded(Award(AwardType.POINTS, points=1, valid_months=3, round_up_to_end_of=RoundUp.QUARTER), 0, "USD", KNOWN.get)
    assert plain == Awarded(AwardType.POINTS, 1, "", datetime.date(2027, 2, 21))
    assert quarter == Awarded(AwardType.POINTS, 1, "", datetime.date(2027, 3, 31))


def test_without_a_date_no_end_can_be_told() -> None:
    with pytest.raises(TypeError, match=r"time\.date"):
        awarded(Award(AwardType.POINTS, points=1, valid_months=3), 0, "USD", lambda _name: None)


@pytest.mark.parametrize("rounding", Rounding)
def test_points_beyond_every_measure_stay_within_the_largest_amount(rounding: Rounding) -> None:
    assert awarded(
        Award(AwardType.POINTS, per=1, points=10**9, rounding=rounding, multiplier_fact="x"), 10**16, "USD", lambda _name: 10**14
    ) == Awarded(AwardType.POINTS, 10**13)


# --- Currencies ------------------------------------------------------------------------------------------------------------

EURO, BOTH = {"EUR": 100}, {"EUR": 100, "USD": 120}


def test_an_award_is_given_where_all_its_amounts_are_known() -> None:
    assert is_given_in(Award(AwardType.POINTS, points=1), "USD")
    assert is_given_in(Award(AwardType.POINTS, per=100), "USD")
    assert is_given_in(Award(AwardType.POINTS, per=BOTH), "USD")
    assert not is_given_in(Award(AwardType.POINTS, per=EURO), "USD")
    assert not is_given_in(Award(AwardType.CREDIT, amount=EURO), "USD")


def test_a_promise_is_open_to_the_currencies_that_all_its_parts_know() -> None:
    euro, both = Award(AwardType.CREDIT, amount=EURO), Award(AwardType.POINTS, per=BOTH)
    assert open_to(NoEffect(), ()) is None
    assert open_to(PercentOff(Decimal(10)), (Award(AwardType.CREDIT, amount=5),)) is None
    assert open_to(AmountOff(5), (both,)) == {"EUR", "USD"}
    assert open_to(AmountOff(BOTH), ()) == {"EUR", "USD"}
    assert open_to(AmountOff(BOTH), (euro,)) == {"EUR"}
    assert open_to(NoEffect(), (euro, both)) == {"EUR"}
    tiers = Tiers(TierBy.SPEND, (Tier(0, AmountOff(5)), Tier(9, AmountOff(EURO))))
    assert open_to(tiers, (both,)) == {"EUR"}
    assert open_to(Compound((AmountOff(BOTH), PercentOff(Decimal(1), max_amount=EURO))), ()) == {"EUR"}

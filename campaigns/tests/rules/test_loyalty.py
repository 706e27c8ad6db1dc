"""Points as money, by worked examples and by what must hold for all."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.loyalty import faults_of_point_values, points_for, worth

VALUES = st.decimals(Decimal("0.000001"), Decimal(1_000), places=6)


@pytest.mark.parametrize(("points", "value", "expected"), [(100, "1", 100), (3, "0.5", 1), (1, "0.5", 0), (7, "2.25", 15)])
def test_points_are_never_worth_more_than_they_are(points: int, value: str, expected: int) -> None:
    assert worth(points, Decimal(value)) == expected


@pytest.mark.parametrize(("amount", "value", "expected"), [(100, "1", 100), (1, "0.5", 2), (3, "2", 2), (0, "1", 0)])
def test_the_fewest_points_for_an_amount(amount: int, value: str, expected: int) -> None:
    assert points_for(amount, Decimal(value)) == expected


@given(amount=st.integers(0, 10**9), value=VALUES)
def test_so_many_points_suffice_and_one_less_does_not(amount: int, value: Decimal) -> None:
    points = points_for(amount, value)
    assert points * value >= amount
    assert points == 0 or (points - 1) * value < amount


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({}, []),
        ({"USD": "0.5", "EUR": "1234567.123456"}, []),
        ([], [("", "not-a-mapping", "A value for each currency is expected.")]),
        ({"XX/~": "1"}, [("/XX~1~0", "unknown-currency", "An ISO 4217 code is expected.")]),
        *(
            ({"USD": value}, [("/USD", "not-a-value", "A decimal text above 0 such as 0.5, with at most six decimals.")])
            for value in ("0", "0.000000", "-1", "1.1234567", "12345678", "", 1, 0.5, None)
        ),
        (
            {"nope": "0", "USD": "1"},
            [
                ("/nope", "unknown-currency", "An ISO 4217 code is expected."),
                ("/nope", "not-a-value", "A decimal text above 0 such as 0.5, with at most six decimals."),
            ],
        ),
    ],
)
def test_what_points_may_be_worth(values: Any, faults: list[tuple[str, str, str]]) -> None:
    assert [(fault.pointer, fault.code, fault.detail) for fault in faults_of_point_values(values)] == faults

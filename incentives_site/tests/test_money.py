"""Amounts: read as people type them, spread without losing a cent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incentives_site.shared.money import LARGEST_AMOUNT, format_money, parse_money, spread


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12.50", "USD", 1250),
        ("12,50", "EUR", 1250),  # never twelve hundred and fifty
        ("12,5", "EUR", 1250),
        ("1,234", "USD", 123_400),
        ("1,234.50", "USD", 123_450),
        ("1,234,567", "USD", 123_456_700),
        (" 7 ", "JPY", 7),
        ("1,234", "JPY", 1234),
        ("1.234", "KWD", 1234),
        ("-5", "USD", -500),
        ("0", "USD", 0),
    ],
)
def test_an_amount_is_read_as_typed(typed: str, currency: str, minor: int) -> None:
    assert parse_money(typed, currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        *[(typed, "USD") for typed in ("12.345", "12,34,56", "1,234,50", "1.234,50", "", "1e3", "abc", "１２", "∞", "1 2")],
        *[("9" * length, "USD") for length in (18, 5000)],
        ("1.5", "JPY"),
        ("1,234", "KWD"),
    ],
)
def test_what_is_no_plain_amount_is_refused(typed: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_money(typed, currency)


@given(st.integers(-LARGEST_AMOUNT, LARGEST_AMOUNT), st.sampled_from(["USD", "JPY"]))
def test_what_is_shown_can_be_typed_again(amount: int, currency: str) -> None:
    assert parse_money(format_money(amount, currency).removesuffix(f" {currency}"), currency) == amount


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), max_size=20))
def test_parts_add_up_and_follow_their_weights(amount: int, weights: list[int]) -> None:
    parts = spread(amount, weights)
    total = sum(weights)
    assert sum(parts) == (amount if total else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * total - amount * weight) < max(total, 1)

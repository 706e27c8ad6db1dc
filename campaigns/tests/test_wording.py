"""What an incentive does, in words."""

from typing import Any

import pytest

from campaigns.wording import condition_in_words, effect_in_words

OF_THREE = {"pick": "cheapest", "group_size": 3, "per_group": 1, "max_groups": 2}
TWO_DEAREST = {"quantity": 2, "amount": 100, "pick": "dearest"}
COFFEE = {"scope": "lines", "include": {"categories": ["COFFEE"]}}
SHIPPING = {"type": "percent_off", "percent": "100", "target": {"scope": "shipping"}}
FIVE = {"type": "percent_off", "percent": "5"}


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ({**FIVE, "max_amount": 2000}, "5 % off the whole order, at most 20.00 EUR."),
        (
            {**FIVE, "target": {**COFFEE, "exclude": {"skus": ["X"]}, "undiscounted_only": True}},
            "5 % off what is in “COFFEE”, but not what is article “X”, as far as nothing else has lowered it.",
        ),
        (
            {**FIVE, "target": {"scope": "lines", "units": OF_THREE}},
            "5 % off every line (of every 3 pieces 1: the cheapest, at most 2 times).",
        ),
        (
            {**FIVE, "target": {"scope": "lines", "units": {"pick": "dearest", "max_per_order": 2}}},
            "5 % off every line (at most 2 on an order: the dearest).",
        ),
        (
            {**FIVE, "target": {"scope": "lines", "include": {"unit_price": {"from": 500, "to": 1000}}}},
            "5 % off what is priced 5.00 EUR to 10.00 EUR.",
        ),
        ({"type": "amount_off", "amount": {"EUR": 500, "USD": 550}}, "5.00 EUR / 5.50 USD off the whole order."),
        ({"type": "fixed_price", "amount": 990, "target": COFFEE}, "What is in “COFFEE” for 9.90 EUR each."),
        ({"type": "bundle_price", "amount": 1000, "size": 3}, "Any 3 pieces of any article for 10.00 EUR together."),
        (
            {"type": "buy_get", "buy": {"quantity": 2}, "get": {"percent": "100"}},
            "For every 2 pieces of any article, 1 more of any article (the cheapest) free.",
        ),
        (
            {"type": "buy_get", "buy": {"amount": 5000}, "get": TWO_DEAREST, "repeat": False},
            "For 50.00 EUR spent on any article, once, 2 more of any article (the dearest) at 1.00 EUR off each.",
        ),
        (
            {"type": "free_item", "sku": "MUG", "quantity": 2, "unit_price": 800, "name": "Mug"},
            "2 × Mug as a gift, worth 8.00 EUR each.",
        ),
        (
            {"type": "upgrade", "from": {"skus": ["A"]}, "to": {"sku": "B", "unit_price": 900}, "max_units": 2},
            "B instead of what is article “A”, at the lower of the two prices, for at most 2 pieces.",
        ),
        (
            {"type": "stored_value", "available": 1000, "max": 500},
            "Pays from a stored value of 1,000, each worth 1 of the smallest coin, at most 5.00 EUR.",
        ),
        (
            {"type": "tiers", "by": "quantity", "tiers": [{"from": 1, "effect": FIVE}, {"from": 6, "effect": SHIPPING}]},
            "The highest step reached: from 1 piece 5 % off the whole order; from 6 pieces 100 % off the shipping costs.",
        ),
        ({"type": "compound", "effects": [FIVE, SHIPPING]}, "5 % off the whole order, then 100 % off the shipping costs."),
        ({"type": "teleport"}, "It does something this page has no words for."),
    ],
)  # fmt: skip
def test_every_effect_is_said_in_a_sentence(effect: dict[str, Any], words: str) -> None:
    assert effect_in_words(effect, "EUR") == words


def test_conditions_name_days_and_amounts_as_people_do() -> None:
    conditions = {
        "all": [
            {"fact": "time.date", "op": ">=", "value": "2026-12-01"},
            {"fact": "basket.initial_total", "op": "between", "value": [1000, 5000]},
        ]
    }
    assert condition_in_words(conditions, "EUR") == [
        "The date is at least 1 Dec 2026.",
        "The basket before discounts is from 10.00 EUR to 50.00 EUR.",
    ]

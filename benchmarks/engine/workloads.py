"""What is computed: the same baskets and rules for both sides, as plain data in the language of ``docs/api.md``.

Standard library only: the measured processes of peers get this data as JSON and put it into their own words.
"""

from typing import Any

CURRENCY = "USD"
CHANNEL = "store"


def basket(lines: int) -> dict[str, Any]:
    """One to five units of different articles, none cheap enough for the discounts to reach zero."""
    return {
        "lines": [
            {
                "id": f"line-{n}",
                "sku": f"sku-{n}",
                "categories": [f"aisle-{n % 5}"],
                "quantity": 1 + n % 5,
                "unit_price": 20_000 + 137 * n,
            }
            for n in range(lines)
        ]
    }


def percents(count: int) -> list[dict[str, Any]]:
    """Percentages off every line, one after the other."""
    return [
        {"key": f"percent-{n}", "effect": {"type": "percent_off", "percent": "1", "target": {"scope": "lines"}}}
        for n in range(count)
    ]


def after_percents(amounts: list[int], count: int) -> list[int]:
    """The discount of each line after ``percents``, computed in the plainest way: half up on each line, on the running amount."""
    found = []
    for amount in amounts:
        left = amount
        for _ in range(count):
            left -= (left + 50) // 100
        found.append(amount - left)
    return found


def amounts(of: dict[str, Any]) -> list[int]:
    return [line["quantity"] * line["unit_price"] for line in of["lines"]]


# --- A mixture that another calculator knows as well -----------------------------------------------------------------

VIP = {"all": [{"fact": "customer.group", "op": "in", "value": ["vip"]}]}


def mixture(count: int) -> list[dict[str, Any]]:
    """Promotions of six kinds in equal parts, all of which apply: percentages of all lines, of one aisle and of the order, an
    amount off each unit, an amount spread over all lines and over the order. Every fourth asks for a group of customers.
    """
    kinds: list[dict[str, Any]] = [
        {"type": "percent_off", "percent": "1", "target": {"scope": "lines"}},
        {
            "type": "percent_off",
            "percent": "1.5",
            "target": {"scope": "lines", "include": {"categories": ["aisle-1", "aisle-2"]}},
        },
        {"type": "percent_off", "percent": "0.5", "target": {"scope": "order"}},
        {"type": "amount_off", "amount": 25, "allocation": "each_unit", "target": {"scope": "lines"}},
        {"type": "amount_off", "amount": 500, "allocation": "by_amount", "target": {"scope": "lines"}},
        {"type": "amount_off", "amount": 300, "allocation": "by_amount", "target": {"scope": "order"}},
    ]
    return [
        {"key": f"promotion-{n:03}", "effect": kinds[n % len(kinds)], **({"conditions": VIP} if n % 4 == 0 else {})}
        for n in range(count)
    ]


def simulation(lines: int, incentives: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "currency": CURRENCY,
        "channel": {"key": CHANNEL, "kind": "store"},
        "customer": {"facts": {"group": "vip"}},
        "basket": basket(lines),
        "incentives": incentives,
        "policy": {"order": "listed"},
    }


# --- Rules of which few match ----------------------------------------------------------------------------------------


def mostly_others(rules: int, matching: int, units: int) -> dict[str, Any]:
    """A basket of single units of different articles, and percentages that each want so many units of some articles.

    ``matching`` rules each find theirs. Of the others half ask for articles that are not there, half for more of those that are.
    """
    lines = [
        {"id": f"line-{n}", "sku": f"sku-{n}", "categories": [f"article-{n}"], "quantity": 1, "unit_price": 1_995 + 10 * n}
        for n in range(units)
    ]
    incentives = []
    for n in range(rules):
        nth_match = n // (rules // matching) if n % (rules // matching) == 0 else None
        if nth_match is not None:
            wanted, least = f"article-{nth_match}", 1
        elif n % 2:
            wanted, least = f"article-{units + n}", 2
        else:
            wanted, least = f"article-{n % units}", 2
        incentives.append(
            {
                "key": f"rule-{n:03}",
                "conditions": {"all": [{"fact": f"basket.category_quantity:{wanted}", "op": ">=", "value": least}]},
                "effect": {
                    "type": "percent_off",
                    "percent": "10",
                    "target": {"scope": "lines", "include": {"categories": [wanted]}},
                },
            }
        )
    return simulation(1, incentives) | {"basket": {"lines": lines}}

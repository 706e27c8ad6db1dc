"""Simulations that ask for as much work as the language allows, made from a number: the same number makes the same one.

Used by ``make bench-refusals``, which times the answers, and by the tests, which count the steps.
"""

import random
from typing import Any

Document = dict[str, Any]
CURRENCY = "USD"
CATEGORIES = [f"c{n}" for n in range(8)]


def simulation(number: int) -> Document:
    """A hostile simulation, at most 2 MiB as JSON and valid throughout."""
    chance = random.Random(number)
    lines = chance.choice([1, 3, 10, 50, 200, 200, 1_000])
    quantity = chance.choice([1, 7, 100, 100, 10_000, 1_000_000])
    count = chance.choice([3, 8, 8, 30, 30, 100, 300])
    groups = [_group(chance, f"g{n}") for n in range(chance.randrange(4))]
    return {
        "currency": CURRENCY,
        "channel": {"key": "web", "kind": "web"},
        "customer": {"facts": {"name": "a" * 200, "tags": [f"t{n}" for n in range(200)], "spent": 10_000}},
        "basket": {
            "lines": [_line(chance, n, quantity) for n in range(lines)],
            "shipping": [{"method": f"m{n}", "amount": 900} for n in range(chance.choice([0, 2, 20]))],
        },
        "groups": groups,
        "incentives": [_incentive(chance, n, count, [group["key"] for group in groups]) for n in range(count)],
        "policy": _policy(chance),
    }


def _line(chance: random.Random, number: int, quantity: int) -> Document:
    line: Document = {
        "id": f"l{number}",
        "sku": f"s{number}",
        "categories": chance.sample(CATEGORIES, chance.randrange(4)),
        "quantity": max(1, quantity - number % 3),
        "unit_price": 1_000 + chance.randrange(5_000),
    }
    if number % 10 == 0:
        line["minimum_unit_price"] = 900
    if chance.random() < 0.1:
        line["attributes"] = {f"k{n}": "v" for n in range(10)}
    return line


def _group(chance: random.Random, key: str) -> Document:
    return {
        "key": key,
        "eligibility": chance.choice(["common", "common", "exclusive", "always"]),
        "pick": chance.choice(["all", "first", "best_for_customer", "best_for_customer", "least_cost"]),
        "scope": chance.choice(["basket", "line", "line"]),
        "rank": chance.randrange(300),
    }


def _policy(chance: random.Random) -> Document:
    policy: Document = {"choose": chance.choice(["in_order", "in_order", "best_for_customer", "least_cost"])}
    if chance.random() < 0.3:
        policy["max_total_percent"] = "90"
    if chance.random() < 0.5:
        policy |= {"max_incentives": 100, "max_exclusive": 100}
    if chance.random() < 0.3:
        policy["base"] = "original"
    return policy


def _incentive(chance: random.Random, number: int, count: int, groups: list[str]) -> Document:
    made: Document = {"key": f"i{number}", "effect": _effect(chance, 0, wide=count <= 8)}
    if groups and chance.random() < 0.8:
        made["group"] = chance.choice(groups)
    if chance.random() < 0.4:
        made["conditions"] = _conditions(chance, leaves=chance.choice([1, 5, 40]) if count <= 100 else 5)
    if chance.random() < 0.3:
        measure = chance.choice(["units", "discount", "points", "uses"])
        made["limits"] = [
            {"measure": measure, "left": chance.choice([1, 50, 10**6]), "on_short": chance.choice(["clip", "refuse"])}
        ]
    if chance.random() < 0.3:
        made["awards"] = [{"type": "points", "per": 1, "points": 1}]
    return made


def _target(chance: random.Random) -> Document:
    target: Document = {"scope": chance.choice(["order", "lines", "lines"])}
    if chance.random() < 0.5:
        target["include"] = chance.choice(
            [
                {"categories": chance.sample(CATEGORIES, 4)},
                {"skus": [f"s{n}" for n in range(chance.choice([5, 300]))]},
                {"unit_price": {"from": 0, "to": 10**9}},
                {"attributes": {f"k{n}": ["v"] for n in range(10)}},
            ]
        )
    if chance.random() < 0.3:
        target["exclude"] = {"skus": ["s0"], "unit_price": {"to": 10**9}}
    if chance.random() < 0.4:
        target["units"] = chance.choice(
            [
                {"pick": "cheapest", "group_size": 3, "per_group": 1},
                {"pick": "dearest", "every": 2},
                {"pick": "first", "skip": 1, "max_per_line": 50},
            ]
        )
    if chance.random() < 0.2:
        target["undiscounted_only"] = True
    return target


def _effect(chance: random.Random, depth: int, *, wide: bool) -> Document:
    kinds = ["percent_off", "amount_off", "fixed_price", "bundle_price", "buy_get", "buy_get", "buy_get", "upgrade"]
    kind = chance.choice([*kinds, "compound", "tiers"] if depth < 2 else kinds)
    pick = chance.choice(["cheapest", "dearest", "first"])
    match kind:
        case "percent_off":
            return {"type": kind, "percent": chance.choice(["0.01", "1", "7.77", "50"]), "target": _target(chance)}
        case "amount_off":
            allocation = chance.choice(["by_amount", "by_quantity", "each_line", "each_unit"])
            return {"type": kind, "amount": chance.choice([1, 99, 5_000]), "allocation": allocation, "target": _target(chance)}
        case "fixed_price":
            return {"type": kind, "amount": chance.choice([1, 900, 3_000]), "target": _target(chance)}
        case "bundle_price":
            return {"type": kind, "amount": chance.choice([1, 1_000]), "size": chance.choice([1, 2, 3, 999])}
        case "buy_get":
            buy = (
                {"quantity": chance.choice([1, 2, 1_000])}
                if chance.random() < 0.6
                else {"amount": chance.choice([1, 5_000, 10**9])}
            )
            got = {"percent": chance.choice(["10", "33.33", "100"])} if chance.random() < 0.7 else {"amount": 77}
            return {"type": kind, "buy": buy, "get": {"quantity": chance.choice([1, 2, 1_000]), "pick": pick, **got}}
        case "upgrade":
            return {"type": kind, "from": {"categories": CATEGORIES}, "to": {"sku": "better", "unit_price": 1_200}}
        case "tiers":
            parts = [{"from": n * 10, "effect": _effect(chance, depth + 1, wide=wide)} for n in range(20 if wide else 3)]
            return {"type": kind, "by": chance.choice(["spend", "quantity"]), "tiers": parts}
    return {"type": "compound", "effects": [_effect(chance, depth + 1, wide=wide) for _n in range(20 if wide else 2)]}


def _conditions(chance: random.Random, leaves: int, depth: int = 0) -> Document:
    if depth < 6 and leaves > 1 and chance.random() < 0.7:
        half = leaves // 2
        inside = [_conditions(chance, half, depth + 1), _conditions(chance, leaves - half, depth + 1)]
        return {chance.choice(["all", "any", "none"]): inside}
    return {chance.choice(["all", "any", "none"]): [_leaf(chance) for _n in range(leaves)]}


def _leaf(chance: random.Random) -> Document:
    return chance.choice(
        [
            {"fact": "basket.running_total", "op": ">=", "value": chance.randrange(10**6)},
            {"fact": "basket.total_after", "op": ">", "value": 0},
            {"fact": "basket.skus", "op": "has", "value": f"s{chance.randrange(2_000)}"},
            {"fact": "basket.skus", "op": "has_all", "value": [f"s{n}" for n in range(50)]},
            {"fact": "basket.category_total:c1", "op": ">", "value": 5},
            {"fact": "customer.tags", "op": "has", "value": "nothing"},
            {"fact": "customer.name", "op": "matches", "value": f"(a|aa{{1,50}}){{1,9}}b{chance.randrange(100)}"},
            {"fact": "customer.spent", "op": "in", "value": list(range(50))},
            {"fact": "time.hour", "op": "<", "value": 25},
        ]
    )

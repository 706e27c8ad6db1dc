"""Numeric cases from other engines' tests and documents, said in our language: the body of ``POST simulations``."""

from decimal import Decimal
from typing import Any

Case = dict[str, Any]
ALLOCATIONS = {
    "across_by_amount": "by_amount",
    "across_by_qty": "by_quantity",
    "each_line": "each_line",
    "each_unit": "each_unit",
}
FACTS = {
    "items_total": "basket.items_total",
    "initial_total": "basket.initial_total",
    "running_total": "basket.running_total",
    "running_items_total": "basket.running_items_total",
    "items_quantity": "basket.quantity",
    "max_line_quantity": "basket.max_line_quantity",
    "basket.category": "basket.categories",
    "basket.sku": "basket.skus",
}
MONEY = {"items_total", "initial_total", "running_total", "running_items_total"}
STAGES = {"catalogue": 0, "items": 0, "order": 1}


def minor(amount: str | None) -> int:
    """Major units with two decimals as minor units; a price the source does not give is any that leaves room."""
    return 10_000 if amount is None else int(Decimal(amount) * 100)


def simulation(case: Case) -> dict[str, Any]:
    """The request that asks our engine the case's question."""
    basket = case["basket"] or []
    customer = dict(case.get("customer") or {})
    if "completed_orders" in customer:
        customer["order_number"] = customer["completed_orders"] + 1
    if "orders_with_code" in customer:
        customer["uses"] = customer["orders_with_code"] - customer.get("of_which_cancelled", 0)
    policy = case["policy"]
    incentives = list(enumerate(case["incentives"]))
    if policy.get("order") in {"catalogue_then_order", "items_then_order"}:
        incentives.sort(key=lambda entry: (STAGES.get(entry[1].get("stage", ""), 1), entry[0]))
    return {
        "currency": case["currency"],
        "customer": {"facts": customer},
        "basket": {
            "lines": [_line(line, n) for n, line in enumerate(basket)],
            "shipping": [{"method": s["method"], "amount": minor(s["amount"])} for s in case.get("shipping") or []],
        },
        "groups": [{"key": "alone", "eligibility": "exclusive", "rank": 50, "limit": 1}],
        "incentives": [_incentive(incentive, policy) for _n, incentive in incentives],
        "policy": {
            "order": "ranked" if policy.get("order") == "priority_desc" else "listed",
            "base": policy.get("base", "running"),
        },
    }


def points_simulation(case: Case) -> dict[str, Any]:
    """A point earned on the case's day, valid as the case says."""
    policy = case["policy"]
    award = {"type": "points", "points": 1, "valid_months": policy["valid_months"]}
    if policy.get("round_up_to_end_of"):
        award["round_up_to_end_of"] = policy["round_up_to_end_of"]
    return {
        "currency": case["currency"],
        "at": f"{policy['earned_on']}T12:00:00Z",
        "basket": {"lines": [{"id": "1", "sku": "any", "quantity": 1, "unit_price": 100}]},
        "incentives": [{"key": "points", "awards": [award]}],
    }


def sequence_simulation(case: Case, units_bought: int, units_left: int) -> dict[str, Any]:
    """One customer of a sequence buys so many units while the campaign has so many left to lower."""
    [incentive] = case["incentives"]
    effect = _effect({"applies_to": None, **incentive}, None, uses_once=False)
    limit = {"measure": "units", "left": units_left, "on_short": "clip"}
    return {
        "currency": case["currency"],
        "basket": {"lines": [{"id": "1", "sku": "any", "quantity": units_bought, "unit_price": 1000}]},
        "incentives": [{"key": incentive["ref"], "effect": effect, "limits": [limit]}],
    }


def _line(line: Case, n: int) -> dict[str, Any]:
    return {
        "id": f"{line['sku']}#{n}",
        "sku": line["sku"],
        "categories": [line["category"]] if line.get("category") else [],
        "quantity": line["qty"],
        "unit_price": minor(line["unit_price"]),
        **({"minimum_unit_price": minor(line["min_price"])} if "min_price" in line else {}),
    }


def _incentive(incentive: Case, policy: Case) -> dict[str, Any]:
    conditions, unit_price = _conditions(incentive)
    uses_once = policy.get("selection") == "each_unit_used_by_at_most_one_rule"
    body: dict[str, Any] = {
        "key": incentive["ref"],
        "priority": incentive.get("priority", 0),
        "effect": _effect(incentive, unit_price, uses_once=uses_once),
    }
    if per_customer := incentive.get("limits", {}).get("per_customer"):
        conditions.append({"fact": "customer.uses", "op": "<", "value": per_customer})
    if conditions:
        body["conditions"] = {"all": conditions}
    if incentive.get("exclusive"):
        body["group"] = "alone"
    return body


def _conditions(incentive: Case) -> tuple[list[Case], Case | None]:
    """Our conditions, and the restriction on the unit price that belongs into the target's filter."""
    found: list[Case] = []
    unit_price: Case | None = None
    for condition in incentive.get("conditions") or []:
        fact, op, value = condition["fact"], condition["op"], condition["value"]
        if fact == "unit_price":
            bounds = value if op == "between" else [value, None]
            unit_price = {name: minor(bound) for name, bound in zip(("from", "to"), bounds, strict=True) if bound is not None}
        elif fact == "group_count":
            categories = (incentive.get("applies_to") or {}).get("category")
            name = f"basket.category_quantity:{categories[0]}" if categories else "basket.quantity"
            found.append({"fact": name, "op": op, "value": int(value)})
        elif fact.startswith("category_total:"):
            found.append({"fact": f"basket.{fact}", "op": op, "value": minor(value)})
        elif fact.startswith("category_count:"):
            found.append({"fact": fact.replace("category_count:", "basket.category_quantity:"), "op": op, "value": int(value)})
        elif fact.startswith("customer."):
            found.append(condition)
        else:
            plain = value if isinstance(value, list) or op == "has" else minor(value) if fact in MONEY else int(value)
            found.append({"fact": FACTS[fact], "op": op, "value": plain})
    return found, unit_price


def _filter(applies_to: Case | None, unit_price: Case | None = None) -> Case:
    names = {"category": "categories", "sku": "skus", "shipping_method": "methods"}
    found: Case = {names[name]: values for name, values in (applies_to or {}).items()}
    return {**found, "unit_price": unit_price} if unit_price else found


def _target(incentive: Case, unit_price: Case | None, *, uses_once: bool) -> Case:
    scope = {"items": "lines", "cheapest_unit": "lines", "shipping": "shipping"}.get(incentive["target"], "order")
    units: Case = {}
    if incentive["target"] == "cheapest_unit":
        units = {"pick": "cheapest", "max_per_order": 1}
    if "max_units" in incentive:
        units["max_per_order"] = incentive["max_units"]
    if "max_units_per_line" in incentive:
        units["max_per_line"] = incentive["max_units_per_line"]
    if "max_units_per_group" in incentive or incentive.get("only_full_groups"):
        units["group_size"] = incentive["group_size"]
        units["per_group"] = incentive.get("max_units_per_group", incentive["group_size"])
    if "pick" in incentive:
        units["pick"] = incentive["pick"].removesuffix("_first")
    target: Case = {"scope": scope}
    if include := _filter(incentive.get("applies_to"), unit_price):
        target["include"] = include
    if units:
        target["units"] = units
    if uses_once:
        target["undiscounted_only"] = True
    return target


def _effect(incentive: Case, unit_price: Case | None, *, uses_once: bool) -> Case:
    kind, value = incentive["type"], incentive.get("value")
    if triggers := _other_trigger(incentive):
        return {
            "type": "buy_get",
            "buy": {"filter": {"categories": [triggers]}, "quantity": incentive["group_size"]},
            "get": {"filter": _filter(incentive["applies_to"]), "quantity": incentive["max_units_per_group"], "percent": value},
            "repeat": True,
        }
    target = _target(incentive, unit_price, uses_once=uses_once)
    match kind:
        case "percent_off" | "shipping_percent_off":
            cap = {"max_amount": minor(incentive["max_discount"])} if "max_discount" in incentive else {}
            return {"type": "percent_off", "percent": value or "10", "target": target, **cap}
        case "amount_off" | "shipping_amount_off":
            effect: Case = {"type": "amount_off", "amount": minor(value), "target": target}
            effect["allocation"] = ALLOCATIONS[incentive.get("allocation", "across_by_amount")]
            if bundle := incentive.get("bundle"):
                effect["per_set"] = [{"filter": {"skus": [sku]}, "quantity": n} for sku, n in bundle["requires"].items()]
            return effect
        case "new_unit_price" | "order_new_price":
            return {"type": "fixed_price", "amount": minor(value), "target": target}
        case "gift_credit":
            return {"type": "stored_value", "available": minor(value)}
        case "bundle_price":
            size, repeat = incentive["bundle_size"], incentive.get("repeat", True)
            return {"type": "bundle_price", "amount": minor(value), "size": size, "repeat": repeat, "target": target}
        case "cheapest_free":
            target["units"] = {"pick": "cheapest", "max_per_order": 1}
            return {"type": "percent_off", "percent": "100", "target": {**target, "scope": "lines"}}
        case "buy_x_get_y":
            buy, get = incentive["buy"], incentive["get"]
            return {
                "type": "buy_get",
                "buy": {"filter": _filter({k: v for k, v in buy.items() if k != "min_qty"}), "quantity": buy["min_qty"]},
                "get": {
                    "filter": _filter({k: v for k, v in get.items() if k not in {"qty", "pick"}}),
                    "quantity": get["qty"],
                    "percent": value,
                    "pick": get.get("pick", "cheapest_first").removesuffix("_first"),
                },
                "repeat": incentive.get("repeat", True),
            }
        case "tiered_percent_off" | "tiered_amount_off":
            by_quantity = "quantity" in incentive["tier_by"]
            part = "percent_off" if kind == "tiered_percent_off" else "amount_off"
            name, read = ("percent", str) if part == "percent_off" else ("amount", minor)
            tiers = [
                {
                    "from": int(start) if by_quantity else minor(str(start)),
                    "effect": {"type": part, name: read(given), "target": target},
                }
                for start, given in incentive["tiers"]
            ]
            whole = {} if incentive["tier_by"].startswith("order") else {"target": target}
            return {"type": "tiers", "by": "quantity" if by_quantity else "spend", "tiers": tiers, **whole}
        case "compound":
            return {"type": "compound", "effects": [_part(part) for part in incentive["parts"]]}
    raise AssertionError(f"no adapter for {kind}")


def _part(part: Case) -> Case:
    _conditions_of_part, unit_price = _conditions(part)
    return _effect(part, unit_price, uses_once=False)


def _other_trigger(incentive: Case) -> str | None:
    """The category that has to be bought, where it is another one than what is lowered, for so many units a group."""
    mine = (incentive.get("applies_to") or {}).get("category", [])
    for condition in incentive.get("conditions") or []:
        kind, _colon, category = condition["fact"].partition(":")
        if kind == "category_count" and "max_units_per_group" in incentive and category not in mine:
            return category
    return None

"""What is refused when it is saved (``docs/stacking.md``): each row of its table, and beside it what is allowed."""

from typing import Any

import pytest

from campaigns import operations
from campaigns.models import Campaign, Incentive, StackGroup
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from incentives_site.shared.problems import Invalid

pytestmark = pytest.mark.django_db

TEN = {"type": "percent_off", "percent": "10"}
POINTS = {"type": "points", "points": 5}
USD, BOTH = {"USD": 500}, {"USD": 500, "EUR": 450}


def add(**terms: Any) -> Incentive:
    campaign = terms.pop("campaign", None) or CampaignFactory(channels=[], currency="EUR")
    return operations.add_incentive(campaign=campaign, by="test", key="new", **{"name": "New", **terms})


def refusal(**terms: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as problem:
        add(**terms)
    assert not Incentive.objects.filter(key="new").exists()
    for error in problem.value.errors:
        assert str(error.detail).endswith("."), error
    return {error.pointer: error.code for error in problem.value.errors}


def leaf(fact: str, op: str, value: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, "value": value}


def off(**more: Any) -> dict[str, Any]:
    return {**TEN, **more}


def target(**more: Any) -> dict[str, Any]:
    return off(target={"scope": "lines", **more})


def tiers(*effects: Any, by: str = "quantity", **more: Any) -> dict[str, Any]:
    return {"type": "tiers", "by": by, "tiers": [{"from": i, "effect": effect} for i, effect in enumerate(effects)], **more}


def amount(money: Any, **more: Any) -> dict[str, Any]:
    return {"type": "amount_off", "amount": money, **more}


@pytest.mark.parametrize(
    ("effect", "pointer", "code"),
    [
        ({}, "/effect/type", "unknown-effect"),
        ({"type": "recorded"}, "/effect/type", "unknown-effect"),
        (off(percent="0"), "/effect/percent", "out-of-range"),
        (off(percent="0.0000"), "/effect/percent", "out-of-range"),
        (off(percent="1e1"), "/effect/percent", "bad-percentage"),
        (off(percent="100.1"), "/effect/percent", "bad-percentage"),
        (amount(0), "/effect/amount", "out-of-range"),
        (amount({"EUR": 0}), "/effect/amount", "out-of-range"),
        ({"type": "compound", "effects": [TEN, amount(0)]}, "/effect/effects/1/amount", "out-of-range"),
        (tiers(TEN, off(percent="0")), "/effect/tiers/1/effect/percent", "out-of-range"),
        (
            {"type": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1, "percent": "0"}},
            "/effect/get/percent",
            "out-of-range",
        ),
        ({"type": "buy_get", "buy": {"quantity": 1}, "get": {"quantity": 1, "amount": 0}}, "/effect/get/amount", "out-of-range"),
        (off(max_amount=0), "/effect/max_amount", "out-of-range"),
        (off(max_per_line=0), "/effect/max_per_line", "out-of-range"),
        ({"type": "stored_value", "available": 0}, "/effect/available", "out-of-range"),
        ({"type": "stored_value", "available": 5, "rate": "0"}, "/effect/rate", "out-of-range"),
        ({"type": "stored_value", "available": 5, "max": 0}, "/effect/max", "out-of-range"),
        ({"type": "compound", "effects": []}, "/effect/effects", "empty-list"),
        ({"type": "tiers", "tiers": []}, "/effect/tiers", "empty-list"),
        ({"type": "bundle_price", "amount": 500, "size": 0}, "/effect/size", "out-of-range"),
        (tiers(TEN, off(percent="20"), off(percent="20")), "/effect/tiers/2/effect", "never-differs"),
        (
            {
                "type": "fixed_price",
                "amount": 500,
                "target": {"scope": "lines", "include": {"unit_price": {"from": 100, "to": 500}}},
            },
            "/effect/amount",
            "never-lowers",
        ),
        (
            {
                "type": "bundle_price",
                "amount": 900,
                "size": 3,
                "target": {"scope": "lines", "include": {"unit_price": {"to": 300}}},
            },
            "/effect/amount",
            "never-lowers",
        ),
        (off(target={"scope": "shipping", "include": {"categories": ["tea"]}}), "/effect/target/include", "never-matches"),
        (target(include={"methods": ["express"]}), "/effect/target/include/methods", "never-matches"),
        (target(exclude={}), "/effect/target/exclude", "never-matches"),
        (target(include={"skus": ["a"]}, exclude={"skus": ["a"]}), "/effect/target/exclude", "never-matches"),
        ({"type": "upgrade", "from": {}, "to": {"sku": "a", "unit_price": 5}}, "/effect/from", "empty-filter"),
    ],
)
def test_an_effect_that_gives_nothing_or_means_nothing_is_refused(effect: Any, pointer: str, code: str) -> None:
    assert refusal(effect=effect) == {pointer: code}


@pytest.mark.parametrize(
    "effect",
    [
        {"type": "fixed_price", "amount": 0, "target": {"scope": "lines", "include": {"unit_price": {"to": 500}}}},
        {"type": "fixed_price", "amount": 499, "target": {"scope": "lines", "include": {"unit_price": {"to": 500}}}},
        tiers(TEN, off(percent="20"), TEN),
        target(include={"categories": ["a"]}, exclude={"skus": ["a"]}),
        {"type": "compound", "effects": [TEN, TEN]},
        off(percent="100"),
    ],
)
def test_what_is_close_to_it_is_saved(effect: Any) -> None:
    assert add(effect=effect).effect == effect


TIER = "customer.tier"
TOTAL = "basket.initial_total"


@pytest.mark.parametrize(
    ("conditions", "pointer", "code"),
    [
        (leaf(TOTAL, "between", [500, 400]), "/conditions/value", "empty-range"),
        (leaf("time.date", "between", ["2026-02-01", "2026-01-01"]), "/conditions/value", "empty-range"),
        ({"any": [leaf(TIER, "==", "a"), leaf(TOTAL, "between", [5, 4])]}, "/conditions/any/1/value", "empty-range"),
        ({"all": [leaf(TOTAL, ">=", 5000), leaf(TOTAL, "<", 5000)]}, "/conditions/all/1", "contradiction"),
        ({"all": [leaf(TOTAL, "==", 1), {"all": [leaf(TOTAL, ">", 1)]}]}, "/conditions/all/1/all/0", "contradiction"),
        ({"all": [leaf(TIER, "==", "gold"), leaf(TIER, "==", "silver")]}, "/conditions/all/1", "contradiction"),
        ({"all": [leaf(TIER, "in", ["a", "b"]), leaf(TIER, "in", ["c"])]}, "/conditions/all/1", "contradiction"),
        ({"all": [leaf(TIER, "==", "gold"), leaf(TIER, "exists", False)]}, "/conditions/all/1", "contradiction"),
        ({"any": []}, "/conditions/any", "empty-list"),
        (leaf("time.weekday", "==", 8), "/conditions/value", "out-of-range"),
        (leaf("time.hour", "in", [9, 24]), "/conditions/value", "out-of-range"),
        (leaf("time.date", ">=", "2026-02-30"), "/conditions/value", "bad-date"),
    ],
)
def test_conditions_that_can_never_hold_are_refused(conditions: Any, pointer: str, code: str) -> None:
    assert refusal(effect=TEN, conditions=conditions) == {pointer: code}


@pytest.mark.parametrize(
    "conditions",
    [
        {"all": [leaf(TOTAL, ">=", 5000), leaf(TOTAL, "<=", 5000)]},
        {"any": [leaf(TOTAL, ">=", 5000), leaf(TOTAL, "<", 5000)]},
        {"all": [leaf(TIER, "in", ["a", "b"]), leaf(TIER, "==", "b"), leaf(TIER, "!=", "a")]},
        {"all": [leaf("customer.born_on", ">=", "2000-01-01"), leaf("customer.born_on", "<", "2001-01-01")]},
        {"all": [leaf("basket.skus", "has", "a"), leaf("basket.skus", "has", "b")]},
        {"all": []},
        {"none": []},
    ],
)
def test_conditions_that_can_hold_are_saved(conditions: Any) -> None:
    assert add(effect=TEN, conditions=conditions).conditions == conditions


def test_an_audience_that_can_never_hold_is_refused() -> None:
    campaign = CampaignFactory(channels=[])
    audience = {"all": [leaf("customer.orders", "between", [5, 2])]}
    with pytest.raises(Invalid) as problem:
        operations.revise(campaign=campaign, by="test", fields={"audience": audience})
    assert [(error.pointer, error.code) for error in problem.value.errors] == [("/audience/all/0/value", "empty-range")]


def test_a_condition_on_the_basket_after_needs_a_discount() -> None:
    after = leaf("basket.total_after", ">=", 500)
    assert refusal(awards=[POINTS], conditions=after) == {"/conditions/fact": "no-discount"}
    assert add(effect=TEN, awards=[POINTS], conditions=after).pk


@pytest.mark.parametrize(
    ("terms", "pointer", "code"),
    [
        ({"effect": amount(USD)}, "/effect/amount", "own-currency-missing"),
        ({"effect": amount(BOTH, max_amount=500)}, "/effect/max_amount", "one-currency"),
        ({"effect": amount(BOTH, max_amount={"EUR": 5})}, "/effect/max_amount", "one-currency"),
        (
            {"effect": amount(BOTH), "awards": [{"type": "points", "points": 1, "per": 100}]},
            "/awards/0/per",
            "one-currency",
        ),
        ({"effect": amount(BOTH), "conditions": leaf(TOTAL, ">=", 500)}, "/conditions/value", "one-currency"),
        ({"effect": tiers(TEN, amount(BOTH), by="spend")}, "/effect/tiers/1/from", "one-currency"),
        (
            {"effect": amount(BOTH, target={"scope": "lines", "include": {"unit_price": {"to": 5}}})},
            "/effect/target/include/unit_price",
            "one-currency",
        ),
        ({"effect": {"type": "stored_value", "available": 5, "max": BOTH}}, "/effect/available", "one-currency"),
        ({"awards": [{"type": "credit", "amount": USD}]}, "/awards/0/amount", "own-currency-missing"),
    ],
)
def test_amounts_by_currency_are_all_by_the_same_currencies(terms: Any, pointer: str, code: str) -> None:
    assert refusal(**terms) == {pointer: code}


def test_a_budget_counts_one_currency() -> None:
    campaign = operations.draft(by="test", fields={"name": "C", "goal": "sales", "currency": "EUR"}, budget=500)
    assert refusal(campaign=campaign, effect=amount(BOTH)) == {"/effect": "budget-of-one-currency"}
    operations.revise(campaign=campaign, by="test", fields={}, budget=None)
    assert add(campaign=campaign, effect=amount(BOTH)).pk
    with pytest.raises(Invalid) as problem:
        operations.revise(campaign=campaign, by="test", fields={}, budget=500)
    assert [(error.pointer, error.code) for error in problem.value.errors] == [("/budget", "budget-of-one-currency")]


@pytest.mark.parametrize(
    ("terms", "pointer", "code"),
    [
        ({"effect": {"type": "stored_value", "available": 5}, "total_units": 5}, "/total_units", "counts-nothing"),
        ({"awards": [POINTS], "units_per_customer": 5}, "/units_per_customer", "counts-nothing"),
        ({"effect": off(target={"scope": "shipping"}), "total_units": 5}, "/total_units", "counts-nothing"),
        ({"effect": TEN, "when_short": "clip"}, "/when_short", "nothing-to-clip"),
        ({"effect": TEN, "when_short": "beg", "total_units": 5}, "/when_short", "unknown-value"),
        ({"effect": TEN, "total_units": 0}, "/total_units", "out-of-range"),
        ({"effect": TEN, "units_per_customer": 10**14}, "/units_per_customer", "out-of-range"),
        ({"effect": TEN, "total_units": True}, "/total_units", "out-of-range"),
        ({"awards": [POINTS], "total_discount": 5}, "/total_discount", "counts-nothing"),
        (
            {"effect": {"type": "stored_value", "available": 5}, "discount_per_customer": 5},
            "/discount_per_customer",
            "counts-nothing",
        ),
        ({"effect": TEN, "total_points": 5}, "/total_points", "counts-nothing"),
        ({"effect": TEN, "points_per_customer": 5}, "/points_per_customer", "counts-nothing"),
        ({"effect": TEN, "total_order_value": 5, "when_short": "clip"}, "/when_short", "nothing-to-clip"),
        ({"effect": TEN, "total_order_value": 0}, "/total_order_value", "out-of-range"),
        ({"effect": amount(BOTH), "order_value_per_customer": 5}, "/order_value_per_customer", "limit-of-one-currency"),
        ({"effect": amount(BOTH), "total_discount": 5}, "/total_discount", "limit-of-one-currency"),
    ],
)
def test_limits_that_count_nothing_are_refused(terms: Any, pointer: str, code: str) -> None:
    assert refusal(**terms) == {pointer: code}


def test_limits_of_units_are_saved_with_what_happens_when_they_run_short() -> None:
    row = add(effect=TEN, total_units=10, units_per_customer=2, total_uses=4, when_short="clip")
    saved = {(limit.measure, limit.per): (limit.maximum, limit.on_short) for limit in row.limits.all()}
    assert saved == {("units", "total"): (10, "clip"), ("units", "customer"): (2, "clip"), ("uses", "total"): (4, "refuse")}
    operations.revise_incentive(incentive=row, by="test", total_units=None, when_short="refuse")
    assert {(limit.measure, limit.per): limit.on_short for limit in row.limits.all()} == {
        ("units", "customer"): "refuse",
        ("uses", "total"): "refuse",
    }


def test_limits_of_discount_order_value_and_points_are_saved() -> None:
    row = add(
        effect=TEN, awards=[POINTS], total_discount=10, order_value_per_customer=2, total_points=16_000_000, when_short="clip"
    )
    saved = {(limit.measure, limit.per): (limit.maximum, limit.on_short, limit.slots) for limit in row.limits.all()}
    assert saved == {
        ("discount", "total"): (10, "clip", 1),
        ("order_value", "customer"): (2, "refuse", 1),
        ("points", "total"): (16_000_000, "clip", 16),
    }
    assert operations.terms_of(row)["order_value_per_customer"] == 2


def test_a_budget_says_what_happens_when_it_runs_short() -> None:
    campaign = operations.draft(by="test", fields={"name": "C", "goal": "sales"}, budget=500, when_short="clip")
    assert campaign.limits.get().on_short == "clip"
    operations.revise(campaign=campaign, by="test", fields={}, budget=600)
    assert (campaign.limits.get().maximum, campaign.limits.get().on_short) == (600, "clip")
    operations.revise(campaign=campaign, by="test", fields={}, when_short="refuse")
    assert campaign.limits.get().on_short == "refuse"
    with pytest.raises(Invalid) as problem:
        operations.revise(campaign=campaign, by="test", fields={}, when_short="beg")
    assert problem.value.errors[0].pointer == "/when_short"


def group(**terms: Any) -> StackGroup:
    return operations.define_group(by="test", key="special", **{"name": "Special", **terms})


BY_LINE = {"pick": "best_for_customer", "scope": "line"}


@pytest.mark.parametrize(
    ("terms", "put", "code", "blamed"),
    [
        ({"pick": "best_for_customer"}, {"awards": [POINTS]}, "no-discount", "/pick"),
        ({"pick": "least_cost"}, {"awards": [POINTS]}, "no-discount", "/pick"),
        ({"consume_without_effect": True}, {"awards": [POINTS]}, "never-has-effect", "/consume_without_effect"),
        (BY_LINE, {"effect": TEN}, "not-by-line", "/scope"),
        (BY_LINE, {"effect": {"type": "bundle_price", "amount": 1, "size": 2}}, "not-by-line", "/scope"),
        (BY_LINE, {"effect": {"type": "compound", "effects": [target(), TEN]}}, "not-by-line", "/scope"),
    ],
)
def test_what_cannot_go_with_its_group_is_refused_from_both_sides(terms: Any, put: Any, code: str, blamed: str) -> None:
    special = group()
    member = add(stack_group=special, **put)
    with pytest.raises(Invalid) as problem:
        operations.revise_group(group=special, by="test", **terms)
    assert {error.pointer: error.code for error in problem.value.errors} == {blamed: code}
    assert "“New”" in str(problem.value.errors[0].detail)
    operations.revise_incentive(incentive=member, by="test", stack_group=None)
    special = operations.revise_group(group=special, by="test", **terms)
    with pytest.raises(Invalid) as problem:
        operations.revise_incentive(incentive=member, by="test", stack_group=special)
    assert {error.pointer: error.code for error in problem.value.errors} == {"/group": code}


def test_what_goes_with_its_group_is_saved() -> None:
    assert add(effect=target(include={"skus": ["a"]}), stack_group=group(**BY_LINE)).stack_group.key == "special"


@pytest.mark.parametrize(
    ("terms", "pointer", "code"),
    [
        ({"eligibility": "exclusive", "limit": 0}, "/limit", "out-of-range"),
        ({"limit": 2, "pick": "first"}, "/limit", "never-reached"),
        ({"limit": 3, "pick": "best_for_customer"}, "/limit", "never-reached"),
        ({"scope": "line"}, "/scope", "nothing-to-pick"),
        ({"pick": "luck"}, "/pick", "unknown-value"),
        ({"base": "moon"}, "/base", "unknown-value"),
        ({"rank": 10**9}, "/rank", "out-of-range"),
        ({"name": ""}, "/name", "not-a-text"),
    ],
)
def test_a_group_that_nobody_could_predict_is_refused(terms: Any, pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as problem:
        group(**terms)
    assert {error.pointer: error.code for error in problem.value.errors} == {pointer: code}
    assert not StackGroup.objects.filter(key="special").exists()


def test_live_members_are_asked_and_ended_ones_are_not() -> None:
    special = group()
    over: Campaign = CampaignFactory(status="ended")
    IncentiveFactory(campaign=over, stack_group=special)
    assert operations.revise_group(group=special, by="test", **BY_LINE).scope == "line"

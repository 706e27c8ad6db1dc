"""What the timeline says of a customer, by worked examples and what holds for all."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.rules.insight import Bought, Done, Scale, Stage, StageRule, engagement, insight, stage, usual_gap

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def ago(days: float) -> dt.datetime:
    return NOON - dt.timedelta(days=days)


def bought(*days: float, **fields: object) -> Bought:
    """Purchases so many days ago, of 10.00 each."""
    days = tuple(sorted(days))
    return Bought(
        orders=len(days),
        spend=1_000 * len(days),
        first_at=ago(days[-1]) if days else None,
        last_at=ago(days[0]) if days else None,
        before_last_at=ago(days[1]) if len(days) > 1 else None,
        windows={n: (sum(d < n for d in days), 1_000 * sum(d < n for d in days)) for n in (30, 90, 365)},
        spend_before_90=1_000 * sum(90 <= d < 180 for d in days),
        **fields,  # type: ignore[arg-type]
    )


def stage_of(purchases: Bought, *, seen: float = 500, last: float | None = None) -> Stage:
    done = Done(last_at=ago(last) if last is not None else None)
    return stage(purchases, done, first_seen_at=ago(seen), now=NOON, rule=StageRule())


@pytest.mark.parametrize(
    ("purchases", "expected"),
    [
        (bought(10), Stage.NEW),
        (bought(40), Stage.ACTIVE),
        (bought(91), Stage.AT_RISK),
        (bought(181), Stage.LAPSED),
        (bought(10, 20, 30, 40), Stage.ACTIVE),
        (bought(16, 26, 36, 46), Stage.AT_RISK),  # the usual gap is 10 days
        (bought(31, 41, 51, 61), Stage.LAPSED),
        (bought(5, 300), Stage.WON_BACK),
        (bought(10, 40, 70, 100), Stage.GROWING),  # three in 90 days, one in the 90 before
        (bought(10, 40, 100, 130), Stage.ACTIVE),
    ],
)
def test_stages_of_who_buys(purchases: Bought, expected: Stage) -> None:
    assert stage_of(purchases) == expected


@pytest.mark.parametrize(
    ("seen", "last", "expected"),
    [
        (10, None, Stage.NEW),
        (50, 20, Stage.ACTIVE),
        (200, 100, Stage.AT_RISK),
        (400, 190, Stage.LAPSED),
        (60, None, Stage.ACTIVE),
    ],
)
def test_stages_of_who_never_bought(seen: float, last: float | None, expected: Stage) -> None:
    assert stage_of(Bought(), seen=seen, last=last) == expected


def test_the_facts_of_a_customer() -> None:
    purchases = bought(10, 20, 30.5, 40, categories=["Tea", "Milk"], brands=["B"], channel="web", store="s1", with_discount=1)
    done = Done(
        visits_30=4,
        active_days_30=9,
        sent=10,
        opened=5,
        clicked=1,
        granted=3,
        redeemed=2,
        reacts_in="email",
        liked=["x"],
        redemptions=2,
        redeemed_at=ago(3),
    )
    scale = Scale(recency=[-100, -50, -20, -5], frequency=[1, 2, 4, 8], value=[1, 2, 3, 4])
    facts = insight(purchases, done, first_seen_at=ago(50), now=NOON, rule=StageRule(), scale=scale)
    assert facts == {
        "orders": 4,
        "spend": 4_000,
        "average_order": 1_000,
        "orders_30d": 2,
        "orders_90d": 4,
        "orders_365d": 4,
        "spend_30d": 2_000,
        "spend_90d": 4_000,
        "spend_365d": 4_000,
        "first_purchase_on": "2026-10-12",
        "last_purchase_on": "2026-11-11",
        "purchase_gap_days": 10,
        "next_purchase_on": "2026-11-21",
        "purchase_due": "due",
        "discount_share": 25,
        "favourite_channel": "web",
        "favourite_store": "s1",
        "favourite_category": "Tea",
        "favourite_categories": ["Tea", "Milk"],
        "favourite_brand": "B",
        "favourite_brands": ["B"],
        "recency_score": 4,
        "frequency_score": 3,
        "value_score": 5,
        "last_seen_on": None,
        "visits_30d": 4,
        "active_days_30d": 9,
        "engagement": "high",
        "open_rate": 50,
        "click_rate": 10,
        "reacts_in": "email",
        "redemption_rate": 67,
        "liked_incentives": ["x"],
        "redemptions_365d": 2,
        "last_redemption_on": "2026-11-18",
        "stage": "active",
    }


def test_of_somebody_unknown_little_is_said() -> None:
    facts = insight(Bought(), Done(), first_seen_at=NOON, now=NOON, rule=StageRule(), scale=Scale())
    assert {name for name, value in facts.items() if value is not None} == {
        "visits_30d",
        "active_days_30d",
        "engagement",
        "stage",
    }


@pytest.mark.parametrize(("days", "expected"), [(0, "none"), (1, "low"), (2, "low"), (3, "medium"), (7, "medium"), (8, "high")])
def test_engagement(days: int, expected: str) -> None:
    assert engagement(days) == expected


@pytest.mark.parametrize(("passed", "expected"), [(5, "not_yet"), (10, "due"), (15, "due"), (15.1, "late")])
def test_when_the_next_purchase_is_due(passed: float, expected: str) -> None:
    purchases = bought(passed, passed + 10, passed + 20)
    facts = insight(purchases, Done(), first_seen_at=ago(90), now=NOON, rule=StageRule(), scale=Scale())
    assert facts["purchase_due"] == expected


@given(days=st.lists(st.floats(0.01, 900), max_size=12), last=st.none() | st.floats(0, 900))
def test_whoever_it_is_there_is_one_stage_and_figures_agree(days: list[float], last: float | None) -> None:
    purchases = bought(*days)
    assert stage_of(purchases, seen=900, last=last) in set(Stage)
    gap = usual_gap(purchases)
    assert (gap is None) or (len(days) >= 3 and gap >= 1)
    facts = insight(
        purchases, Done(last_at=ago(last) if last else None), first_seen_at=ago(900), now=NOON, rule=StageRule(), scale=Scale()
    )
    if days:
        assert facts["orders_30d"] <= facts["orders_90d"] <= facts["orders_365d"] <= facts["orders"]
    # Who was silent for longer than another is never in an earlier stage of leaving.
    order = [Stage.ACTIVE, Stage.AT_RISK, Stage.LAPSED]
    if len(days) == 1 and days[0] > 31:
        assert order.index(stage_of(bought(days[0] + 100), seen=2_000)) >= order.index(stage_of(purchases, seen=2_000))

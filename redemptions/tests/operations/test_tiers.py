"""A customer's tier follows what is earned or spent: told once, rewarded once each time, and worth more points."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Grant, LoyaltyProgramme, Tier
from campaigns.tests.factories import IncentiveFactory
from customers.models import Customer, Event, Purchase
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from redemptions import operations, tasks
from redemptions.models import CustomerTier, Lot, Posting
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def programme(**fields: Any) -> LoyaltyProgramme:
    made = LoyaltyProgramme.objects.create(
        name="Club",
        pending_days=0,
        **{"tiers_by": "spend", "tier_months": 1, "grace_days": 10, "step_down": "straight", **fields},
    )
    reward = IncentiveFactory(granted=True, name="A coffee")
    made.tiers.create(key="silver", name="Silver", threshold=10_000)
    made.tiers.create(key="gold", name="Gold", threshold=20_000, multiplier="1.5", reward=reward)
    return made


def buys(customer: Customer, paid: int, at: datetime.datetime = NOON) -> Purchase:
    return Purchase.objects.create(
        customer=customer, source="shop", order_key=f"o{Purchase.objects.count()}", channel=ChannelFactory(),
        placed_at=at, currency="USD", paid=paid,
    )  # fmt: skip


def tier_of(customer: Customer, now: datetime.datetime = NOON) -> str:
    tier = operations.refresh_tier(customer=customer, now=now)
    customer.refresh_from_db()
    assert customer.facts.get("tier") == (tier.key if tier else None)
    return tier.key if tier else ""


def told(customer: Customer) -> list[str]:
    return [event.name for event in Event.objects.filter(customer=customer, type="track").order_by("id")]


def test_reaching_a_tier_is_a_fact_an_event_and_a_reward_once() -> None:
    programme()
    customer = CustomerFactory(facts={"orders": 3})
    buys(customer, 25_000)
    assert [tier_of(customer), tier_of(customer)] == ["gold", "gold"]
    assert customer.facts == {"orders": 3, "tier": "gold", "tier_multiplier": 1.5}
    assert told(customer) == ["tier Gold"]
    assert Grant.objects.get(customer=customer).reason == "tier"


def test_losing_it_after_the_grace_and_reaching_it_again() -> None:
    programme()
    customer = CustomerFactory()
    buys(customer, 20_000)
    later = NOON + 30 * DAY  # 21 December, the last day that counts
    assert [tier_of(customer, at) for at in (NOON, later + 10 * DAY, later + 11 * DAY)] == ["gold", "gold", ""]
    assert customer.facts == {"tier": None, "tier_multiplier": None}
    buys(customer, 20_000, later + 12 * DAY)
    assert tier_of(customer, later + 12 * DAY) == "gold"
    assert told(customer) == ["tier Gold", "no tier any more", "tier Gold"]
    assert Grant.objects.filter(customer=customer).count() == 2


def test_an_order_counts_once_and_what_came_back_does_not() -> None:
    programme()
    IncentiveFactory(effect={"type": "amount_off", "amount": 1_000})
    customer = CustomerFactory()
    order = {"source": "till", "order_key": "7", "placed_at": None, "by": "user:1", "now": NOON}
    redemption = operations.redeem(request_for(12_000, customer=customer), **order)
    Purchase.objects.create(
        customer=customer,
        source="warehouse",
        order_key="7",
        channel=redemption.channel,
        placed_at=NOON,
        currency="USD",
        paid=11_000,
    )
    assert tier_of(customer) == "silver"  # 110.00, not 220.00
    operations.give_back(redemption=redemption, by="user:1", now=NOON)
    assert tier_of(customer) == ""  # as if it had not been bought: no grace


def test_by_points_the_multiplier_works_from_the_next_order_on() -> None:
    programme(tiers_by="points")
    Tier.objects.filter(key="gold").update(threshold=100)
    award = {"type": "points", "per": 100, "points": 1, "multiplier_fact": "customer.tier_multiplier"}
    IncentiveFactory(effect={}, awards=[award])
    customer = CustomerFactory()
    for number in range(2):
        operations.redeem(
            request_for(10_300, customer=customer), source="till", order_key=str(number), placed_at=None, by="x", now=NOON
        )
        assert tier_of(customer) == "gold"
    assert list(Lot.objects.order_by("id").values_list("amount", flat=True)) == [103, 139]
    # The second order used the reward, 10 % off: 92.70 × 1.5 = 139.05, rounded down.


def test_points_taken_back_do_not_count() -> None:
    programme(tiers_by="points", grace_days=0)
    customer = CustomerFactory()
    earned = operations.earn(customer=customer, unit="points", amount=10_000, key="e", by="x", now=NOON)
    assert tier_of(customer) == "silver"
    operations.spend(account=earned.lots.get().account, amount=1_000, key="s", by="x", now=NOON, today=NOON.date())
    assert tier_of(customer) == "silver"  # spending costs no tier
    operations.take_back(earned=earned, amount=1, policy="up_to_balance", key="t", by="x", now=NOON)
    assert tier_of(customer) == ""


def test_earning_asks_for_a_refresh_after_commit(django_capture_on_commit_callbacks: Any, settings: Any) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True
    programme(tiers_by="points")
    IncentiveFactory(effect={}, awards=[{"type": "points", "points": 10_000}])
    with django_capture_on_commit_callbacks() as callbacks:
        operations.redeem(
            request_for(100, customer=CustomerFactory()), source="till", order_key="1", placed_at=None, by="x", now=NOON
        )
    assert any("redemptions.tasks.refresh_tier" in repr(call.__closure__[1].cell_contents) for call in callbacks)


def test_every_day_all_are_refreshed_in_batches() -> None:
    programme()
    customers = [CustomerFactory() for _number in range(5)]
    for customer in customers:
        buys(customer, 15_000)
    CustomerFactory()  # has bought nothing
    after, batches = 0, []
    while (found := operations.refresh_tiers(now=NOON, after=after, most=2)) is not None:
        after = found
        batches.append(after)
    assert len(batches) == 3
    assert set(CustomerTier.objects.values_list("tier__key", flat=True)) == {"silver"}
    assert operations.refresh_tiers(now=NOON) is None
    assert operations.refresh_tiers(now=NOON + DAY) == customers[-1].pk


def test_without_tiers_nothing_is_done() -> None:
    programme(tiers_by="")
    buys(CustomerFactory(), 90_000)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        tasks.refresh_tiers()
    assert len(asked) <= 2
    assert not CustomerTier.objects.exists()
    assert not Posting.objects.exists()

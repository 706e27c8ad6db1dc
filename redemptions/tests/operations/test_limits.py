"""Limits by period, by store and in slots: exact at every instant, whoever uses them and wherever."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import LimitCounter, Measure
from campaigns.operations import Demand, consume, restore
from campaigns.rules import limits
from campaigns.rules.limits import Per
from campaigns.tests.factories import IncentiveFactory, LimitFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, StoreFactory
from redemptions import operations, queries
from redemptions.tests.factories import request_for

DAY = datetime.timedelta(days=1)


def redeem(order: str, now: datetime.datetime = NOON, **fields: Any) -> Any:
    return operations.redeem(request_for(**fields), source="till", order_key=order, placed_at=None, by="user:1", now=now)


def refused(order: str, now: datetime.datetime = NOON, **fields: Any) -> bool:
    try:
        redeem(order, now, **fields)
    except operations.NothingToRedeem:
        return True
    return False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("per", "later", "again"),
    [
        # 21 November 2026 is a Saturday.
        (Per.CUSTOMER_DAY, datetime.timedelta(hours=11), False),
        (Per.CUSTOMER_DAY, datetime.timedelta(hours=12), True),
        (Per.CUSTOMER_WEEK, DAY, False),
        (Per.CUSTOMER_WEEK, 2 * DAY, True),
        (Per.CUSTOMER_MONTH, 9 * DAY, False),
        (Per.CUSTOMER_MONTH, 10 * DAY, True),
        (Per.CUSTOMER, 400 * DAY, False),
    ],
)
def test_a_period_of_the_calendar(per: str, later: datetime.timedelta, again: bool) -> None:
    LimitFactory(per=per, maximum=1)
    ann, bob = CustomerFactory(), CustomerFactory()
    redeem("1", customer=ann)
    redeem("2", customer=bob)
    assert refused("3", customer=ann)
    assert refused("4")
    assert refused("5", NOON + later, customer=ann) is not again
    assert queries.prove() == []


@pytest.mark.django_db
def test_the_day_is_the_customers() -> None:
    """Noon in UTC is already tomorrow in Kiritimati (UTC+14)."""
    LimitFactory(per=Per.CUSTOMER_DAY, maximum=1)
    far, near = CustomerFactory(time_zone="Pacific/Kiritimati"), CustomerFactory(time_zone="Nowhere/At all")
    for customer in (far, near):
        redeem(f"1-{customer.pk}", customer=customer)
    evening = NOON + datetime.timedelta(hours=11)
    assert not refused("2", NOON - datetime.timedelta(hours=3), customer=far)  # 23:00 of the day before, there
    assert refused("3", evening, customer=near)


@pytest.mark.django_db
def test_each_store_has_its_own_count() -> None:
    LimitFactory(per=Per.STORE, maximum=1)
    channel = ChannelFactory()
    here, there = StoreFactory(channel=channel), StoreFactory(channel=channel)
    redeem("1", store=here.key)
    assert refused("2", store=here.key)
    assert refused("3")
    redeem("4", store=there.key)
    assert queries.prove() == []


class TestSlots:
    @given(st.integers(0, 10**9), st.integers(1, 64))
    def test_the_parts_add_up(self, maximum: int, slots: int) -> None:
        parts = [limits.capacity(maximum, slots, number) for number in range(slots)]
        assert sum(parts) == maximum
        assert max(parts) - min(parts) <= 1

    @pytest.mark.django_db
    def test_a_full_slot_is_helped_by_the_others_and_the_sum_is_exact(self) -> None:
        limit = LimitFactory(maximum=10, slots=4)
        with transaction.atomic():
            assert consume([Demand(limit.pk, "#0", 2)]) == [Demand(limit.pk, "#0", 2)]
            used = consume([Demand(limit.pk, "#0", 5)])
            assert used is not None
            assert (sum(demand.amount for demand in used), len(used) > 1) == (5, True)
            assert consume([Demand(limit.pk, "#0", 4)]) is None
            assert consume([Demand(limit.pk, "#3", 3)]) is not None
            assert consume([Demand(limit.pk, "#1", 1)]) is None
        assert sum(LimitCounter.objects.values_list("used", flat=True)) == 10
        with transaction.atomic():
            restore(used)
        assert sum(LimitCounter.objects.values_list("used", flat=True)) == 5

    @pytest.mark.django_db
    def test_the_last_unit_is_found_wherever_it_is(self) -> None:
        incentive = IncentiveFactory()
        limit = LimitFactory(incentive=incentive, maximum=20, slots=16)
        for number in range(20):
            redeem(str(number))
        assert refused("one too many")
        assert sum(LimitCounter.objects.filter(limit=limit).values_list("used", flat=True)) == 20
        assert queries.prove() == []

    @pytest.mark.django_db
    def test_a_discount_larger_than_a_slot_is_taken_from_several_and_given_back_to_them(self) -> None:
        incentive = IncentiveFactory()
        LimitFactory(incentive=None, campaign=incentive.campaign, measure=Measure.DISCOUNT, maximum=3_200, slots=16)
        redemption = redeem("1")
        assert redemption.discount == 1_000
        assert queries.prove() == []
        operations.give_back(redemption=redemption, by="user:1", now=NOON)
        assert sum(LimitCounter.objects.values_list("used", flat=True)) == 0
        assert queries.prove() == []

    @pytest.mark.django_db(transaction=True)
    def test_many_at_once_use_exactly_what_there_is(self) -> None:
        limit = LimitFactory(maximum=50, slots=16)
        outcomes: list[bool] = []
        lock = threading.Lock()

        def one(number: int) -> None:
            try:
                with transaction.atomic():
                    done = consume([Demand(limit.pk, f"#{number % 16}", 1)]) is not None
                    if not done:
                        transaction.set_rollback(True)
            finally:
                connection.close()
            with lock:
                outcomes.append(done)

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(one, range(200)))
        assert sum(outcomes) == 50
        assert sum(LimitCounter.objects.filter(limit=limit).values_list("used", flat=True)) == 50

"""Limits, grants and orders hold when everybody comes at once: real connections, real transactions."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from campaigns import operations as campaign_operations
from campaigns import queries as campaign_queries
from campaigns.models import LimitCounter, Measure
from campaigns.tests.factories import IncentiveFactory, LimitFactory
from customers.models import Purchase
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.shared.problems import Problem
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, AppliedIncentive, Redemption
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(number: int, act: Callable[[int], Any]) -> Counter[str]:
    """Run ``act(n)`` in ``number`` threads that start together, each with its own connection; how often each outcome came."""
    outcomes: Counter[str] = Counter()
    gate, lock = threading.Barrier(number), threading.Lock()

    def run(n: int) -> None:
        try:
            connection.ensure_connection()
            gate.wait(timeout=60)
            act(n)
            outcome = "done"
        except Problem as problem:
            outcome = problem.code
        except Exception as error:  # noqa: BLE001  (an unexpected error is an outcome, and fails the comparison)
            outcome = repr(error)
        finally:
            connection.close()
        with lock:
            outcomes[outcome] += 1

    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return outcomes


def redeem(request: operations.Request, order: str) -> Redemption:
    return operations.redeem(request, source="till", order_key=order, placed_at=None, by="user:1", now=NOON)


def test_two_hundred_at_once_use_a_limit_of_fifty_exactly_fifty_times() -> None:
    limit = LimitFactory(maximum=50)
    request = request_for()
    outcomes = at_once(200, lambda n: redeem(request, f"order-{n}"))
    assert outcomes == {"done": 50, "nothing-to-redeem": 150}
    assert LimitCounter.objects.get(limit=limit).used == 50
    assert (Redemption.objects.count(), AppliedIncentive.objects.count()) == (50, 50)


def test_a_budget_is_spent_to_the_last_cent_and_no_further() -> None:
    incentive = IncentiveFactory()
    limit = LimitFactory(incentive=None, campaign=incentive.campaign, measure=Measure.DISCOUNT, maximum=7_500)
    request = request_for()
    outcomes = at_once(40, lambda n: redeem(request, f"order-{n}"))
    assert outcomes == {"done": 7, "nothing-to-redeem": 33}
    assert LimitCounter.objects.get(limit=limit).used == 7_000


def test_one_grant_is_used_once_however_many_try() -> None:
    customer = CustomerFactory()
    grant, _new = campaign_operations.grant(
        customer=customer, incentive=IncentiveFactory(granted=True), channel=ChannelFactory(web=True), by="key:shop", now=NOON
    )
    request = request_for(codes=[campaign_queries.grant_code(grant)])
    assert at_once(20, lambda n: redeem(request, f"order-{n}")) == {"done": 1, "nothing-to-redeem": 19}


def test_one_order_is_redeemed_once_however_many_try() -> None:
    IncentiveFactory()
    request = request_for()
    assert at_once(20, lambda _: redeem(request, "the-same")) == {"done": 1, "order-already-redeemed": 19}


def test_an_occasion_grants_once_however_many_try() -> None:
    customer, incentive, channel = CustomerFactory(), IncentiveFactory(granted=True), ChannelFactory(web=True)
    grants = set()

    def give(_: int) -> None:
        grant, _new = campaign_operations.grant(customer=customer, incentive=incentive, channel=channel, by="key:shop", now=NOON)
        grants.add(grant.pk)

    assert at_once(20, give) == {"done": 20}
    assert len(grants) == 1


def test_two_limits_taken_in_opposite_orders_do_not_deadlock() -> None:
    """Redemptions of two incentives and returns of both, all at once."""
    first, second = IncentiveFactory(), IncentiveFactory()
    for incentive in (first, second):
        LimitFactory(incentive=incentive, maximum=1_000)
    request = request_for()

    def there_and_back(n: int) -> None:
        redemption = redeem(request, f"order-{n}")
        operations.give_back(redemption=redemption, by="user:1", now=NOON)

    assert at_once(40, there_and_back) == {"done": 40}
    assert set(LimitCounter.objects.values_list("used", flat=True)) == {0}


@pytest.mark.parametrize("customer_is_new", [True, False])
def test_a_purchase_that_is_redeemed_while_it_earns_earns_once(customer_is_new: bool) -> None:
    IncentiveFactory(effect={}, awards=[{"type": "points", "per": 100, "points": 1}, {"type": "points", "points": 2}])
    for n in range(8):
        customer = CustomerFactory()
        if not customer_is_new:
            account = operations.account_of(operations.Holder(AccountKind.POINTS, "points", customer))
            assert account.balance == 0
        named = {"source": "till", "order_key": f"o-{n}", "customer": customer, "channel": ChannelFactory()}
        purchase = Purchase.objects.create(currency="USD", paid=1_000, placed_at=NOON, **named)
        request = request_for(1_000, customer=customer)

        def act(who: int, purchase: Purchase = purchase, request: operations.Request = request) -> None:
            if who % 2:
                redeem(request, purchase.order_key)
            else:
                operations.earn_for_purchase(purchase=purchase, now=NOON)

        outcomes = at_once(4, act)
        assert outcomes == {"done": 3, "order-already-redeemed": 1}
        assert Account.objects.get(customer=customer, kind=AccountKind.POINTS).balance == 12
    assert queries.prove() == []

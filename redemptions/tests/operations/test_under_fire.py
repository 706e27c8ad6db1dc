"""Limits, grants and orders hold when everybody comes at once: real connections, real transactions."""

import datetime
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
from customers.models import Customer, Purchase
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.shared.problems import Problem
from redemptions import operations, queries
from redemptions.models import (
    Account,
    AccountKind,
    AppliedIncentive,
    ContestDraw,
    Outcome,
    Posting,
    PurchaseEarning,
    Redemption,
)
from redemptions.rules.drawing import digest_of, drawn
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


def purchases(number: int, customer: Customer) -> list[Purchase]:
    named = {"source": "shop", "customer": customer, "channel": ChannelFactory(), "currency": "USD"}
    return [
        Purchase.objects.create(order_key=f"o-{n}", paid=1_000, placed_at=NOON - datetime.timedelta(minutes=9), **named)
        for n in range(number)
    ]


def test_purchases_that_several_look_at_at_once_earn_once_each() -> None:
    """Eight sweeps beside each other, as when a beat comes before the last run is over."""
    awards = [{"type": "points", "per": 100, "points": 1}, {"type": "contest_entry", "contest": "car", "entries": 1}]
    IncentiveFactory(effect={}, awards=awards)
    customer = CustomerFactory()
    bought = purchases(12, customer)
    assert at_once(8, lambda _n: operations.earn_due(now=NOON)) == {"done": 8}
    assert PurchaseEarning.objects.filter(outcome=Outcome.EARNED).count() == len(bought)
    kept = Account.objects.filter(customer=customer).values_list("kind", "balance")
    assert dict(kept) == {AccountKind.POINTS: 120, AccountKind.ENTRIES: 12}
    assert at_once(4, lambda _n: operations.earn_for_purchase(purchase=bought[0], now=NOON)) == {"done": 4}
    assert Posting.objects.filter(kind="earn").count() == 24
    assert queries.prove() == []


def test_a_contest_that_several_announce_and_draw_at_once_is_drawn_once() -> None:
    IncentiveFactory(effect={}, awards=[{"type": "contest_entry", "contest": "car", "entries": 2}])
    for n in range(5):
        redeem(request_for(100, customer=CustomerFactory()), f"order-{n}")
    by = {"contest": "car", "by": "user:1", "now": NOON}
    announced = at_once(8, lambda _n: operations.announce_draw(winners=2, **by))  # type: ignore[arg-type]
    assert announced == {"done": 1, "draw-announced": 7}
    assert at_once(8, lambda _n: operations.draw_contest(**by)) == {"done": 1, "draw-not-announced": 7}  # type: ignore[arg-type]
    draw = ContestDraw.objects.get()
    assert (len(draw.winners), sum(draw.entries.values())) == (2, 10)


def test_entries_that_come_while_a_contest_is_drawn_are_in_it_or_wait_for_the_next() -> None:
    IncentiveFactory(effect={}, awards=[{"type": "contest_entry", "contest": "car", "entries": 1}])
    redeem(request_for(100, customer=CustomerFactory()), "first")
    operations.announce_draw(contest="car", winners=1, by="user:1", now=NOON)
    requests = [request_for(100, customer=CustomerFactory()) for _n in range(8)]

    def act(n: int) -> None:
        if n == 4:
            operations.draw_contest(contest="car", by="user:1", now=NOON)
        else:
            redeem(requests[n], f"order-{n}")

    assert at_once(8, act) == {"done": 8}
    draw = ContestDraw.objects.get()
    assert drawn(draw.seed, draw.entries, 1) == draw.winners
    assert digest_of(draw.entries) == draw.entries_digest
    assert set(draw.entries.values()) == {1}
    assert queries.prove() == []

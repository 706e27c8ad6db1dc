"""Everything that can happen to promises and value, several at once over real connections, against plain counts.

Hypothesis makes histories of steps; what stands in a step happens at the same time, each on a connection of its own. Who of them
wins is chance; what must hold is not: after every step the counts and the books agree.
"""

import datetime
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TransactionTestCase

from campaigns import operations as campaign_operations
from campaigns.models import Grant, LimitCounter, LoyaltyProgramme
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.shared.problems import Problem
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, Redemption, Reservation, Return
from redemptions.tests.factories import request_for

MOST_USES = 4
STEP = st.lists(
    st.one_of(
        st.tuples(st.just("redeem"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("reserve"), st.integers(0, 1), st.integers(0, 3)),
        st.tuples(st.just("release"), st.integers(0, 1), st.integers(0, 3)),
        st.tuples(st.just("return"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("grant"), st.integers(0, 1), st.integers(0, 1)),
        st.tuples(st.just("adjust"), st.integers(0, 1), st.integers(0, 9)),
        st.tuples(st.just("expire"), st.just(0), st.just(0)),
    ),
    min_size=2,
    max_size=4,
)
# Whatever chance brings, each kind of step has something to do once, and two of a kind meet.
EVERY_KIND: list[list[tuple[str, int, int]]] = [
    [("grant", 0, 0), ("grant", 0, 0), ("reserve", 0, 0), ("adjust", 1, 9)],
    [("redeem", 0, 3), ("redeem", 0, 3), ("redeem", 1, 5), ("reserve", 1, 1)],
    [("return", 0, 0), ("return", 0, 0), ("release", 0, 0), ("release", 0, 0)],
    [("expire", 0, 0), ("expire", 0, 0), ("return", 0, 1), ("redeem", 0, 1)],
]


class Shop:
    """Two customers with 500 points each, ten percent off with a limit, two off from the wallet."""

    def __init__(self) -> None:
        LoyaltyProgramme.objects.create(name="P", point_values={"USD": "1"}, pending_days=0)
        campaign = CampaignFactory(live=True)
        self.limit = LimitFactory(
            incentive=IncentiveFactory(campaign=campaign, key="ten", effect={"type": "percent_off", "percent": "10"}),
            maximum=MOST_USES,
        )
        off = {"type": "amount_off", "amount": 200}
        self.off = IncentiveFactory(campaign=campaign, granted=True, key="two", effect=off, priority=-1)
        self.channel = ChannelFactory()
        self.customers = [CustomerFactory(), CustomerFactory()]
        for n, customer in enumerate(self.customers):
            operations.earn(customer=customer, unit="points", amount=500, key=f"start {n}", by="x", now=NOON)
        self.number = 0

    def work(self, what: str, who: int, n: int) -> Callable[[], object]:
        customer = self.customers[who]
        self.number += 1
        number = self.number
        common: dict[str, Any] = {"by": "user:1", "now": NOON}
        if what == "redeem":
            tenders = [{"type": "points", "amount": 30 * n}] if n else []
            request = request_for(1_000, customer=customer, tenders=tenders)
            # Two of a step may be the same order: one of them is told so.
            return lambda: operations.redeem(request, source="till", order_key=f"o{n}-{number // 3}", placed_at=None, **common)
        if what == "reserve":
            request = request_for(1_000, customer=customer)
            minutes = datetime.timedelta(minutes=10)
            return lambda: operations.reserve(request, source="till", order_key=f"r{n}", lifetime=minutes, **common)
        if what == "release":
            found = Reservation.objects.filter(order_key=f"r{n}").order_by("-id").first()
            return (lambda: operations.release(reservation=found, now=NOON)) if found else (lambda: None)
        if what == "return":
            redemption = Redemption.objects.order_by("-id")[n : n + 1].first()
            return (lambda: operations.give_back(redemption=redemption, **common)) if redemption else (lambda: None)
        if what == "grant":
            return lambda: campaign_operations.grant(
                customer=customer, incentive=self.off, channel=self.channel, occasion=f"g{n}", **common
            )
        if what == "adjust":
            account = Account.objects.get(customer=customer, kind=AccountKind.POINTS)
            amount = 40 if n > 6 else -60
            return lambda: operations.adjust(
                account=account, amount=amount, key=f"a{who}{n}", reason="by hand", today=NOON.date(), **common
            )
        return lambda: operations.expire_reservations(now=NOON + datetime.timedelta(minutes=n))

    def step(self, works: list[Callable[[], object]]) -> None:
        barrier, errors = threading.Barrier(len(works)), list[BaseException]()

        def run(work: Callable[[], object]) -> None:
            try:
                barrier.wait(20)
                work()
            except Problem:
                pass  # a refusal with a sentence is an answer
            except BaseException as error:  # noqa: BLE001  (shown by the assertion)
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert errors == []

    def check(self) -> None:
        assert queries.prove() == []
        used = sum(LimitCounter.objects.filter(limit=self.limit).values_list("used", flat=True))
        kept = Redemption.objects.filter(applied__incentive__key="ten", applied__restored_at=None).distinct().count()
        reserved = sum(any(d[0] == self.limit.pk for d in r.demands) for r in Reservation.objects.filter(state="active"))
        assert used == kept + reserved <= MOST_USES
        for account in Account.objects.filter(kind=AccountKind.POINTS, customer__in=self.customers):
            assert account.balance >= 0
        orders = list(Redemption.objects.values_list("source", "order_key"))
        assert len(orders) == len(set(orders))
        assert Return.objects.values("redemption").distinct().count() == Return.objects.count()
        granted = list(Grant.objects.values_list("customer", "occasion"))
        assert len(granted) == len(set(granted))


@pytest.mark.django_db(transaction=True)
class TestAllAtOnce(TransactionTestCase):
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(history=st.lists(STEP, min_size=1, max_size=6))
    def test_whoever_wins_the_books_agree(self, history: list[list[tuple[str, int, int]]]) -> None:
        shop = Shop()
        for step in history:
            shop.step([shop.work(*item) for item in step])
            shop.check()

    def test_every_kind_of_step_does_something(self) -> None:
        shop = Shop()
        for step in EVERY_KIND:
            shop.step([shop.work(*item) for item in step])
            shop.check()
        for model in (Grant, Redemption, Reservation, Return):
            assert model.objects.exists(), model

"""Everything that can happen to promises and value, in any order and repeated, against a model that only counts.

The model knows how often the limit is used, who holds which grant, and how many points there are. After every step the operations
must agree with it, and every promise of the books must hold.
"""

import datetime
import os
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from campaigns import operations as campaign_operations
from campaigns.models import Grant, GrantState, LimitCounter, LoyaltyProgramme
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.shared.problems import Problem
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, Redemption, Reservation
from redemptions.tests.factories import request_for

MOST_USES = 3
PENDING_DAYS = 2
UNITS = st.integers(1, 3)
MINUTE = datetime.timedelta(minutes=1)
PRICE = 1_000


@dataclass
class Sale:
    """An order of some units at 10.00, as the model knows it."""

    redemption: Redemption
    customer: int
    units: int
    payable: int
    earned: int
    usable_at: datetime.datetime
    used_limit: bool
    grant: int | None
    returned: int = 0
    taken: int = 0


@dataclass
class Held:
    """An active reservation, as the model knows it."""

    reservation: Reservation
    customer: int
    units: int
    used_limit: bool
    grant: int | None
    ends: datetime.datetime


@dataclass
class Wallet:
    points: int = 0
    pending: int = 0
    grants: dict[int, str] = field(default_factory=dict)


class Shop(RuleBasedStateMachine):
    """Two customers, ten percent off with a limit, two off from the wallet, a point for each 1.00 paid."""

    sales: Bundle[Sale] = Bundle("sales")
    reservations: Bundle[Held] = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = NOON
        LoyaltyProgramme.objects.create(name="P", point_values={"USD": "1"}, pending_days=PENDING_DAYS)
        campaign = CampaignFactory(live=True)
        awards = [{"type": "points", "per": 100, "points": 1}]
        percent = {"type": "percent_off", "percent": "10"}
        self.limited = IncentiveFactory(campaign=campaign, key="ten", effect=percent, awards=awards)
        self.limit = LimitFactory(incentive=self.limited, maximum=MOST_USES)
        off = {"type": "amount_off", "amount": 200}
        self.wallet_one = IncentiveFactory(campaign=campaign, granted=True, key="two", effect=off, priority=-1)
        self.channel = ChannelFactory()
        self.customers = [CustomerFactory(), CustomerFactory()]
        self.wallets = [Wallet(), Wallet()]
        self.done: dict[str, Sale] = {}
        self.held: dict[str, Held] = {}
        self.number = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @property
    def by(self) -> dict[str, Any]:
        return {"by": "user:1", "now": self.now}

    @property
    def uses(self) -> int:
        sales = sum(sale.used_limit and sale.returned < sale.units for sale in self.done.values())
        return sales + sum(held.used_limit for held in self.held.values())

    def request(self, who: int, units: int, tenders: Any = ()) -> operations.Request:
        line = {"id": "1", "sku": "a", "quantity": units, "unit_price": PRICE}
        return request_for(basket={"lines": [line]}, customer=self.customers[who], tenders=tenders)

    def free_grant(self, who: int) -> int | None:
        found = sorted(pk for pk, state in self.wallets[who].grants.items() if state == "held")
        return found[0] if found else None

    # --- What can happen ----------------------------------------------------------------------------------------------

    @rule(who=st.integers(0, 1), occasion=st.sampled_from(["a", "b"]))
    def grant(self, who: int, occasion: str) -> None:
        for _twice in range(2):
            row, _new = campaign_operations.grant(
                customer=self.customers[who], incentive=self.wallet_one, channel=self.channel, occasion=occasion, **self.by
            )
        self.wallets[who].grants.setdefault(row.pk, "held")

    @rule(target=sales, who=st.integers(0, 1), units=st.integers(1, 3), pays=st.integers(0, 400))
    def redeem(self, who: int, units: int, pays: int) -> Any:
        self.number += 1
        tenders = [{"type": "points", "amount": pays}] if pays else []
        return self.sell(who, units, f"order-{self.number}", tenders, None)

    def sell(self, who: int, units: int, order: str, tenders: Any, held: Held | None) -> Any:
        wallet = self.wallets[who]
        used_limit = held.used_limit if held else False
        grant = held.grant if held else None
        if held:
            del self.held[str(held.reservation.public_id)]
        applies = used_limit or self.uses < MOST_USES
        given = grant if grant is not None else self.free_grant(who)
        total = units * PRICE
        discount = (total // 10 if applies else 0) + (200 if given is not None else 0)
        wanted = min(tenders[0]["amount"], total - discount) if tenders else 0
        arguments = {"source": "till", "order_key": order, "placed_at": None, **self.by}
        try:
            redemption = operations.redeem(
                self.request(who, units, tenders), reservation=held.reservation if held else None, **arguments
            )
        except operations.DecisionChanged:
            assert wanted > wallet.points
            if held:
                self.held[str(held.reservation.public_id)] = held
            return None
        except operations.NothingToRedeem:
            assert not applies
            assert given is None
            assert not min(wanted, wallet.points)
            if held:
                self.held[str(held.reservation.public_id)] = held
            return None
        assert redemption.discount == discount
        assert redemption.stored_value == wanted
        assert wanted <= wallet.points
        try:
            operations.redeem(self.request(who, units), **arguments)
        except operations.OrderAlreadyRedeemed:
            pass
        else:
            raise AssertionError("an order was redeemed twice")
        payable = total - discount - wanted
        earned = payable // 100 if applies else 0
        wallet.points -= wanted
        wallet.pending += earned
        if given is not None:
            wallet.grants[given] = "used"
        usable_at = self.now + PENDING_DAYS * datetime.timedelta(days=1)
        sale = Sale(redemption, who, units, payable, earned, usable_at, applies, given)
        self.done[order] = sale
        return sale

    @rule(
        target=reservations, who=st.integers(0, 1), units=st.integers(1, 3), minutes=st.integers(1, 60), order=st.integers(1, 3)
    )
    def reserve(self, who: int, units: int, minutes: int, order: int) -> Any:
        key = f"reserved-{order}"
        former = next((held for held in self.held.values() if held.reservation.order_key == key), None)
        free = {pk for pk, state in self.wallets[who].grants.items() if state == "held"}
        if former and former.customer == who and former.grant is not None:
            free.add(former.grant)
        uses = self.uses - (former.used_limit if former else 0)
        try:
            made = operations.reserve(
                self.request(who, units), source="till", order_key=key, lifetime=minutes * MINUTE, **self.by
            )
        except operations.NothingToReserve:
            assert uses >= MOST_USES
            assert not free
            return None
        if former:
            self.let_go(former)
        assert bool(made.demands) == (uses < MOST_USES)
        grant = made.grants[0] if made.grants else None
        assert (grant is not None) == bool(free)
        if grant is not None:
            assert grant in free
            self.wallets[who].grants[grant] = "reserved"
        held = Held(made, who, units, bool(made.demands), grant, self.now + minutes * MINUTE)
        self.held[str(made.public_id)] = held
        return held

    def let_go(self, held: Held) -> None:
        del self.held[str(held.reservation.public_id)]
        if held.grant is not None:
            self.wallets[held.customer].grants[held.grant] = "held"

    @rule(held=reservations)
    def release(self, held: Held | None) -> None:
        if held is None:
            return
        try:
            operations.release(reservation=held.reservation, now=self.now)
        except operations.ReservationEnded:
            assert str(held.reservation.public_id) not in self.held
        else:
            self.let_go(held)

    @rule(target=sales, held=reservations, units=st.integers(1, 3))
    def redeem_what_is_reserved(self, held: Held | None, units: int) -> Any:
        if held is None:
            return None
        held.reservation.refresh_from_db()
        order = held.reservation.order_key
        if str(held.reservation.public_id) not in self.held or order in self.done:
            try:
                operations.redeem(
                    self.request(held.customer, units), reservation=held.reservation, source="till", order_key=order,
                    placed_at=None, **self.by,
                )  # fmt: skip
            except (operations.ReservationEnded, operations.OrderAlreadyRedeemed):
                return None
            raise AssertionError("an ended reservation was redeemed")
        return self.sell(held.customer, units, order, [], held)

    @rule(sale=sales, units=st.integers(1, 3), twice=st.booleans())
    def give_back(self, sale: Sale | None, units: int, twice: bool) -> None:
        if sale is None:
            return
        wallet = self.wallets[sale.customer]
        try:
            given = operations.give_back(redemption=sale.redemption, units={"1": units}, **self.by)
        except Problem:
            assert units > sale.units - sale.returned
            return
        sale.returned += units
        left = sale.units - sale.returned
        kept = sale.earned * (sale.payable - sale.payable * sale.returned // sale.units) // sale.payable if sale.payable else 0
        kept = kept if left else 0
        pending = self.now < sale.usable_at
        wanted = sale.earned - kept - sale.taken
        taken = min(wanted, wallet.pending if pending else wallet.points - given.stored_value + given.stored_value)
        if pending:
            wallet.points += given.stored_value
            wallet.pending -= taken
        else:
            taken = min(wanted, wallet.points + given.stored_value)
            wallet.points += given.stored_value - taken
        sale.taken += taken
        if not left and sale.grant is not None:
            wallet.grants[sale.grant] = "held"

    @rule(who=st.integers(0, 1), amount=st.integers(-200, 200).filter(bool))
    def adjust(self, who: int, amount: int) -> None:
        self.number += 1
        account = operations.account_of(operations.Holder(AccountKind.POINTS, "points", self.customers[who]))
        wallet = self.wallets[who]
        for _twice in range(2):
            try:
                operations.adjust(
                    account=account,
                    amount=amount,
                    key=f"adjust-{self.number}",
                    reason="by hand",
                    today=self.now.date(),
                    **self.by,
                )
            except operations.NotEnough:
                assert wallet.points + amount < 0
                return
        wallet.points += amount

    @rule(minutes=st.sampled_from([1, 30, 24 * 60, 49 * 60]))
    def pass_time(self, minutes: int) -> None:
        before, self.now = self.now, self.now + minutes * MINUTE
        operations.expire_reservations(now=self.now)
        for held in list(self.held.values()):
            if held.ends <= self.now:
                self.let_go(held)
        operations.activate_due(now=self.now)
        for sale in self.done.values():
            if before < sale.usable_at <= self.now:
                wallet = self.wallets[sale.customer]
                moved = min(sale.earned - sale.taken, wallet.pending)
                wallet.pending -= moved
                wallet.points += moved

    # --- What must hold after every step ------------------------------------------------------------------------------

    @invariant()
    def the_limit_is_exact(self) -> None:
        used = sum(LimitCounter.objects.filter(limit=self.limit).values_list("used", flat=True))
        assert used == self.uses <= MOST_USES

    @invariant()
    def grants_are_where_they_should_be(self) -> None:
        for wallet, customer in zip(self.wallets, self.customers, strict=True):
            rows = dict(Grant.objects.filter(customer=customer).values_list("pk", "state"))
            assert rows == {pk: GrantState(state) for pk, state in wallet.grants.items()}

    @invariant()
    def points_add_up(self) -> None:
        for wallet, customer in zip(self.wallets, self.customers, strict=True):
            accounts = dict(Account.objects.filter(customer=customer).values_list("kind", "balance"))
            found = (accounts.get(AccountKind.POINTS, 0), accounts.get(AccountKind.POINTS_PENDING, 0))
            assert found == (wallet.points, wallet.pending)

    @invariant()
    def what_came_back_and_what_is_kept_is_what_was_paid(self) -> None:
        for sale in self.done.values():
            returns = list(sale.redemption.returns.all())
            back = sum(row.amount + row.stored_value for row in returns)
            paid = sale.units * PRICE - sale.redemption.discount
            assert 0 <= back <= paid
            assert back == paid or sale.returned < sale.units

    @invariant()
    def the_books_are_in_order(self) -> None:
        assert queries.prove() == []


class TestEverything(TestCase):
    def test_whatever_happens_model_and_operations_agree(self) -> None:
        run_state_machine_as_test(
            Shop,
            settings=settings(
                max_examples=int(os.environ.get("HISTORIES", "30")),
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

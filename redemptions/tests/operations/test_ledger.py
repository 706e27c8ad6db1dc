"""Value is earned, spent, given back, taken back and ended; whatever happens, the books are in order."""

import datetime
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import TestCase
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from campaigns.models import LoyaltyProgramme
from campaigns.rules.loyalty import TakeBack
from customers.models import Customer
from customers.tests.factories import NOON, CustomerFactory
from incentives_site.shared.problems import Invalid
from redemptions import operations, queries, tasks
from redemptions.models import Account, AccountKind, Entry, Lot, Posting
from redemptions.operations import Holder

pytestmark = pytest.mark.django_db
TODAY = NOON.date()
DAY = datetime.timedelta(days=1)
BY: dict[str, Any] = {"by": "user:1", "now": NOON}


def points_of(customer: Customer, kind: str = AccountKind.POINTS) -> Account:
    return operations.account_of(Holder(kind, "points", customer))


def balance(customer: Customer, kind: str = AccountKind.POINTS) -> int:
    account = points_of(customer, kind)
    account.refresh_from_db()
    return account.balance


def earn(customer: Customer, amount: int, key: str, **fields: Any) -> Posting:
    return operations.earn(customer=customer, unit="points", amount=amount, key=key, **{**BY, **fields})


def spend(customer: Customer, amount: int, key: str, today: datetime.date = TODAY) -> Posting:
    return operations.spend(account=points_of(customer), amount=amount, key=key, today=today, **BY)


def end_of_transaction() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS a_posting_sums_to_zero IMMEDIATE")


class TestTheDatabase(TestCase):
    def test_a_posting_that_does_not_sum_to_zero_cannot_be_committed(self) -> None:
        posting = Posting.objects.create(kind="earn", key="x", actor="a", posted_at=NOON)
        Entry.objects.create(posting=posting, account=points_of(CustomerFactory()), amount=5)
        with pytest.raises(IntegrityError, match="do not sum to zero"), transaction.atomic():
            end_of_transaction()
        Entry.objects.create(posting=posting, account=operations.account_of(Holder(AccountKind.OUTSIDE, "points")), amount=-5)
        end_of_transaction()

    def test_units_do_not_make_up_for_each_other(self) -> None:
        posting = Posting.objects.create(kind="earn", key="x", actor="a", posted_at=NOON)
        Entry.objects.create(posting=posting, account=points_of(CustomerFactory()), amount=5)
        Entry.objects.create(posting=posting, account=operations.account_of(Holder(AccountKind.OUTSIDE, "USD")), amount=-5)
        with pytest.raises(IntegrityError, match="do not sum to zero"), transaction.atomic():
            end_of_transaction()
        Entry.objects.create(posting=posting, account=operations.account_of(Holder(AccountKind.OUTSIDE, "points")), amount=-5)
        Entry.objects.create(posting=posting, account=operations.account_of(Holder(AccountKind.COST, "USD")), amount=5)
        end_of_transaction()

    def test_what_was_posted_stays(self) -> None:
        posting = earn(CustomerFactory(), 10, "a")
        for change in (
            lambda: Entry.objects.filter(posting=posting).update(amount=11),
            lambda: Posting.objects.filter(pk=posting.pk).update(reason="other"),
            lambda: Entry.objects.filter(posting=posting)._raw_delete("default"),
            lambda: Account.objects.filter(kind="points").update(balance=1_000_000),
        ):
            with pytest.raises(IntegrityError, match="append only"), transaction.atomic():
                change()


def test_points_that_end_first_are_spent_first() -> None:
    """The worked example of the document."""
    customer = CustomerFactory()
    earn(customer, 100, "a", last_usable_on=datetime.date(2026, 12, 25))
    earn(customer, 50, "b", last_usable_on=datetime.date(2026, 12, 31))
    spend(customer, 120, "c")
    assert list(Lot.objects.order_by("id").values_list("remaining", flat=True)) == [0, 30]
    assert operations.expire_due(today=datetime.date(2026, 12, 31), now=NOON) == 0
    assert operations.expire_due(today=datetime.date(2027, 1, 1), now=NOON) == 1
    assert balance(customer) == 0
    assert queries.prove() == []


def test_once_for_its_key() -> None:
    customer = CustomerFactory()
    assert earn(customer, 100, "a") == earn(customer, 100, "a")
    assert spend(customer, 40, "b") == spend(customer, 40, "b")
    assert balance(customer) == 60


def test_more_than_there_is_cannot_be_spent() -> None:
    customer = CustomerFactory()
    earn(customer, 100, "a", last_usable_on=TODAY)
    with pytest.raises(operations.NotEnough):
        spend(customer, 101, "b")
    with pytest.raises(operations.NotEnough):
        spend(customer, 100, "c", today=TODAY + DAY)  # ended, though no task has said so yet
    with pytest.raises(Invalid):
        spend(customer, 0, "d")
    assert balance(customer) == 100


def test_pending_points_become_usable_when_their_time_has_come() -> None:
    customer = CustomerFactory()
    earn(customer, 100, "a", usable_at=NOON + 14 * DAY)
    assert (balance(customer), balance(customer, AccountKind.POINTS_PENDING)) == (0, 100)
    assert operations.activate_due(now=NOON + 13 * DAY) == 0
    assert operations.activate_due(now=NOON + 14 * DAY) == 1
    assert operations.activate_due(now=NOON + 14 * DAY) == 0
    assert (balance(customer), balance(customer, AccountKind.POINTS_PENDING)) == (100, 0)
    assert queries.prove() == []


def test_what_is_given_back_goes_to_the_lots_it_came_from() -> None:
    customer = CustomerFactory()
    earn(customer, 100, "a", last_usable_on=TODAY + 5 * DAY)
    earn(customer, 50, "b")
    spent = spend(customer, 120, "c")
    operations.refund(spent=spent, amount=30, key="d", today=TODAY, **BY)
    assert list(Lot.objects.order_by("id").values_list("remaining", flat=True)) == [10, 50]
    with pytest.raises(Invalid):
        operations.refund(spent=spent, amount=91, key="e", today=TODAY, **BY)
    # The rest comes back after the first lot has ended: it can be used five days longer, as when it was spent.
    operations.refund(spent=spent, amount=90, key="f", today=TODAY + 8 * DAY, **BY)
    assert Lot.objects.order_by("id")[0].last_usable_on == TODAY + 13 * DAY
    assert balance(customer) == 150
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("policy", "taken", "left"),
    [(TakeBack.PENDING_ONLY, 0, 40), (TakeBack.UP_TO_BALANCE, 40, 0), (TakeBack.MAY_GO_NEGATIVE, 100, -60)],
)
def test_points_earned_on_returned_goods_are_taken_back_by_policy(policy: str, taken: int, left: int) -> None:
    customer = CustomerFactory()
    earned = earn(customer, 100, "a")
    spend(customer, 60, "b")
    assert operations.take_back(earned=earned, amount=100, policy=policy, key="c", **BY) == taken
    assert operations.take_back(earned=earned, amount=100, policy=policy, key="c", **BY) == taken
    assert balance(customer) == left
    earn(customer, 80, "d")
    assert balance(customer) == left + 80
    assert queries.prove() == []
    if left < 0:
        spend(customer, 20, "e")
        with pytest.raises(operations.NotEnough):
            spend(customer, 1, "f")


def test_an_adjustment_needs_a_reason() -> None:
    account = points_of(CustomerFactory())
    with pytest.raises(Invalid):
        operations.adjust(account=account, amount=5, key="a", reason=" ", today=TODAY, **BY)
    operations.adjust(account=account, amount=5, key="a", reason="goodwill", today=TODAY, **BY)
    operations.adjust(account=account, amount=-2, key="b", reason="a mistake", today=TODAY, **BY)
    account.refresh_from_db()
    assert account.balance == 3


def test_the_proof_finds_what_is_wrong() -> None:
    customer = CustomerFactory()
    earn(customer, 100, "a")
    Lot.objects.update(remaining=99)
    assert [fault.code for fault in queries.prove()] == ["lots-unlike-balance"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # as a hand in the database might
        cursor.execute("UPDATE redemptions_account SET balance = 99 WHERE kind = 'points'")
    run = operations.check_ledger(now=NOON)
    assert [(fault["code"], fault["count"]) for fault in run.faults] == [("balance-unlike-entries", 1)]


@pytest.mark.parametrize(("hour", "left"), [(7, 100), (8, 0)])
def test_points_end_with_the_programmes_day_not_with_utcs(hour: int, left: int) -> None:
    """Los Angeles is eight hours behind: its 22 December ends at 8:00 of the 23rd."""
    LoyaltyProgramme.objects.create(name="P", time_zone="America/Los_Angeles")
    customer = CustomerFactory()
    earn(customer, 100, "a", last_usable_on=datetime.date(2026, 12, 22))
    with time_machine.travel(datetime.datetime(2026, 12, 23, hour, tzinfo=datetime.UTC), tick=False):
        tasks.expire_value()
    assert balance(customer) == left


def test_contest_entries_are_adjusted_within_their_contest() -> None:
    account = operations.account_of(Holder(AccountKind.ENTRIES, "entries", CustomerFactory(), contest="car"))
    operations.adjust(account=account, amount=5, key="a", reason="by post", today=TODAY, **BY)
    operations.adjust(account=account, amount=-2, key="b", reason="sent twice", today=TODAY, **BY)
    account.refresh_from_db()
    assert account.balance == 3
    end_of_transaction()
    assert queries.prove() == []


class Books(RuleBasedStateMachine):
    """One customer's points against a model that only knows sums."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.customer = CustomerFactory()
        self.now, self.number = NOON, 0
        self.balance = self.pending = 0
        self.spent: dict[Posting, int] = {}
        self.earned: dict[Posting, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @property
    def by(self) -> dict[str, Any]:
        return {"by": "user:1", "now": self.now}

    def key(self) -> str:
        self.number += 1
        return f"key-{self.number}"

    @rule(amount=st.integers(1, 200), wait=st.integers(0, 3), lasts=st.one_of(st.none(), st.integers(0, 6)), twice=st.booleans())
    def earn(self, amount: int, wait: int, lasts: int | None, twice: bool) -> None:
        key, usable_at = self.key(), self.now + wait * DAY
        ends = None if lasts is None else (usable_at + lasts * DAY).date()
        for _once in range(2 if twice else 1):
            posting = operations.earn(
                customer=self.customer, unit="points", amount=amount, key=key, usable_at=usable_at, last_usable_on=ends, **self.by
            )
        self.earned[posting] = amount
        if wait:
            self.pending += amount
        else:
            self.balance += amount

    @rule(amount=st.integers(1, 200))
    def spend(self, amount: int) -> None:
        try:
            posting = operations.spend(
                account=points_of(self.customer), amount=amount, key=self.key(), today=self.now.date(), **self.by
            )
        except operations.NotEnough:
            usable = Lot.objects.filter(is_pending=False).exclude(last_usable_on__lt=self.now.date())
            assert sum(usable.values_list("remaining", flat=True)) < amount
            return
        self.spent[posting] = amount
        self.balance -= amount

    @precondition(lambda self: any(self.spent.values()))
    @rule(data=st.data())
    def give_back(self, data: Any) -> None:
        spent = data.draw(st.sampled_from([posting for posting, left in self.spent.items() if left]))
        amount = data.draw(st.integers(1, self.spent[spent]))
        operations.refund(spent=spent, amount=amount, key=self.key(), today=self.now.date(), **self.by)
        self.spent[spent] -= amount
        self.balance += amount

    @precondition(lambda self: any(self.earned.values()))
    @rule(data=st.data(), policy=st.sampled_from(list(TakeBack)))
    def take_back(self, data: Any, policy: str) -> None:
        earned = data.draw(st.sampled_from([posting for posting, left in self.earned.items() if left]))
        was_pending = Lot.objects.get(posting=earned).is_pending
        amount = data.draw(st.integers(1, self.earned[earned]))
        taken = operations.take_back(earned=earned, amount=amount, policy=policy, key=self.key(), **self.by)
        assert taken <= amount
        if policy == TakeBack.MAY_GO_NEGATIVE:
            assert taken == amount
        if was_pending:
            self.pending -= taken
        else:
            assert policy != TakeBack.PENDING_ONLY or not taken
            self.balance -= taken
        self.earned[earned] -= taken

    @rule(days=st.integers(1, 4))
    def pass_time(self, days: int) -> None:
        self.now += days * DAY
        waiting = sum(Lot.objects.filter(is_pending=True, usable_at__lte=self.now).values_list("remaining", flat=True))
        operations.activate_due(now=self.now)
        self.pending -= waiting
        self.balance += waiting
        over = Lot.objects.filter(is_pending=False, last_usable_on__lt=self.now.date())
        ending = sum(over.values_list("remaining", flat=True))
        operations.expire_due(today=self.now.date(), now=self.now)
        self.balance -= ending

    @invariant()
    def the_books_are_in_order(self) -> None:
        assert (balance(self.customer), balance(self.customer, AccountKind.POINTS_PENDING)) == (self.balance, self.pending)
        assert queries.prove() == []
        outside = Entry.objects.filter(account__kind=AccountKind.OUTSIDE).values_list("amount", flat=True)
        assert -sum(outside) == self.balance + self.pending


class TestTheBooks(HypothesisTestCase):
    def test_whatever_happens_the_books_are_in_order(self) -> None:
        run_state_machine_as_test(
            Books,
            settings=settings(max_examples=40, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)),
        )

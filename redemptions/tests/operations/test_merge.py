"""What customers hold when two become one: nothing lost, nothing doubled, the books in order; and a split gives it back."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection

from campaigns.models import Grant, LimitCounter, LoyaltyProgramme
from campaigns.rules.limits import Per
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory, LimitFactory
from customers import operations as customers
from customers.models import Customer
from customers.tests.factories import NOON, CustomerFactory
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, Redemption
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
TODAY = NOON.date()

# What stays when a merge is undone: all rows of these, but for the trail in the ledger and on the timeline.
KEPT = {
    "customers_customer": "id",
    "customers_identity": "id",
    "campaigns_grant": "id",
    "campaigns_limitcounter": "limit_id, subject",
    "campaigns_targetedcustomer": "campaign_id, customer_id",
    "redemptions_account": "id",
    "redemptions_lot": "id",
    "redemptions_redemption": "id",
    "redemptions_reservation": "id",
    "redemptions_appliedincentive": "id",
    "redemptions_customertier": "customer_id",
}


def _everything() -> dict[str, Any]:
    found = {}
    with connection.cursor() as cursor:
        for table, order in KEPT.items():
            leave = "- 'id'" if table == "campaigns_targetedcustomer" else ""
            cursor.execute(f"SELECT to_jsonb(t) {leave} FROM {table} t ORDER BY {order}")  # noqa: S608
            rows = [json.loads(text) for (text,) in cursor.fetchall()]
            for row in rows:
                row.pop("link_version", None)  # links end with a merge and with a split: nothing gives them back
            # A counter at nothing, an account with nothing: as good as none.
            found[table] = [
                row for row in rows if row.get("used") != 0 and not (table.endswith("account") and row["balance"] == 0)
            ]
    return found


@pytest.fixture
def two() -> tuple[Customer, Customer]:
    """Both with points, credit, uses of a limit, a grant for the same occasion, redemptions, an active reservation, a tier."""
    LoyaltyProgramme.objects.create(name="P", point_values={"USD": "1"}, pending_days=0)
    campaign = CampaignFactory(live=True)
    limited = IncentiveFactory(campaign=campaign, key="limited")
    LimitFactory(incentive=limited, per=Per.CUSTOMER, maximum=2)
    LimitFactory(incentive=limited, per=Per.CUSTOMER_DAY, maximum=2)
    granted = IncentiveFactory(campaign=campaign, key="granted", claim="grant")
    one, other = CustomerFactory(first_seen_at=NOON - DAY), CustomerFactory(first_seen_at=NOON)
    for n, customer in enumerate((one, other)):
        operations.earn(customer=customer, unit="points", amount=500 + n, key=f"p{n}", by="test", now=NOON)
        operations.earn(
            customer=customer, unit="points", amount=50, key=f"q{n}", by="test", now=NOON, last_usable_on=TODAY + 30 * DAY
        )
        GrantFactory(customer=customer, incentive=granted, occasion="birthday")
        operations.redeem(request_for(customer=customer), source="till", order_key=f"o{n}", placed_at=None, by="user:1", now=NOON)
    operations.earn(customer=other, unit="USD", amount=700, key="credit", by="test", now=NOON)
    operations.reserve(
        request_for(customer=other), source="till", order_key="held", by="user:1", now=NOON, lifetime=dt.timedelta(minutes=15)
    )
    return one, other


def balance(customer: Customer, unit: str = "points") -> int:
    kind = AccountKind.POINTS if unit == "points" else AccountKind.CREDIT
    return sum(Account.objects.filter(customer=customer, kind=kind, unit=unit).values_list("balance", flat=True))


def merged(two: tuple[Customer, Customer]) -> Any:
    return customers.merge(one=two[0], other=two[1], by="ann", reason="Same person", now=NOON)


def test_all_that_two_held_is_the_survivors(two: tuple[Customer, Customer]) -> None:
    one, other = two
    points = balance(one) + balance(other)
    merged(two)
    assert (balance(one), balance(other), balance(one, "USD")) == (points, 0, 700)
    assert Grant.objects.filter(customer=one).count() == 2
    assert Redemption.objects.filter(customer=one).count() == 2
    assert not any(holding.count(other) for holding in customers.holdings())
    assert queries.prove() == []


def test_uses_of_limits_are_added_up(two: tuple[Customer, Customer]) -> None:
    one, _other = two
    merged(two)
    counters = LimitCounter.objects.filter(subject__startswith=str(one.public_id))
    assert [counter.used for counter in counters] == [3, 3]  # two redemptions and the reservation: one above the limit
    decision = operations.quote(request_for(customer=one), now=NOON).decision
    assert "limited" not in [item.incentive.split(":")[-1] for item in decision.applied]
    assert queries.prove() == []


def test_a_split_gives_back_what_was(two: tuple[Customer, Customer]) -> None:
    customers.refresh_insight(customers=[customer.pk for customer in two], now=NOON)
    before = _everything()
    record = merged(two)
    customers.split(merge=record, by="ben", reason="Twins", now=NOON)
    assert _everything() == before
    assert queries.prove() == []


def test_what_was_spent_between_is_not_given_back_twice(two: tuple[Customer, Customer]) -> None:
    one, other = two
    record = merged(two)
    account = Account.objects.get(customer=one, kind=AccountKind.POINTS)
    spent = operations.spend(account=account, amount=600, key="s", by="test", now=NOON, today=TODAY)
    customers.split(merge=record, by="ben", reason="Twins", now=NOON)
    assert balance(one) + balance(other) == account.balance - 600
    assert queries.prove() == []
    operations.refund(spent=spent, amount=600, key="r", by="test", now=NOON, today=TODAY)
    assert balance(one) + balance(other) == account.balance
    assert queries.prove() == []


def test_what_came_between_stays_with_the_survivor(two: tuple[Customer, Customer]) -> None:
    one, other = two
    theirs = (balance(one), balance(other))
    record = merged(two)
    operations.earn(customer=one, unit="points", amount=9, key="later", by="test", now=NOON)
    operations.earn(customer=one, unit="USD", amount=8, key="later credit", by="test", now=NOON)
    customers.split(merge=record, by="ben", reason="Twins", now=NOON)
    assert (balance(one), balance(other)) == (theirs[0] + 9, theirs[1])
    assert (balance(one, "USD"), balance(other, "USD")) == (8, 700)
    assert queries.prove() == []


def test_what_was_paid_before_the_merge_comes_back_to_the_survivor(two: tuple[Customer, Customer]) -> None:
    one, other = two
    account = Account.objects.get(customer=other, kind=AccountKind.POINTS)
    spent = operations.spend(account=account, amount=100, key="s", by="test", now=NOON, today=TODAY)
    points = balance(one) + balance(other)
    merged(two)
    operations.refund(spent=spent, amount=100, key="r", by="test", now=NOON, today=TODAY)
    assert (balance(one), balance(other)) == (points + 100, 0)
    assert queries.prove() == []


def test_a_debt_is_taken_from_what_the_other_has(two: tuple[Customer, Customer]) -> None:
    one, other = two
    account = Account.objects.get(customer=other, kind=AccountKind.POINTS)
    earned = operations.earn(customer=other, unit="points", amount=300, key="e", by="test", now=NOON)
    operations.spend(account=account, amount=balance(other), key="all", by="test", now=NOON, today=TODAY)
    operations.take_back(earned=earned, amount=300, policy="may_go_negative", key="t", by="test", now=NOON)
    assert balance(other) == -300
    mine = balance(one)
    record = merged(two)
    assert balance(one) == mine - 300
    assert queries.prove() == []
    customers.split(merge=record, by="ben", reason="Twins", now=NOON)
    assert balance(one) + balance(other) == mine - 300
    assert queries.prove() == []

"""Purchases from elsewhere earn what incentives that only award give for them, once, and nothing else."""

import datetime
from typing import Any

import pytest

from campaigns.models import Incentive, LoyaltyProgramme
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory, StackGroupFactory
from customers.models import Purchase
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, Outcome, Posting, PurchaseEarning
from redemptions.rules.earning import Bought, basket_of
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
PER_DOLLAR = {"type": "points", "per": 100, "points": 1}


def award_only(*awards: dict[str, Any], **fields: Any) -> Incentive:
    return IncentiveFactory(effect={}, awards=list(awards or [PER_DOLLAR]), **fields)


def purchase_of(*lines: tuple[int, int], placed_at: datetime.datetime = NOON - HOUR, **fields: Any) -> Purchase:
    """``lines`` are quantity and what was paid for it."""
    given = {"source": "shop", "order_key": f"o-{Purchase.objects.count()}", "currency": "USD", "channel": ChannelFactory()}
    given |= {"paid": sum(paid for _quantity, paid in lines), "customer": fields.pop("customer", None) or CustomerFactory()}
    purchase = Purchase.objects.create(placed_at=placed_at, **{**given, **fields})
    for position, (quantity, paid) in enumerate(lines):
        purchase.lines.create(position=position, sku=f"s{position}", quantity=quantity, paid=paid, category="coffee", brand="B")
    return purchase


def points_of(purchase: Purchase, kind: str = AccountKind.POINTS) -> int:
    return sum(Account.objects.filter(customer=purchase.customer, kind=kind, unit="points").values_list("balance", flat=True))


def run(now: datetime.datetime = NOON) -> int:
    return operations.earn_due(now=now)


def test_a_purchase_earns_once_whatever_is_repeated() -> None:
    award_only()
    purchase = purchase_of((1, 1_050), (2, 301))
    assert (run(), run()) == (1, 0)
    assert operations.earn_for_purchase(purchase=purchase, now=NOON) is Outcome.EARNED
    assert points_of(purchase) == 13  # 13.51
    posting = Posting.objects.get(kind="earn")
    assert posting.key.startswith(f"purchase:{purchase.public_id}:")
    assert queries.prove() == []


def test_points_wait_and_end_from_the_day_of_the_purchase() -> None:
    LoyaltyProgramme.objects.create(name="Club", pending_days=2, valid_months=1)
    award_only()
    old, new = purchase_of((1, 500), placed_at=NOON - 3 * DAY), purchase_of((1, 700))
    run()
    assert (points_of(old), points_of(new), points_of(new, AccountKind.POINTS_PENDING)) == (5, 0, 7)
    lot = Account.objects.get(customer=old.customer, kind=AccountKind.POINTS).lots.get()
    assert lot.last_usable_on == datetime.date(2026, 12, 18)


@pytest.mark.parametrize(
    "why",
    ["discount", "code", "grant", "launched later", "another channel", "uses", "order_value", "points", "draft"],
)
def test_other_incentives_award_nothing(why: str) -> None:
    award_only(conditions={"all": [{"fact": "basket.quantity", "op": ">", "value": 99}]})  # something can be earned, not by this
    match why:
        case "discount":
            IncentiveFactory(awards=[PER_DOLLAR])
        case "code" | "grant":
            award_only(claim=why)
        case "launched later":
            award_only(campaign=CampaignFactory(live=True, launched_at=NOON))
        case "another channel":
            award_only(campaign=CampaignFactory(live=True, channels=[ChannelFactory(web=True)]))
        case "uses" | "order_value" | "points":
            LimitFactory(incentive=award_only(), measure=why)
        case "draft":
            award_only(campaign=CampaignFactory())
    purchase = purchase_of((1, 5_000))
    assert run() == 1
    assert PurchaseEarning.objects.get().outcome == Outcome.NOTHING
    assert not Account.objects.filter(customer=purchase.customer).exists()


def test_what_is_older_than_the_launch_or_than_thirty_days_or_of_nobody_is_not_looked_at() -> None:
    purchase_of((1, 100))
    assert run() == 0  # nothing can be earned yet
    award_only(campaign=CampaignFactory(live=True, launched_at=NOON - 60 * DAY, starts_at=NOON - 60 * DAY))
    purchase_of((1, 100), placed_at=NOON - 61 * DAY)
    purchase_of((1, 100), placed_at=NOON - 31 * DAY)
    Purchase.objects.create(
        source="shop", order_key="nobody", currency="USD", channel=ChannelFactory(), paid=1, placed_at=NOON - HOUR
    )
    assert run() == 1  # the first, from an hour ago


def test_an_order_that_was_redeemed_here_earned_there() -> None:
    award_only()
    customer = CustomerFactory()
    operations.redeem(
        request_for(1_000, customer=customer), source="till", order_key="77", placed_at=None, by="user:1", now=NOON - HOUR
    )
    same = purchase_of((1, 1_000), order_key="77", customer=customer, source="warehouse")
    stranger = purchase_of((1, 1_000), order_key="77")
    run()
    assert (points_of(same), points_of(stranger)) == (10, 10)
    assert PurchaseEarning.objects.get(purchase=same).outcome == Outcome.REDEEMED


def test_an_order_that_earned_as_a_purchase_is_redeemed_without_earning_again() -> None:
    """What only the redemption awards is added; a return takes all of it back."""
    both = award_only(PER_DOLLAR, {"type": "contest_entry", "contest": "car", "entries": 2}, {"type": "access", "key": "lounge"})
    purchase = purchase_of((1, 1_000), source="till", order_key="77")
    run()
    IncentiveFactory(effect={"type": "amount_off", "amount": 100}, awards=[{"type": "points", "points": 3}])
    request = request_for(1_000, customer=purchase.customer)
    redemption = operations.redeem(request, source="till", order_key="77", placed_at=None, by="user:1", now=NOON)
    entries = Account.objects.get(customer=purchase.customer, kind=AccountKind.ENTRIES)
    assert (points_of(purchase), entries.balance) == (13, 2)
    assert redemption.accesses.get().incentive == both
    assert run() == 0
    operations.give_back(redemption=redemption, by="user:1", now=NOON + HOUR)
    entries.refresh_from_db()
    assert (points_of(purchase), entries.balance) == (0, 0)
    assert queries.prove() == []


def test_the_same_order_key_of_another_source_and_customer_earns_for_itself() -> None:
    award_only()
    purchase = purchase_of((1, 1_000), source="shop", order_key="77")
    run()
    other = CustomerFactory()
    operations.redeem(request_for(500, customer=other), source="till", order_key="77", placed_at=None, by="user:1", now=NOON)
    assert points_of(purchase) == 10
    assert Account.objects.get(customer=other, kind=AccountKind.POINTS).balance == 5


def test_awards_that_come_to_nothing_do_not_shift_the_others() -> None:
    """The first award is nothing on 0.50: a return takes back the credit, and not as if it were points."""
    award_only(PER_DOLLAR, {"type": "credit", "amount": 30})
    customer = CustomerFactory()
    redemption = operations.redeem(
        request_for(50, customer=customer), source="till", order_key="1", placed_at=None, by="user:1", now=NOON
    )
    operations.give_back(redemption=redemption, by="user:1", now=NOON + HOUR)
    assert Account.objects.get(customer=customer, kind=AccountKind.CREDIT).balance == 0


def test_the_same_rule_stacks_them() -> None:
    group = StackGroupFactory(key="best", name="Best", pick="first")
    award_only(priority=5, stack_group=group)
    award_only({**PER_DOLLAR, "points": 9}, priority=1, stack_group=group)
    award_only(
        {"type": "contest_entry", "contest": "car", "entries": 2},
        conditions={"all": [{"fact": "basket.categories", "op": "has", "value": "coffee"}]},
    )
    purchase = purchase_of((3, 1_000))
    run()
    assert points_of(purchase) == 10
    assert Account.objects.get(customer=purchase.customer, kind=AccountKind.ENTRIES).balance == 2


def test_bounded_batches_look_at_all_in_the_end() -> None:
    award_only()
    for _number in range(5):
        purchase_of((1, 100))
    assert [operations.earn_due(now=NOON, most=2) for _run in range(4)] == [2, 2, 1, 0]
    assert Posting.objects.filter(kind="earn").count() == 5


def test_a_basket_keeps_quantity_and_sum() -> None:
    basket = basket_of([Bought("a", 3, 1_000), Bought("b", 0, 5), Bought("c", 2, 0)], currency="USD", paid=9)
    assert [(line.id, line.quantity, line.unit_price) for line in basket.lines] == [
        ("1", 2, 333), ("1+", 1, 334), ("2", 1, 5), ("3", 2, 0),
    ]  # fmt: skip
    assert basket.total == 1_005
    assert basket_of([], currency="USD", paid=9).total == 9

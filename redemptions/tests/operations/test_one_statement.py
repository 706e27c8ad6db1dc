"""An order that uses nothing but limits is one statement, and that statement is the transaction: everything of it, or nothing."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns import operations as campaign_operations
from campaigns.models import Limit, LimitCounter, Measure, Per, TargetedCustomer
from campaigns.operations import Demand
from campaigns.tests.factories import IncentiveFactory, LimitFactory
from customers.models import Customer, Event, Unjudged
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.integrations import operations as integrations
from incentives_site.integrations.models import WebhookDelivery, WebhookMessage
from incentives_site.integrations.tests.factories import partner_key
from redemptions import operations
from redemptions.models import AppliedIncentive, Redemption, RedemptionLine
from redemptions.operations import _redeem
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db(transaction=True)
WRITTEN = (Redemption, RedemptionLine, AppliedIncentive, Event, Unjudged, TargetedCustomer, WebhookMessage, WebhookDelivery)


def redeem(request: operations.Request, order: str = "order-1") -> Redemption:
    return operations.redeem(request, source="till", order_key=order, placed_at=None, by="user:1", now=NOON)


def statements(request: operations.Request, order: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        redeem(request, order)
    return [query["sql"].split()[0] for query in asked]


def used() -> dict[tuple[int, str], int]:
    return {(limit, subject): used for limit, subject, used in LimitCounter.objects.values_list("limit", "subject", "used")}


@pytest.fixture
def ann() -> Customer:
    return CustomerFactory()


@pytest.fixture
def limits(ann: Customer) -> list[Limit]:
    """Of one incentive: two in all and one for each customer."""
    incentive = IncentiveFactory()
    return [LimitFactory(incentive=incentive, maximum=2), LimitFactory(incentive=incentive, maximum=1, per=Per.CUSTOMER)]


@pytest.fixture
def subscribed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner is told of orders; nothing is sent."""
    monkeypatch.setattr("incentives_site.shared.jobs._send", lambda _task, _arguments: None)
    key, _text = partner_key(partner="shop")
    integrations.add_endpoint(partner=key.partner, url="https://93.184.215.14/", types=["redemption.created"], by="x", now=NOON)


def taken_meanwhile(monkeypatch: pytest.MonkeyPatch, *demands: Demand) -> None:
    """Somebody else uses these between the next decision and what is written of it."""
    decide = _redeem.quote_after_expiry

    def slowly(*args: Any, **kwargs: Any) -> Any:
        quoted = decide(*args, **kwargs)
        monkeypatch.setattr(_redeem, "quote_after_expiry", decide)
        assert campaign_operations.consume(demands)
        return quoted

    monkeypatch.setattr(_redeem, "quote_after_expiry", slowly)


@pytest.mark.usefixtures("limits")
def test_the_question_and_the_statement_are_all(ann: Customer) -> None:
    redeem(request_for(customer=CustomerFactory()), "first")
    assert statements(request_for(customer=ann), "second") == ["SELECT", "WITH"]


@pytest.mark.usefixtures("limits", "subscribed")
def test_so_is_telling_partners(ann: Customer) -> None:
    made = redeem(request_for(customer=ann), "first")
    message = WebhookMessage.objects.get()
    assert (message.key, message.data["customer"]) == (f"redemption.created:{made.public_id}", str(ann.public_id))
    assert WebhookDelivery.objects.get().message == message
    assert statements(request_for(customer=CustomerFactory()), "second") == ["SELECT", "WITH"]
    assert WebhookMessage.objects.count() == 2


def test_what_else_is_used_needs_a_transaction(ann: Customer) -> None:
    granted = IncentiveFactory(granted=True)
    campaign_operations.grant(customer=ann, incentive=granted, channel=ChannelFactory(web=True), by="x", now=NOON)
    assert "BEGIN" in statements(request_for(customer=ann), "first")


@pytest.mark.usefixtures("subscribed")
def test_what_does_not_fit_any_more_leaves_nothing(ann: Customer, limits: list[Limit], monkeypatch: pytest.MonkeyPatch) -> None:
    total, each = limits
    taken_meanwhile(monkeypatch, Demand(total.pk, "", 2))
    with pytest.raises(operations.NothingToRedeem):
        redeem(request_for(customer=ann))
    assert [model.objects.count() for model in WRITTEN] == [0] * len(WRITTEN)
    # Nor is what would have fitted counted.
    assert used() == {(total.pk, ""): 2}
    assert campaign_operations.consume([Demand(each.pk, str(ann.public_id), 1)])


def test_nor_the_customers_own_share(ann: Customer, limits: list[Limit], monkeypatch: pytest.MonkeyPatch) -> None:
    total, each = limits
    taken_meanwhile(monkeypatch, Demand(each.pk, str(ann.public_id), 1))
    with pytest.raises(operations.NothingToRedeem):
        redeem(request_for(customer=ann))
    assert used() == {(each.pk, str(ann.public_id)): 1}
    assert not Redemption.objects.exists()
    redeem(request_for(customer=CustomerFactory()), "of somebody else")
    assert used()[total.pk, ""] == 1


def test_two_incentives_that_share_a_budget_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    first = IncentiveFactory()
    IncentiveFactory(campaign=first.campaign)
    budget = LimitFactory(incentive=None, campaign=first.campaign, measure=Measure.DISCOUNT, maximum=3_000)
    made = redeem(request_for())
    assert (made.applied.count(), used()) == (2, {(budget.pk, ""): made.discount})
    assert made.discount == sum(made.applied.values_list("amount", flat=True)) == 1_900
    taken_meanwhile(monkeypatch, Demand(budget.pk, "", 200))
    with pytest.raises(operations.NothingToRedeem):
        redeem(request_for(), "second")
    assert used() == {(budget.pk, ""): 2_100}


@pytest.mark.parametrize("slot", range(4))
def test_where_one_slot_is_full_another_has_room(slot: int, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = LimitFactory(maximum=8, slots=4)
    monkeypatch.setattr("redemptions.operations._quote.secrets.randbelow", lambda _most: slot)
    for n in range(8):
        redeem(request_for(), f"order-{n}")
    assert used() == {(limit.pk, f"#{n}"): 2 for n in range(4)}
    kept = AppliedIncentive.objects.values_list("consumed", flat=True)
    assert sorted(item[0][1] for item in kept) == ["#0", "#0", "#1", "#1", "#2", "#2", "#3", "#3"]
    with pytest.raises(operations.NothingToRedeem):
        redeem(request_for(), "one too many")


def test_an_order_that_was_written_meanwhile_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = LimitFactory(maximum=5)
    decide = _redeem.quote_after_expiry

    def slowly(*args: Any, **kwargs: Any) -> Any:
        quoted = decide(*args, **kwargs)
        monkeypatch.setattr(_redeem, "quote_after_expiry", decide)
        redeem(request_for(), "order-1")
        return quoted

    monkeypatch.setattr(_redeem, "quote_after_expiry", slowly)
    with pytest.raises(operations.OrderAlreadyRedeemed):
        redeem(request_for(), "order-1")
    assert (Redemption.objects.count(), used()) == (1, {(limit.pk, ""): 1})


def test_within_a_transaction_it_fails_alone(limits: list[Limit], ann: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    total, _each = limits
    with transaction.atomic():
        other = CustomerFactory()
        taken_meanwhile(monkeypatch, Demand(total.pk, "", 2))
        with pytest.raises(operations.NothingToRedeem):
            redeem(request_for(customer=ann))
        assert Customer.objects.filter(pk=other.pk).exists()
    assert Customer.objects.filter(pk=other.pk).exists()
    assert used() == {(total.pk, ""): 2}

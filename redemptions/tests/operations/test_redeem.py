"""Redeem and give back: exactly once, within limits, with the reason when not."""

import datetime
from typing import Any

import pytest

from campaigns import operations as campaign_operations
from campaigns import queries as campaign_queries
from campaigns.models import GrantState, LimitCounter, Measure, Per, TargetedCustomer
from campaigns.rules.candidates import OnShort
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory, StackGroupFactory
from customers.models import Event
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.shared.problems import Invalid
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, AppliedIncentive, Redemption
from redemptions.tests.factories import lines, request_for

pytestmark = pytest.mark.django_db
LATER = NOON + datetime.timedelta(hours=1)


def redeem(request: operations.Request, order: str = "order-1", **fields: Any) -> Redemption:
    return operations.redeem(
        request, **{"source": "till", "order_key": order, "placed_at": None, "by": "user:1", "now": NOON, **fields}
    )


def granted(**fields: Any) -> tuple[Any, str]:
    """A grant given online, and its code."""
    incentive = IncentiveFactory(granted=True, **fields)
    grant, _new = campaign_operations.grant(
        customer=CustomerFactory(), incentive=incentive, channel=ChannelFactory(web=True), by="key:shop", now=NOON
    )
    return grant, campaign_queries.grant_code(grant)


def refused_reasons(problem: operations.NothingToRedeem) -> list[str]:
    decision: Any = problem.extras["decision"]
    return [item["code"] for item in (*decision["inapplicable"], *decision["skipped"])]


class TestRedeem:
    def test_a_grant_given_online_is_used_in_the_store_and_only_once(self) -> None:
        grant, code = granted()
        redemption = redeem(request_for(codes=[f" {code.lower().replace('-', ' ')} "]))
        assert (redemption.discount, redemption.customer) == (1_000, grant.customer)
        grant.refresh_from_db()
        assert (grant.state, grant.used_at) == (GrantState.USED, NOON)
        types = list(Event.objects.filter(customer=grant.customer).order_by("id").values_list("type", flat=True))
        assert types == ["granted", "redeemed"]
        with pytest.raises(operations.NothingToRedeem) as refusal:
            redeem(request_for(codes=[code]), order="order-2")
        assert refused_reasons(refusal.value) == ["code-used"]
        assert "already been used" in str(refusal.value.detail)
        assert Redemption.objects.count() == 1

    def test_an_order_is_redeemed_once(self) -> None:
        IncentiveFactory()
        redeem(request_for())
        with pytest.raises(operations.OrderAlreadyRedeemed):
            redeem(request_for())

    def test_the_wallet_of_a_known_customer_applies_without_a_code(self) -> None:
        grant, _code = granted()
        assert redeem(request_for(customer=grant.customer)).discount == 1_000

    def test_a_code_of_somebody_else_is_refused(self) -> None:
        _grant, code = granted()
        with pytest.raises(operations.NothingToRedeem) as refusal:
            redeem(request_for(codes=[code], customer=CustomerFactory()))
        assert refused_reasons(refusal.value) == ["not-holder"]

    def test_a_generic_code_works_for_everybody_and_an_unknown_one_is_named(self) -> None:
        campaign = CampaignFactory()
        campaign_operations.add_incentive(
            campaign=campaign, by="user:1", key="summer", name="Summer", claim="code", code="summer10",
            effect={"type": "amount_off", "amount": 500},
        )  # fmt: skip
        campaign_operations.launch(campaign=campaign, by="user:1", now=NOON)
        redemption = redeem(request_for(codes=["SUMMER 10", "typo"]), now=LATER)
        assert redemption.discount == 500
        (unknown,) = redemption.decision["inapplicable"]
        assert (unknown["code"], unknown["sent_code"]) == ("code-unknown", "typo")

    def test_a_paused_campaign_stops_at_once(self) -> None:
        incentive = IncentiveFactory()
        campaign_operations.pause(campaign=incentive.campaign, by="user:1")
        with pytest.raises(operations.NothingToRedeem):
            redeem(request_for())

    def test_the_total_limit_holds(self) -> None:
        limit = LimitFactory(maximum=1)
        redeem(request_for())
        with pytest.raises(operations.NothingToRedeem) as refusal:
            redeem(request_for(), order="order-2")
        assert refused_reasons(refusal.value) == ["limit-reached"]
        assert LimitCounter.objects.get(limit=limit).used == 1

    def test_the_limit_of_each_customer_holds_and_needs_to_know_the_customer(self) -> None:
        LimitFactory(per=Per.CUSTOMER, maximum=1)
        ann, bob = CustomerFactory(), CustomerFactory()
        redeem(request_for(customer=ann))
        redeem(request_for(customer=bob), order="order-2")
        for customer in (ann, None):
            with pytest.raises(operations.NothingToRedeem) as refusal:
                redeem(request_for(customer=customer), order="order-3")
            assert refused_reasons(refusal.value) == ["limit-reached"]
            assert ("say who the customer is" in str(refusal.value.detail)) is (customer is None)

    def test_the_budget_is_never_exceeded(self) -> None:
        incentive = IncentiveFactory()
        limit = LimitFactory(incentive=None, campaign=incentive.campaign, measure=Measure.DISCOUNT, maximum=1_500)
        redeem(request_for())
        with pytest.raises(operations.NothingToRedeem) as refusal:
            redeem(request_for(), order="order-2")
        assert refused_reasons(refusal.value) == ["budget-exhausted"]
        assert redeem(request_for(5_000), order="order-3").discount == 500
        assert LimitCounter.objects.get(limit=limit).used == 1_500

    def test_a_clipped_budget_gives_what_is_left(self) -> None:
        incentive = IncentiveFactory()
        limit = LimitFactory(
            incentive=None, campaign=incentive.campaign, measure=Measure.DISCOUNT, maximum=1_500, on_short=OnShort.CLIP
        )
        redeem(request_for())
        second = redeem(request_for(), order="order-2")
        assert second.discount == 500
        [applied] = second.decision["applied"]
        assert (applied["amount"], applied["wanted"]) == (500, 1_000)
        assert LimitCounter.objects.get(limit=limit).used == 1_500

    def test_units_are_counted_clipped_and_given_back(self) -> None:
        effect = {"type": "percent_off", "percent": "10", "target": {"scope": "lines"}}
        limit = LimitFactory(incentive=IncentiveFactory(effect=effect), measure=Measure.UNITS, maximum=10, on_short=OnShort.CLIP)
        bought = {"A": 5, "B": 4, "C": 3}
        redeemed = {
            who: redeem(request_for(basket={"lines": [{**lines(1_000)["lines"][0], "quantity": units}]}), order=who)
            for who, units in bought.items()
        }
        assert [redemption.discount for redemption in redeemed.values()] == [500, 400, 100]
        with pytest.raises(operations.NothingToRedeem):
            redeem(request_for(), order="D")
        operations.give_back(redemption=redeemed["B"], by="user:1", now=LATER)
        assert LimitCounter.objects.get(limit=limit).used == 6

    def test_the_value_of_orders_is_counted_before_discounts_and_given_back(self) -> None:
        effect = {"type": "percent_off", "percent": "10"}
        limit = LimitFactory(incentive=IncentiveFactory(effect=effect), measure=Measure.ORDER_VALUE, maximum=25_000)
        first = redeem(request_for(10_000))
        redeem(request_for(10_000), order="order-2")
        with pytest.raises(operations.NothingToRedeem) as refusal:
            redeem(request_for(5_001), order="order-3")
        assert refused_reasons(refusal.value) == ["limit-reached"]
        assert "worth more than what is left" in str(refusal.value.detail)
        redeem(request_for(5_000), order="order-3")
        assert LimitCounter.objects.get(limit=limit).used == 25_000
        operations.give_back(redemption=first, by="user:1", now=LATER)
        assert LimitCounter.objects.get(limit=limit).used == 15_000
        assert queries.prove() == []

    def test_points_are_counted_clipped_and_given_back(self) -> None:
        incentive = IncentiveFactory(effect={}, awards=[{"type": "points", "per": 100, "points": 1}])
        limit = LimitFactory(incentive=incentive, measure=Measure.POINTS, maximum=150, on_short=OnShort.CLIP)
        ann = CustomerFactory()
        first = redeem(request_for(10_000, customer=ann))
        second = redeem(request_for(10_000, customer=ann), order="order-2")
        assert second.decision["applied"][0]["awards"] == [{"type": "points", "points": 50, "wanted": 100}]
        assert Account.objects.get(customer=ann, kind=AccountKind.POINTS).balance == 150
        assert LimitCounter.objects.get(limit=limit).used == 150
        with pytest.raises(operations.NothingToRedeem):
            redeem(request_for(10_000, customer=ann), order="order-3")
        operations.give_back(redemption=first, by="user:1", now=LATER)
        assert LimitCounter.objects.get(limit=limit).used == 50
        assert queries.prove() == []

    def test_points_that_nobody_is_given_are_not_counted(self) -> None:
        incentive = IncentiveFactory(awards=[{"type": "points", "per": 100, "points": 1}])
        limit = LimitFactory(incentive=incentive, measure=Measure.POINTS, maximum=150)
        redeem(request_for(10_000))
        assert not LimitCounter.objects.filter(limit=limit).exists()

    def test_what_was_told_must_still_hold(self) -> None:
        IncentiveFactory()
        with pytest.raises(operations.DecisionChanged) as refusal:
            redeem(request_for(), expected_discount=2_000)
        decision: Any = refusal.value.extras["decision"]
        assert decision["totals"]["discount"] == 1_000
        assert not Redemption.objects.exists()
        assert redeem(request_for(), expected_discount=2_000, accept_changes=True).discount == 1_000

    def test_exclusive_and_common_do_not_go_together(self) -> None:
        IncentiveFactory(effect={"type": "percent_off", "percent": "50"})
        best = IncentiveFactory(stack_group=StackGroupFactory(exclusive=True))
        redemption = redeem(request_for())
        assert [row.incentive for row in AppliedIncentive.objects.filter(redemption=redemption)] == [best]
        assert redemption.decision["skipped"][0]["message"] == f"It cannot be combined with “{best.name}”, which applies alone."

    def test_whoever_redeems_was_addressed(self) -> None:
        incentive, ann = IncentiveFactory(), CustomerFactory()
        redeem(request_for(customer=ann))
        assert TargetedCustomer.objects.filter(campaign=incentive.campaign, customer=ann).exists()

    @pytest.mark.parametrize(
        ("fields", "pointer", "code"),
        [
            ({"basket": {"lines": []}}, "/basket/lines", "empty-basket"),
            ({"currency": "usd"}, "/currency", "unknown-currency"),
            ({"currency": None}, "/currency", "unknown-currency"),
            ({"codes": ["x"] * 31}, "/codes", "too-many"),
        ],
    )
    def test_bad_input_has_its_place(self, fields: dict[str, Any], pointer: str, code: str) -> None:
        with pytest.raises(Invalid) as refusal:
            redeem(request_for(**fields))
        assert [(error.pointer, error.code) for error in refusal.value.errors] == [(pointer, code)]

    @pytest.mark.parametrize(
        ("line", "pointer", "code"),
        [
            ({"quantity": 0}, "/quantity", "out-of-range"),
            ({"quantity": True}, "/quantity", "not-a-whole-number"),
            ({"unit_price": -1}, "/unit_price", "out-of-range"),
            ({"unit_price": 10**30}, "/unit_price", "out-of-range"),
            ({"unit_price": 9.5}, "/unit_price", "not-a-whole-number"),
            ({"currency": "EUR"}, "/currency", "mixed-currency"),
            ({"colour": "red"}, "/colour", "unknown-field"),
            ({"sku": "a\x00"}, "/sku", "bad-text"),
            ({"sku": "\ud800"}, "/sku", "bad-text"),
        ],
    )
    def test_a_bad_line_has_its_place(self, line: dict[str, Any], pointer: str, code: str) -> None:
        good = {"id": "1", "sku": "a", "quantity": 1, "unit_price": 100}
        with pytest.raises(Invalid) as refusal:
            redeem(request_for(basket={"lines": [{**good, **line}]}))
        assert [(error.pointer, error.code) for error in refusal.value.errors] == [(f"/basket/lines/0{pointer}", code)]

    def test_a_basket_has_at_most_a_thousand_lines(self) -> None:
        with pytest.raises(Invalid) as refusal:
            redeem(request_for(*[100] * 1001))
        assert refusal.value.errors[0].pointer == "/basket/lines"


class TestGiveBack:
    def test_everything_comes_back(self) -> None:
        grant, code = granted()
        limit = LimitFactory(incentive=grant.incentive, maximum=5)
        budget = LimitFactory(incentive=None, campaign=grant.incentive.campaign, measure=Measure.DISCOUNT, maximum=5_000)
        redemption = redeem(request_for(codes=[code]))
        given = operations.give_back(redemption=redemption, by="user:1", now=LATER)
        assert given.amount == redemption.payable
        grant.refresh_from_db()
        assert (grant.state, grant.used_at) == (GrantState.HELD, None)
        assert [LimitCounter.objects.get(limit=row).used for row in (limit, budget)] == [0, 0]
        assert redeem(request_for(codes=[code]), order="order-2", now=LATER).discount == 1_000

    def test_twice_is_refused(self) -> None:
        IncentiveFactory()
        redemption = redeem(request_for())
        operations.give_back(redemption=redemption, by="user:1", now=LATER)
        with pytest.raises(operations.AlreadyReturned):
            operations.give_back(redemption=redemption, by="user:1", now=LATER)

    def test_a_limit_made_meanwhile_is_not_given_what_it_never_lost(self) -> None:
        incentive = IncentiveFactory()
        redemption = redeem(request_for())
        limit = LimitFactory(incentive=incentive, maximum=5)
        redeem(request_for(), order="order-2")
        operations.give_back(redemption=redemption, by="user:1", now=LATER)
        assert LimitCounter.objects.get(limit=limit).used == 1

    def test_a_campaign_may_keep_what_was_used(self) -> None:
        incentive = IncentiveFactory(campaign=CampaignFactory(live=True, restores_on_return=False))
        limit = LimitFactory(incentive=incentive, maximum=1)
        operations.give_back(redemption=redeem(request_for()), by="user:1", now=LATER)
        assert LimitCounter.objects.get(limit=limit).used == 1

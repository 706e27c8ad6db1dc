"""What happens at the till, and what is given, is known of the customer a moment later, without an event of any source."""

import datetime
from typing import Any

import pytest

from campaigns import operations as campaigns
from campaigns.models import LoyaltyProgramme
from campaigns.tests.factories import IncentiveFactory
from customers import operations as customers
from customers.models import Purchase, Segment, SegmentMember, Unjudged
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from redemptions import operations
from redemptions.tests.factories import request_for

pytestmark = pytest.mark.django_db
PLATINUM = {"fact": "customer.tier", "op": "==", "value": "platinum"}
LATER = NOON + datetime.timedelta(hours=1)


def segment(key: str, rule: Any) -> Segment:
    one = customers.define_segment(name=key, key=key, rule=rule, by="x", now=NOON)
    customers.count_segment(segment=one.pk, now=lambda: NOON)
    one.refresh_from_db()
    assert one.state == "good"
    return one


def inside(one: Segment) -> set[int]:
    return set(SegmentMember.objects.filter(segment=one).values_list("customer_id", flat=True))


def of_type(type: str, **said: Any) -> dict[str, Any]:
    where = [{"property": name.replace("__", "."), "op": "==", "value": value} for name, value in said.items()]
    return {"event": {"type": type, "within_days": 30, **({"where": where} if where else {})}, "op": ">=", "value": 1}


def test_a_redemption_a_grant_and_a_return_are_known_at_once() -> None:
    ann = CustomerFactory()
    ten = IncentiveFactory(key="ten", granted=True)
    other = IncentiveFactory(key="never", granted=True, campaign=ten.campaign, conditions=PLATINUM)
    redeemers = segment("redeemers", of_type("redeemed", incentives__key="ten"))
    nobody = segment("nobody", of_type("redeemed", incentives__key="never"))
    holders = segment("holders", of_type("granted"))
    returners = segment("returners", of_type("returned"))
    web = ChannelFactory(web=True)
    for incentive in (ten, other):
        campaigns.grant(customer=ann, incentive=incentive, channel=web, by="x", now=NOON)
    customers.judge_changed(now=NOON)
    ann.refresh_from_db()
    assert (inside(holders), inside(redeemers), ann.facts["redemption_rate"]) == ({ann.pk}, set(), 0)
    redemption = operations.redeem(
        request_for(customer=ann), source="till", order_key="1", placed_at=None, by="x", now=LATER, accept_changes=True
    )
    customers.judge_changed(now=LATER)
    ann.refresh_from_db()
    assert (inside(redeemers), inside(nobody)) == ({ann.pk}, set())
    assert (ann.facts["redemption_rate"], ann.facts["reacts_in"]) == (50, "store")
    assert ann.facts["liked_incentives"] == ["percent_off"]
    assert (ann.facts["redemptions_365d"], ann.facts["last_redemption_on"]) == (1, "2026-11-21")
    assert ann.facts["segments"] == ["holders", "redeemers"]
    operations.give_back(redemption=redemption, by="x", now=LATER)
    customers.judge_changed(now=LATER)
    assert inside(returners) == {ann.pk}


def test_an_order_of_somebody_known_leaves_one_note() -> None:
    ann = CustomerFactory()
    IncentiveFactory()
    customers.judge_changed(now=NOON)
    operations.redeem(request_for(customer=ann), source="till", order_key="1", placed_at=None, by="x", now=NOON)
    assert list(Unjudged.objects.values_list("customer", "noted_at")) == [(ann.pk, NOON)]
    operations.redeem(request_for(), source="till", order_key="2", placed_at=None, by="x", now=NOON)
    assert Unjudged.objects.count() == 1, "nobody is known to have changed"


def test_a_tier_that_is_reached_is_known_to_segments() -> None:
    ann = CustomerFactory()
    gold = segment("gold", {"fact": "customer.tier", "op": "==", "value": "gold"})
    programme = LoyaltyProgramme.objects.create(name="Club", pending_days=0, tiers_by="spend")
    programme.tiers.create(key="gold", name="Gold", threshold=10_000)
    Purchase.objects.create(
        customer=ann, source="shop", order_key="1", channel=ChannelFactory(), placed_at=NOON, currency="USD", paid=10_000
    )
    operations.refresh_tier(customer=ann, now=NOON)
    customers.judge_changed(now=NOON)
    assert inside(gold) == {ann.pk}

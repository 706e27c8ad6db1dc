"""Migrations of data, with rows as they were before."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from campaigns import operations as campaign_operations
from campaigns import queries as campaign_queries
from campaigns.tests.factories import IncentiveFactory
from customers.models import Customer, Event, Rejection, Source
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.shared.sealing import masked
from redemptions import operations

BEFORE, AFTER = "0013_mask_codes", "0014_mask_codes_in_events"
MANY = 2_005  # more than are read at once


def told(customer: Customer, number: int, properties: Any, context: Any = None) -> Event:
    return Event(
        customer=customer, type=EventType.TRACK, name="Order Completed", source="shop", message_id=str(number), occurred_at=NOON,
        received_at=NOON, properties=properties, context=context or {},
    )  # fmt: skip


class TestMaskingCodesInEvents:
    @pytest.fixture
    def customer(self, migrate_to: Any) -> Customer:
        """Before the migration; the codes are made by the product, whose tables of them are the same."""
        migrate_to("redemptions", BEFORE)
        return CustomerFactory()

    @pytest.fixture
    def code(self, customer: Customer) -> str:
        channel = ChannelFactory(web=True)
        grant, _new = campaign_operations.grant(
            customer=customer, incentive=IncentiveFactory(granted=True), channel=channel, by="x", now=NOON
        )
        return campaign_queries.grant_code(grant)

    def test_codes_and_cards_of_old_events_are_masked_and_nothing_else_is_changed(
        self, customer: Customer, code: str, migrate_to: Any
    ) -> None:
        _card, card = operations.issue_gift_card(amount=500, currency="USD", key="1", by="user:1", now=NOON)
        rows = [
            ({"coupon": code.lower(), "total": 5}, None),
            ({"products": [{"sku": "a", "voucher_code": card}]}, {"page": {"url": f"https://shop.example/?code={code}&page=2"}}),
            ({"coupon": "SPRING10", "code": "none of ours", "note": code}, None),
            ({"total": 7}, {"locale": "de"}),
        ]
        Event.objects.bulk_create([told(customer, n, *row) for n, row in enumerate(rows)])
        source = Source.objects.create(trust="server", key="shop", name="Shop", channel=ChannelFactory(web=True))
        bodies = [json.dumps({"event": "x", "properties": {"coupon": code}}), '{"coupon": "' + code[:3]]
        for number, body in enumerate(bodies):
            Rejection.objects.create(source=source, reason="no-identity", message_id=str(number), body=body, received_at=NOON)
        migrate_to("redemptions", AFTER)
        found = list(Event.objects.order_by("pk").values_list("properties", "context"))[-4:]
        assert found == [
            ({"coupon": masked(code.lower()), "total": 5}, {}),
            (
                {"products": [{"sku": "a", "voucher_code": masked(card)}]},
                {"page": {"url": f"https://shop.example/?code={quote(masked(code))}&page=2"}},
            ),
            ({"coupon": "SPRING10", "code": "none of ours", "note": code}, {}),
            ({"total": 7}, {"locale": "de"}),
        ]
        kept = dict(Rejection.objects.values_list("message_id", "body"))
        assert json.loads(kept["0"])["properties"] == {"coupon": masked(code)}
        assert kept["1"] == bodies[1]

    def test_more_events_than_are_read_at_once(self, customer: Customer, code: str, migrate_to: Any) -> None:
        Event.objects.bulk_create([told(customer, n, {"coupon": code}) for n in range(MANY)])
        migrate_to("redemptions", AFTER)
        coupons = set(Event.objects.filter(source="shop").values_list("properties__coupon", flat=True))
        assert coupons == {masked(code)}

"""Quotes, redemptions, returns and results over the partners' API."""

from typing import Any

import pytest

from campaigns.tests.factories import IncentiveFactory, LimitFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions import operations
from redemptions.models import AccountKind, Redemption
from redemptions.tests.factories import lines

pytestmark = pytest.mark.django_db
BASKET: dict[str, Any] = {"currency": "USD", "basket": lines(10_000)}


@pytest.fixture
def client() -> PartnerClient:
    ChannelFactory()
    ChannelFactory(web=True)
    return PartnerClient(partner_key()[1])


def test_a_quote_says_what_applies_and_what_does_not(client: PartnerClient) -> None:
    incentive = IncentiveFactory(conditions={"all": [{"fact": "basket.initial_total", "op": ">=", "value": 12_000}]})
    quote = client.post("quotes", {**BASKET, "codes": ["nonsense"]}).json()
    assert quote["applied"] == []
    by_code = {item["code"]: item for item in quote["inapplicable"]}
    assert by_code["condition-not-met"]["incentive"] == str(incentive.public_id)
    assert by_code["condition-not-met"]["missing"] == 2_000
    assert by_code["condition-not-met"]["message"] == "Spend 20.00 USD more."
    assert by_code["code-unknown"]["sent_code"] == "nonsense"
    assert quote["totals"]["payable"] == 10_000
    assert not Redemption.objects.exists()


def test_the_currency_may_stand_in_the_basket(client: PartnerClient) -> None:
    assert client.post("quotes", {"basket": {**lines(100), "currency": "USD"}}).status_code == 200


def test_another_instant_needs_the_scope_to_simulate(client: PartnerClient) -> None:
    body = {**BASKET, "at": "2030-01-01T00:00:00Z"}
    assert client.post("quotes", body).status_code == 200
    other = PartnerClient(partner_key(scopes=["quotes"])[1])
    assert other.post("quotes", body).json()["code"] == "missing-scope"


def test_redeem_read_and_return(client: PartnerClient) -> None:
    limit = LimitFactory(maximum=1)
    made = client.post("redemptions", {**BASKET, "order": {"id": "o-1", "placed_at": "2026-11-20T10:00:00+01:00"}})
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["order"] == {"id": "o-1", "placed_at": "2026-11-20T09:00:00Z"}
    assert body["decision"]["totals"]["discount"] == 1_000
    assert client.get(f"redemptions/{body['id']}").json() == body
    again = client.post("redemptions", {**BASKET, "order": {"id": "o-2"}})
    assert (again.status_code, again.json()["code"]) == (409, "nothing-to-redeem")
    assert again.json()["decision"]["inapplicable"][0]["code"] == "limit-reached"
    back = client.post(f"redemptions/{body['id']}/returns", {"everything": True, "reason": "too small"})
    assert (back.status_code, back.json()["amount"]) == (201, 9_000)
    assert limit.counters.get().used == 0
    twice = client.post(f"redemptions/{body['id']}/returns", {"everything": True})
    assert (twice.status_code, twice.json()["code"]) == (409, "already-returned")


def test_changed_amounts_are_a_conflict_with_the_new_decision(client: PartnerClient) -> None:
    IncentiveFactory()
    body = {**BASKET, "order": {"id": "o-1"}, "expected_discount": 5}
    refused = client.post("redemptions", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "decision-changed")
    assert refused.json()["decision"]["totals"]["discount"] == 1_000
    assert client.post("redemptions", {**body, "accept_changes": True}).status_code == 201


def test_another_rest_to_pay_than_was_told_is_a_conflict(client: PartnerClient) -> None:
    IncentiveFactory()
    customer = CustomerFactory()
    credit = operations.account_of(operations.Holder(AccountKind.CREDIT, "USD", customer))
    operations.adjust(account=credit, amount=500, key="k", by="user:1", reason="welcome", now=NOON, today=NOON.date())
    body = {**BASKET, "customer": {"id": str(customer.public_id)}, "tenders": [{"type": "credit"}], "order": {"id": "o-1"}}
    refused = client.post("redemptions", {**body, "expected_discount": 1_000, "expected_payable": 9_000})
    assert (refused.status_code, refused.json()["code"]) == (409, "decision-changed")
    assert refused.json()["decision"]["totals"]["payable"] == 8_500
    assert not Redemption.objects.exists()
    assert client.post("redemptions", {**body, "expected_discount": 1_000, "expected_payable": 8_500}).status_code == 201


def test_another_amount_than_was_told_is_not_paid_back_and_the_new_one_is_said(client: PartnerClient) -> None:
    IncentiveFactory()
    made = client.post("redemptions", {**BASKET, "order": {"id": "o-1"}}).json()
    path = f"redemptions/{made['id']}/returns"
    refused = client.post(path, {"everything": True, "expected_amount": 10_000}, key="one")
    assert (refused.status_code, refused.json()["code"]) == (409, "return-changed")
    preview = refused.json()["preview"]
    assert (preview["amount"], preview["stored_value"], preview["effects"]["broken"]) == (9_000, 0, [])
    assert client.post(path, {"everything": True, "expected_amount": -1}).status_code == 422
    assert client.post(path, {"everything": True, "expected_amount": 9_000}, key="one").json()["amount"] == 9_000


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"order": {}}, "#/order/id", "required"),
        ({"order": {"id": "x" * 101}}, "#/order/id", "max-length"),
        ({"order": {"id": "1", "placed_at": "2099-01-01T00:00:00Z"}}, "#/order/placed_at", "in-the-future"),
        (
            {"basket": {"lines": [{"id": "1", "sku": "a", "quantity": -1, "unit_price": 5}]}},
            "#/basket/lines/0/quantity",
            "out-of-range",
        ),
        ({"basket": lines(*[1] * 1001)}, "#/basket/lines", "too-many"),
        ({"currency": "XXX"}, "#/currency", "unknown-currency"),
        ({"codes": ["x"] * 31}, "#/codes", "max-length"),
        ({"basket": [1]}, "#/basket", "not-a-dict"),
    ],
)
def test_bad_input_is_named_by_its_pointer(client: PartnerClient, change: Any, pointer: str, code: str) -> None:
    IncentiveFactory()
    response = client.post("redemptions", {**BASKET, "order": {"id": "1"}, **change})
    assert response.status_code == 422, response.content
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in response.json()["errors"]]
    assert not Redemption.objects.exists()


def test_results_are_counted_at_once(client: PartnerClient) -> None:
    incentive = IncentiveFactory()
    client.post("redemptions", {**BASKET, "order": {"id": "o-1"}})
    results = client.get(f"campaigns/{incentive.campaign.public_id}/results")
    assert results.status_code == 200, results.content
    body = results.json()
    assert (body["from"], body["to"], body["campaign"]) == (None, None, str(incentive.campaign.public_id))
    assert body["totals"] == {
        "targeted": 0, "granted": 0, "redeemers": 0, "redemptions": 1, "redemption_rate": None, "discount": 1_000,
        "discount_unrecorded": 0, "revenue": 9_000,
    }  # fmt: skip
    assert [(row["channel"], row["redemptions"]) for row in body["by_channel"]] == [("web", 1)]
    assert [(row["key"], row["discount"]) for row in body["by_incentive"]] == [(incentive.key, 1_000)]
    assert [row["redemptions"] for row in body["by_day"]] == [1]
    later = client.get(f"campaigns/{incentive.campaign.public_id}/results", **{"from": "2999-01-01T00:00:00Z"}).json()
    assert later["totals"]["redemptions"] == 0
    assert client.get(f"campaigns/{incentive.campaign.public_id}/results", to="soon").status_code == 422

"""Campaigns, grants and simulations over the partners' API."""

from typing import Any

import pytest
import time_machine

from campaigns.models import Campaign, Grant, Limit, StackGroup
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key

pytestmark = pytest.mark.django_db
SIMULATION: dict[str, Any] = {
    "currency": "USD",
    "at": "2026-11-21T10:00:00Z",
    "channel": {"key": "till-7", "kind": "store"},
    "customer": {"facts": {"group": "VIP", "order_number": 3}},
    "basket": {
        "lines": [
            {"id": "1", "sku": "tshirt", "categories": ["clothes"], "quantity": 2, "unit_price": 5000, "minimum_unit_price": 4500}
        ],
        "shipping": [{"method": "express", "amount": 25000}],
    },
    "groups": [
        {"key": "default", "eligibility": "common", "rank": 100, "pick": "all", "scope": "basket", "limit": None, "base": None}
    ],
    "incentives": [
        {
            "key": "A",
            "group": "default",
            "priority": 0,
            "conditions": {"all": [{"fact": "basket.running_total", "op": ">=", "value": 10000}]},
            "effect": {
                "type": "percent_off",
                "percent": "20",
                "max_amount": 5000,
                "target": {"scope": "lines", "include": {"categories": ["clothes"]}},
            },
        }
    ],
    "policy": {"order": "ranked", "base": "running", "choose": "in_order", "failure": "partial", "max_total_percent": None},
}
CAMPAIGN: dict[str, Any] = {
    "name": "Welcome back",
    "goal": "win_back",
    "channels": ["web", "store"],
    "currency": "EUR",
    "time_zone": "Europe/Rome",
    "audience": {"all": [{"fact": "customer.orders", "op": ">=", "value": 2}]},
    "budget": 100_000,
    "incentives": [
        {"key": "five", "name": "5 off", "claim": "grant", "effect": {"type": "amount_off", "amount": 500}, "total_uses": 10}
    ],
}


@pytest.fixture
def client() -> PartnerClient:
    ChannelFactory()
    ChannelFactory(web=True)
    return PartnerClient(partner_key()[1])


def faults(response: Any) -> dict[str, str]:
    assert response.status_code == 422, response.content
    return {error["pointer"]: error["code"] for error in response.json()["errors"]}


class TestSimulations:
    def test_the_whole_language_is_said_inline(self, client: PartnerClient) -> None:
        response = client.post("simulations", SIMULATION)
        assert response.status_code == 200, response.content
        decision = response.json()
        assert decision["totals"] == {
            "items": 10_000, "shipping": 25_000, "initial": 35_000, "discount": 1_000, "stored_value": 0, "payable": 34_000,
        }  # fmt: skip
        assert decision["lines"] == [{"line": "1", "initial": 10_000, "discount": 1_000, "payable": 9_000}]

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"currency": "EURO"}, "#/currency", "unknown-currency"),
            ({"currnecy": "USD"}, "#/currnecy", "unknown-field"),
            ({"at": "yesterday"}, "#/at", "bad-instant"),
            ({"incentives": [{"key": "A", "effect": {"type": "magic"}}]}, "#/incentives/0/effect/type", "unknown-effect"),
            (
                {"incentives": [{"key": "A", "effect": {"type": "percent_off", "percent": "1e1"}}]},
                "#/incentives/0/effect/percent",
                "bad-percentage",
            ),
            (
                {"incentives": [{"key": "A", "effect": {"type": "percent_off", "percent": "101"}}]},
                "#/incentives/0/effect/percent",
                "bad-percentage",
            ),
            (
                {"incentives": [{"key": "A", "effect": {"type": "amount_off", "amount": -1}}]},
                "#/incentives/0/effect/amount",
                "out-of-range",
            ),
            (
                {"incentives": [{"key": "A", "conditions": {"fact": "basket.colour", "op": "==", "value": 1}, "effect": {}}]},
                "#/incentives/0/conditions/fact",
                "unknown-fact",
            ),
            ({"incentives": SIMULATION["incentives"] * 2}, "#/incentives/1/key", "repeated"),
            ({"policy": {"choose": "by_luck"}}, "#/policy/choose", "unknown-value"),
            (
                {"basket": {"lines": [{"id": "1", "sku": "a", "quantity": 1}]}},
                "#/basket/lines/0/unit_price",
                "not-a-whole-number",
            ),
            ({"basket": {"lines": SIMULATION["basket"]["lines"] * 2}}, "#/basket/lines/1/id", "repeated"),
        ],
    )
    def test_a_fault_is_named_by_its_pointer(self, client: PartnerClient, change: Any, pointer: str, code: str) -> None:
        assert faults(client.post("simulations", {**SIMULATION, **change}))[pointer] == code


class TestCampaigns:
    def test_a_campaign_lives_its_life(self, client: PartnerClient) -> None:
        made = client.post("campaigns", CAMPAIGN)
        assert made.status_code == 201, made.content
        body = made.json()
        assert (body["status"], body["budget"], body["channels"]) == ("draft", {"amount": 100_000, "spent": 0}, ["store", "web"])
        path = f"campaigns/{body['id']}"
        assert client.patch(path, {"name": "Better"}).json()["name"] == "Better"
        steps = [client.post(f"{path}/{step}").json().get("status") for step in ("launch", "pause", "resume", "end")]
        assert steps == ["live", "paused", "live", "ended"]
        again = client.post(f"{path}/launch")
        assert (again.status_code, again.json()["code"]) == (409, "wrong-status")

    def test_nothing_is_half_written(self, client: PartnerClient) -> None:
        bad = {**CAMPAIGN, "incentives": [{**CAMPAIGN["incentives"][0], "effect": {"type": "amount_off", "amount": 0}}]}
        assert faults(client.post("campaigns", bad)) == {"#/incentives/0/effect/amount": "out-of-range"}
        assert not Campaign.objects.exists()

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"time_zone": "Mars/Olympus"}, "#/time_zone", "unknown-time-zone"),
            ({"currency": "EEE"}, "#/currency", "unknown-currency"),
            ({"budget": -5}, "#/budget", "out-of-range"),
            ({"goal": "fame"}, "#/goal", "invalid-choice"),
            ({"name": "x" * 201}, "#/name", "max-length"),
            ({"channels": ["pigeon"]}, "#/channels/0", "channel-unknown"),
            ({"starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-11-01T00:00:00Z"}, "#/ends_at", "ends-before-it-starts"),
            ({"audience": {"fact": "basket.quantity", "op": ">", "value": 1}}, "#/audience/fact", "unknown-fact"),
            ({"colour": "red"}, "#/colour", "unknown-field"),
        ],
    )
    def test_a_fault_is_named_by_its_pointer(self, client: PartnerClient, change: Any, pointer: str, code: str) -> None:
        assert faults(client.post("campaigns", {**CAMPAIGN, **change})) == {pointer: code}
        assert not Campaign.objects.exists()

    def test_a_campaign_without_incentive_is_not_launched(self, client: PartnerClient) -> None:
        made = client.post("campaigns", {**CAMPAIGN, "incentives": []}).json()
        assert faults(client.post(f"campaigns/{made['id']}/launch")) == {"#/incentives": "no-incentive"}

    def test_the_list_is_filtered_and_pages_by_cursor(self, client: PartnerClient) -> None:
        CampaignFactory.create_batch(3)
        CampaignFactory(live=True, name="Autumn")
        page = client.get("campaigns", limit=2).json()
        assert len(page["results"]) == 2
        assert page["next"]
        assert [row["name"] for row in client.get("campaigns", status="live", q="autu").json()["results"]] == ["Autumn"]

    def test_an_unknown_stack_group_is_named(self, client: PartnerClient) -> None:
        bad = {**CAMPAIGN, "incentives": [{**CAMPAIGN["incentives"][0], "group": "nowhere"}]}
        assert faults(client.post("campaigns", bad)) == {"#/incentives/0/group": "group-unknown"}
        assert not StackGroup.objects.filter(key="nowhere").exists()

    def test_what_is_promised_is_read_back_and_revised(self, client: PartnerClient) -> None:
        terms = {
            "awards": [{"type": "points", "per": 100, "points": 2}, {"type": "grant", "incentive": "five"}],
            "sentences": {"any": {"en": "Ask at the desk."}},
            "total_units": 40,
            "when_short": "clip",
        }
        ten = {"key": "ten", "name": "Ten", "effect": {"type": "percent_off", "percent": "10"}, **terms}
        made = client.post("campaigns", {**CAMPAIGN, "when_short": "clip", "incentives": [ten, *CAMPAIGN["incentives"]]})
        assert made.status_code == 201, made.content
        first, five = made.json()["incentives"]
        assert made.json()["when_short"] == "clip"
        assert first["awards"] == [terms["awards"][0], {"type": "grant", "incentive": five["id"]}]
        assert {name: first[name] for name in ("sentences", "total_units", "when_short")} == {
            name: terms[name] for name in ("sentences", "total_units", "when_short")
        }
        path = f"incentives/{first['id']}"
        revised = client.patch(path, {"awards": [], "when_short": "refuse"})
        assert (revised.status_code, revised.json()["awards"]) == (200, [])
        assert client.get(path).json() == revised.json() == {**first, "awards": [], "when_short": "refuse"}

    def test_an_award_only_incentive_is_added_and_removed(self, client: PartnerClient) -> None:
        path = f"campaigns/{client.post('campaigns', CAMPAIGN).json()['id']}"
        added = client.post(f"{path}/incentives", {"key": "points", "name": "P", "awards": [{"type": "points", "points": 5}]})
        assert (added.status_code, added.json()["effect"]) == (201, {}), added.content
        assert client.delete(f"incentives/{added.json()['id']}").status_code == 204
        assert [row["key"] for row in client.get(path).json()["incentives"]] == ["five"]

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"awards": [{"type": "grant", "incentive": "itself"}]}, "#/incentives/0/awards/0/incentive", "circular"),
            ({"awards": [{"type": "grant", "incentive": "nobody"}]}, "#/incentives/0/awards/0/incentive", "incentive-unknown"),
            ({"awards": {}}, "#/incentives/0/awards", "not-a-list"),
            ({"sentences": {"bad-mood": {"en": "No."}}}, "#/incentives/0/sentences/bad-mood", "unknown-value"),
            ({"sentences": {"any": {"tlh": "ghobe"}}}, "#/incentives/0/sentences/any/tlh", "unknown-language"),
            ({"sentences": {"any": {"en": "x" * 201}}}, "#/incentives/0/sentences/any/en", "bad-text"),
            ({"sentences": []}, "#/incentives/0/sentences", "not-an-object"),
            ({"when_short": "clip"}, "#/incentives/0/when_short", "nothing-to-clip"),
            ({"total_units": 0}, "#/incentives/0/total_units", "out-of-range"),
        ],
    )
    def test_a_fault_in_the_terms_is_named_by_its_pointer(
        self, client: PartnerClient, change: Any, pointer: str, code: str
    ) -> None:
        terms = {"key": "itself", "name": "N", "claim": "grant", "effect": {"type": "percent_off", "percent": "10"}}
        assert faults(client.post("campaigns", {**CAMPAIGN, "incentives": [{**terms, **change}]})) == {pointer: code}
        assert not Campaign.objects.exists()


def nested(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"fact": "basket.quantity", "op": ">", "value": 1}
    for _level in range(depth):
        condition = {"all": [condition]}
    return condition


class TestHostileCampaigns:
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"conditions": nested(40)}, "#/incentives/0/conditions"),
            ({"conditions": {"all": [nested(0)] * 10_000}}, "#/incentives/0/conditions"),
            ({"effect": {"type": "percent_off", "percent": "101"}}, "#/incentives/0/effect/percent"),
            ({"effect": {"type": "percent_off", "percent": "1e2"}}, "#/incentives/0/effect/percent"),
            ({"effect": {"type": "bundle_price", "amount": 1, "size": 0}}, "#/incentives/0/effect/size"),
            ({"conditions": {"fact": "store.key", "op": "matches", "value": "(a+)+(?=b)"}}, "#/incentives/0/conditions/value"),
            ({"awards": [{"type": "grant", "incentive": "five"}]}, "#/incentives/0/awards/0/incentive"),
            ({"awards": [{"type": "points", "points": 1}] * 10_000}, "#/incentives/0/awards"),
            ({"sentences": {str(n): {} for n in range(10_000)}}, "#/incentives/0/sentences"),
            ({"sentences": {"any": {str(n): "x" for n in range(10_000)}}}, "#/incentives/0/sentences/any"),
        ],
    )
    def test_it_is_refused_by_pointer_and_nothing_is_stored(
        self, client: PartnerClient, change: dict[str, Any], pointer: str
    ) -> None:
        body = {**CAMPAIGN, "incentives": [{**CAMPAIGN["incentives"][0], **change}]}
        response = client.post("campaigns", body)
        assert response.status_code == 422, response.content[:500]
        assert any(error["pointer"].startswith(pointer) for error in response.json()["errors"]), response.json()
        assert not Campaign.objects.exists()


class TestLimits:
    def test_limits_of_every_kind_are_set_read_and_taken_away(self, client: PartnerClient) -> None:
        made = client.post("campaigns", CAMPAIGN).json()
        path = f"incentives/{made['incentives'][0]['id']}"
        limits = {
            "total_uses": 5_000, "uses_per_customer": 9, "uses_per_customer_day": 1, "uses_per_customer_week": 2,
            "uses_per_customer_month": 3, "uses_per_store": 100,
        }  # fmt: skip
        answer = client.patch(path, limits).json()
        assert {name: answer[name] for name in limits} == limits
        rows = dict(Limit.objects.filter(incentive__public_id=answer["id"]).values_list("per", "slots"))
        assert rows == {"total": 16, "customer": 1, "customer_day": 1, "customer_week": 1, "customer_month": 1, "store": 1}
        assert client.patch(path, {"uses_per_store": None}).json()["uses_per_store"] is None
        assert client.patch(path, {"uses_per_customer_day": 0}).status_code == 422


class TestStackGroups:
    def test_a_group_is_made_read_and_changed(self, client: PartnerClient) -> None:
        made = client.post("stack-groups", {"key": "toppings", "name": "Toppings", "pick": "best_for_customer", "scope": "line"})
        assert made.status_code == 201, made.content
        assert made.json() == {
            "key": "toppings", "name": "Toppings", "eligibility": "common", "rank": 100, "limit": None,
            "pick": "best_for_customer", "scope": "line", "base": None, "consume_without_effect": False,
        }  # fmt: skip
        assert made.json() in client.get("stack-groups").json()["results"]
        changed = client.patch("stack-groups/toppings", {"base": "original", "consume_without_effect": True})
        assert client.get("stack-groups/toppings").json() == changed.json()
        assert (changed.json()["base"], changed.json()["consume_without_effect"]) == ("original", True)
        assert client.get("stack-groups/nowhere").json()["code"] == "group-unknown"

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"limit": 0}, "#/limit", "out-of-range"),
            ({"limit": 2, "pick": "first"}, "#/limit", "never-reached"),
            ({"scope": "line"}, "#/scope", "nothing-to-pick"),
            ({"pick": "luck"}, "#/pick", "invalid-choice"),
            ({"colour": "red"}, "#/colour", "unknown-field"),
        ],
    )
    def test_what_nobody_could_predict_is_refused(self, client: PartnerClient, change: Any, pointer: str, code: str) -> None:
        assert faults(client.post("stack-groups", {"key": "a", "name": "A", **change})) == {pointer: code}
        assert not StackGroup.objects.filter(key="a").exists()


class TestGrants:
    def test_a_grant_is_given_once_per_occasion(self, client: PartnerClient) -> None:
        incentive = IncentiveFactory(granted=True)
        identity = IdentityFactory(kind="email", value="ann@example.com")
        body = {
            "customer": {"identity": {"kind": "email", "value": "Ann@example.com"}},
            "incentive": str(incentive.public_id),
            "occasion": "birthday",
        }
        first, second = client.post("grants", body), client.post("grants", body)
        assert (first.status_code, second.status_code) == (201, 200), first.content
        assert first.json() == second.json()
        assert (first.json()["state"], len(first.json()["code"])) == ("held", 14)
        assert Grant.objects.get().customer == identity.customer
        wallet = client.get(f"customers/{identity.customer.public_id}/wallet").json()
        assert [item["code"] for item in wallet["results"]] == [first.json()["code"]]

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"customer": {"id": "nobody"}}, (404, "customer-unknown")),
            ({"customer": {}}, (422, "invalid")),
            ({"customer": {"identity": {"kind": "email", "value": "null"}}}, (422, "invalid")),
            ({"incentive": "nothing"}, (404, "incentive-unknown")),
            ({"channel": "store"}, (201, None)),
            ({"ends_at": "2020-01-01T00:00:00Z"}, (422, "invalid")),
            ({"occasion": ""}, (422, "invalid")),
        ],
    )
    def test_refusals(self, client: PartnerClient, change: Any, expected: tuple[int, str | None]) -> None:
        body = {"customer": {"id": str(CustomerFactory().public_id)}, "incentive": str(IncentiveFactory(granted=True).public_id)}
        response = client.post("grants", {**body, **change})
        assert (response.status_code, response.json().get("code") if response.status_code > 201 else None) == expected

    def test_only_live_wallet_incentives_are_granted_where_they_are_given(self, client: PartnerClient) -> None:
        customer = {"id": str(CustomerFactory().public_id)}
        automatic = IncentiveFactory()
        elsewhere = IncentiveFactory(granted=True, campaign=CampaignFactory(live=True, channels=[ChannelFactory()]))
        draft = IncentiveFactory(granted=True, campaign=CampaignFactory())
        for incentive in (automatic, elsewhere, draft):
            response = client.post("grants", {"customer": customer, "incentive": str(incentive.public_id)})
            assert (response.status_code, response.json()["code"]) == (409, "not-grantable")

    def test_a_held_grant_whose_time_is_over_shows_as_expired(self, client: PartnerClient) -> None:
        grant = GrantFactory(ends_at=NOON)
        with time_machine.travel(NOON, tick=False):
            (item,) = client.get(f"customers/{grant.customer.public_id}/wallet").json()["results"]
        assert item["state"] == "expired"

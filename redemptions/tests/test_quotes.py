"""A quote asks the database twice: who calls, and everything else. Nothing it remembers outlives a change."""

import datetime
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from campaigns import operations as campaign_operations
from campaigns import queries as campaign_queries
from campaigns import sealing
from campaigns.models import Campaign, Claim, Code, Grant, Incentive, LimitCounter, Status
from campaigns.queries import catalogue
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory, LimitFactory
from customers.models import Channel, Customer, Identity
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, IdentityFactory, StoreFactory
from incentives_site.integrations.models import ApiKey, Partner
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from redemptions.models import Redemption
from redemptions.tests.factories import lines

pytestmark = pytest.mark.django_db
BASKET: dict[str, Any] = {"currency": "USD", "channel": "store", "basket": lines(10_000)}
GOLD = {"all": [{"fact": "customer.tier", "op": "==", "value": "gold"}]}


@pytest.fixture
def client() -> PartnerClient:
    ChannelFactory()
    ChannelFactory(web=True)
    return PartnerClient(partner_key()[1])


def by(identity: Identity) -> dict[str, Any]:
    return {**BASKET, "customer": {"identity": {"kind": identity.kind, "value": identity.value}}}


def given(customer: Customer | None = None, **fields: Any) -> tuple[Grant, str]:
    """A grant with its code."""
    grant, _new = campaign_operations.grant(
        customer=customer or CustomerFactory(),
        incentive=IncentiveFactory(granted=True, **fields),
        channel=Channel.objects.get(key="web"),
        by="key:shop",
        now=NOON,
    )
    return grant, campaign_queries.grant_code(grant)


def answer(client: PartnerClient, body: dict[str, Any]) -> tuple[int, Any]:
    """The status, and the names of what applies or the code of the refusal."""
    response = client.post("quotes", body)
    said = response.json()
    return response.status_code, [item["name"] for item in said["applied"]] if response.status_code == 200 else said["code"]


class TestHowMuchIsAsked:
    def test_two_questions_are_enough_for_a_known_customer(self, client: PartnerClient) -> None:
        LimitFactory(incentive=IncentiveFactory(name="ten"))
        customer = CustomerFactory(traits={"tier": "gold"})
        identity = IdentityFactory(customer=customer)
        GrantFactory(customer=customer, incentive__name="held")
        by_id = {**BASKET, "customer": {"id": str(customer.public_id)}}
        here = {"store": StoreFactory().key}
        answer(client, by(identity))
        for body in (BASKET, {**BASKET, **here}, by(identity), by_id, {**by(identity), **here}, {**BASKET, "codes": ["x"]}):
            with CaptureQueriesContext(connection) as asked:
                assert answer(client, body)[0] == 200
            assert len(asked) == 2, [query["sql"] for query in asked]

    def test_limits_of_what_a_code_opens_are_no_more(self, client: PartnerClient) -> None:
        coded = IncentiveFactory(name="coded", claim="code")
        Code.objects.create(incentive=coded, digest=sealing.digest("TEN"), sealed=b"x")
        own = LimitFactory(incentive=coded, per="customer", maximum=1)
        of_all = LimitFactory(incentive=None, campaign=coded.campaign, maximum=5)
        identity = IdentityFactory()
        body = {**by(identity), "codes": ["TEN"]}
        answer(client, body)
        with CaptureQueriesContext(connection) as asked:
            assert answer(client, body) == (200, ["coded"])
        assert len(asked) == 2
        for limit, subject in ((own, str(identity.customer.public_id)), (of_all, "")):
            counter = LimitCounter.objects.create(limit=limit, subject=subject, used=limit.maximum)
            assert answer(client, body) == (200, [])
            counter.delete()
        assert answer(client, body) == (200, ["coded"])

    def test_limits_of_what_only_this_customer_gets_are_one_more(self, client: PartnerClient) -> None:
        limit = LimitFactory(incentive=IncentiveFactory(name="gold", conditions=GOLD), per="customer", maximum=1)
        identity = IdentityFactory(customer=CustomerFactory(traits={"tier": "gold"}))
        answer(client, by(identity))
        with CaptureQueriesContext(connection) as asked:
            assert answer(client, by(identity)) == (200, ["gold"])
        assert len(asked) == 3
        LimitCounter.objects.create(limit=limit, subject=str(identity.customer.public_id), used=1)
        assert answer(client, by(identity)) == (200, [])


class TestWhatChangesCountsAtOnce:
    def test_a_key_that_is_revoked_has_made_its_last_call(self, client: PartnerClient) -> None:
        assert answer(client, BASKET)[0] == 200
        ApiKey.objects.update(revoked=True)
        assert answer(client, BASKET) == (401, "key-not-accepted")

    def test_so_has_one_that_expires_or_whose_partner_is_switched_off(self, client: PartnerClient) -> None:
        assert answer(client, BASKET)[0] == 200
        ApiKey.objects.update(expiry_date=timezone.now() - datetime.timedelta(seconds=1))
        assert answer(client, BASKET) == (401, "key-not-accepted")
        ApiKey.objects.update(expiry_date=None)
        assert answer(client, BASKET)[0] == 200
        Partner.objects.update(is_active=False)
        assert answer(client, BASKET) == (401, "key-not-accepted")

    def test_a_right_prefix_with_a_wrong_secret_is_refused(self, client: PartnerClient) -> None:
        row, text = partner_key(partner="other")
        assert answer(PartnerClient(f"{row.prefix}.{text[-3:]}"), BASKET) == (401, "key-not-accepted")

    def test_a_scope_that_is_taken_away_is_missing(self, client: PartnerClient) -> None:
        assert answer(client, BASKET)[0] == 200
        ApiKey.objects.update(scopes=["redemptions"])
        assert answer(client, BASKET) == (403, "missing-scope")

    def test_a_channel_that_is_switched_off_is_not_there(self, client: PartnerClient) -> None:
        IncentiveFactory(name="ten")
        assert answer(client, BASKET) == (200, ["ten"])
        Channel.objects.filter(key="store").update(is_active=False)
        assert answer(client, BASKET) == (404, "channel-unknown")
        Channel.objects.filter(key="store").update(is_active=True)
        assert answer(client, BASKET) == (200, ["ten"])

    def test_a_channel_is_of_the_kind_it_is_now(self, client: PartnerClient) -> None:
        IncentiveFactory(name="ten", conditions={"all": [{"fact": "channel.kind", "op": "==", "value": "store"}]})
        assert answer(client, BASKET) == (200, ["ten"])
        Channel.objects.filter(key="store").update(kind="app")
        assert answer(client, BASKET) == (200, [])

    def test_a_store_that_is_switched_off_is_not_there(self, client: PartnerClient) -> None:
        store = StoreFactory(key="high-street")
        here = {"all": [{"fact": "store.key", "op": "==", "value": "high-street"}]}
        IncentiveFactory(name="here", conditions=here)
        body = {**BASKET, "store": "high-street"}
        assert answer(client, BASKET) == (200, [])
        assert answer(client, body) == (200, ["here"])
        assert answer(client, {**body, "customer": {"id": str(CustomerFactory().public_id)}}) == (200, ["here"])
        assert answer(client, {**body, "store": "no-such"}) == (404, "store-unknown")
        type(store).objects.update(is_active=False)
        assert answer(client, body) == (404, "store-unknown")

    def test_the_one_store_of_a_key_is_meant_when_none_is_named(self, client: PartnerClient) -> None:
        StoreFactory(key="high-street")
        IncentiveFactory(name="here", conditions={"all": [{"fact": "store.key", "op": "==", "value": "high-street"}]})
        bound = PartnerClient(partner_key(store_keys=["high-street"])[1])
        assert answer(bound, BASKET) == (200, ["here"])
        made = bound.post("redemptions", {**BASKET, "order": {"id": "1"}}).json()
        assert made["store"] == "high-street"

    def test_a_pause_stops_what_applies_by_itself_and_what_is_held(self, client: PartnerClient) -> None:
        IncentiveFactory(name="ten")
        grant, code = given(name="held")
        body = {**BASKET, "customer": {"id": str(grant.customer.public_id)}}
        assert answer(client, body) == (200, ["ten", "held"])
        Campaign.objects.update(status=Status.PAUSED)
        assert answer(client, body) == (200, [])
        sent = client.post("quotes", {**body, "codes": [code]}).json()
        assert [item["code"] for item in sent["inapplicable"]] == ["not-live"]


class TestWhoTheCustomerIs:
    def test_an_identity_that_moves_to_another_customer_brings_that_ones_wallet(self, client: PartnerClient) -> None:
        """As when two customers are found to be one."""
        IncentiveFactory(name="gold", conditions=GOLD)
        identity, other = IdentityFactory(), CustomerFactory(traits={"tier": "gold"})
        GrantFactory(customer=other, incentive__name="held")
        assert answer(client, by(identity)) == (200, [])
        Identity.objects.filter(pk=identity.pk).update(customer=other)
        assert answer(client, by(identity)) == (200, ["gold", "held"])

    def test_a_customer_who_is_erased_is_unknown(self, client: PartnerClient) -> None:
        identity = IdentityFactory()
        by_id = {**BASKET, "customer": {"id": str(identity.customer.public_id)}}
        assert [answer(client, body)[0] for body in (by(identity), by_id)] == [200, 200]
        identity.customer.delete()
        assert [answer(client, body) for body in (by(identity), by_id)] == [(404, "customer-unknown")] * 2

    def test_what_is_known_of_a_customer_counts_from_the_next_quote_on(self, client: PartnerClient) -> None:
        IncentiveFactory(name="gold", conditions=GOLD)
        identity = IdentityFactory(customer=CustomerFactory(traits={"tier": "gold"}))
        assert answer(client, by(identity)) == (200, ["gold"])
        type(identity.customer).objects.update(facts={"tier": "silver"})
        assert answer(client, by(identity)) == (200, [])

    @pytest.mark.parametrize(
        "customer", [{"id": "no-such"}, {"id": "0" * 32}, {"identity": {"kind": "email", "value": "a@b.co"}}]
    )
    def test_nobody_is_found_by_what_nobody_has(self, client: PartnerClient, customer: Any) -> None:
        assert answer(client, {**BASKET, "customer": customer}) == (404, "customer-unknown")

    def test_junk_is_named_by_its_pointer(self, client: PartnerClient) -> None:
        said = client.post("quotes", {**BASKET, "customer": {"identity": {"kind": "email", "value": "null"}}}).json()
        assert (said["status"], said["errors"][0]["pointer"].startswith("#/customer/identity")) == (422, True)

    def test_the_code_of_a_grant_names_its_holder(self, client: PartnerClient) -> None:
        IncentiveFactory(name="gold", conditions=GOLD)
        grant, code = given(CustomerFactory(traits={"tier": "gold"}), name="held")
        GrantFactory(customer=grant.customer, incentive__name="also held")
        body = {**BASKET, "codes": [code]}
        status, applied = answer(client, body)
        assert (status, sorted(applied)) == (200, ["also held", "gold", "held"])
        assert answer(client, {**body, "customer": {"id": str(CustomerFactory().public_id)}}) == (200, [])

    def test_a_limit_each_counts_for_the_one_who_is_named(self, client: PartnerClient) -> None:
        limit = LimitFactory(incentive=IncentiveFactory(name="once", claim=Claim.AUTOMATIC), per="customer", maximum=1)
        first, second = IdentityFactory(), IdentityFactory()
        LimitCounter.objects.create(limit=limit, subject=str(first.customer.public_id), used=1)
        assert [answer(client, body) for body in (by(first), by(second), BASKET)] == [(200, []), (200, ["once"]), (200, [])]


class TestCampaignsAsIfTheyWereLive:
    """``campaigns`` of a quote: what would happen, beside what is live."""

    @staticmethod
    def asked(*campaigns: Campaign, **fields: Any) -> dict[str, Any]:
        return {**BASKET, "campaigns": [str(campaign.public_id) for campaign in campaigns], **fields}

    def test_a_draft_stands_beside_what_is_live_and_is_forgotten(self, client: PartnerClient) -> None:
        IncentiveFactory(name="live")
        draft = IncentiveFactory(name="draft", campaign=CampaignFactory()).campaign
        IncentiveFactory(name="another draft", campaign=CampaignFactory())
        assert answer(client, BASKET) == (200, ["live"])
        version = catalogue.version_now()
        with CaptureQueriesContext(connection) as asked:
            status, applied = answer(client, self.asked(draft))
        assert (status, sorted(applied)) == (200, ["draft", "live"])
        assert [query["sql"] for query in asked if not query["sql"].lstrip().startswith("SELECT")] == []
        draft.refresh_from_db()
        assert (draft.status, catalogue.version_now()) == (Status.DRAFT, version)
        assert answer(client, BASKET) == (200, ["live"])

    @pytest.mark.parametrize("status", [Status.PAUSED, Status.SCHEDULED, Status.ENDED, Status.LIVE])
    def test_its_status_does_not_matter_its_schedule_does(self, client: PartnerClient, status: Status) -> None:
        begins, ends = NOON + datetime.timedelta(days=1), NOON + datetime.timedelta(days=2)
        campaign = CampaignFactory(status=status, starts_at=begins, ends_at=ends)
        IncentiveFactory(name="later", campaign=campaign)
        found = {}
        for at in (begins - datetime.timedelta(seconds=1), begins, ends):
            said = client.post("quotes", self.asked(campaign, at=at.isoformat())).json()
            found[at] = [item["code"] for item in said["inapplicable"]] or [item["name"] for item in said["applied"]]
        assert list(found.values()) == [["outside-schedule"], ["later"], ["outside-schedule"]]

    def test_a_code_has_to_be_sent(self, client: PartnerClient) -> None:
        draft = CampaignFactory()
        campaign_operations.add_incentive(
            campaign=draft, by="user:1", key="summer", name="summer", claim="code", code="SUMMER10",
            effect={"type": "amount_off", "amount": 500},
        )  # fmt: skip
        assert answer(client, self.asked(draft)) == (200, [])
        assert answer(client, self.asked(draft, codes=["summer 10"])) == (200, ["summer"])
        assert answer(client, {**BASKET, "codes": ["SUMMER10"]}) == (200, [])

    def test_a_known_customer_holds_what_is_given(self, client: PartnerClient) -> None:
        given_ones = IncentiveFactory(name="given", granted=True, campaign=CampaignFactory(audience=GOLD))
        someone = {"customer": {"id": str(CustomerFactory().public_id)}}
        assert answer(client, self.asked(given_ones.campaign, **someone)) == (200, ["given"])
        assert answer(client, self.asked(given_ones.campaign)) == (200, [])
        assert not Grant.objects.exists()

    def test_who_holds_one_uses_that_one_once(self, client: PartnerClient) -> None:
        grant = GrantFactory(incentive__name="held")
        Campaign.objects.update(status=Status.PAUSED)
        body = {"customer": {"id": str(grant.customer.public_id)}}
        said = client.post("quotes", self.asked(grant.incentive.campaign, **body)).json()
        assert [item["grant"] for item in said["applied"]] == [str(grant.public_id)]

    def test_audience_channel_and_limits_are_those_of_the_till(self, client: PartnerClient) -> None:
        web = Channel.objects.get(key="web")
        for_gold = IncentiveFactory(campaign=CampaignFactory(audience=GOLD))
        online = IncentiveFactory(campaign=CampaignFactory(channels=[web]))
        used_up = LimitFactory(incentive=IncentiveFactory(campaign=CampaignFactory()), maximum=1)
        LimitCounter.objects.create(limit=used_up, subject="", used=1)
        nowhere_yet = IncentiveFactory(name="nowhere yet", campaign=CampaignFactory(channels=[]))
        several = [row.campaign for row in (for_gold, online, used_up.incentive, nowhere_yet)]
        said = client.post("quotes", self.asked(*several)).json()
        refused = {item["incentive"]: item["code"] for item in said["inapplicable"]}
        assert refused == {
            str(for_gold.public_id): "not-eligible",
            str(online.public_id): "wrong-channel",
            str(used_up.incentive.public_id): "limit-reached",
        }
        assert [item["name"] for item in said["applied"]] == ["nowhere yet"]

    def test_it_needs_the_scope_to_simulate(self, client: PartnerClient) -> None:
        other = PartnerClient(partner_key(scopes=["quotes"])[1])
        for body in (self.asked(CampaignFactory()), self.asked(), {**BASKET, "campaigns": ["no-such"]}):
            assert answer(other, body) == (403, "missing-scope")

    def test_what_is_not_there_is_named_by_its_pointer(self, client: PartnerClient) -> None:
        body = {**BASKET, "campaigns": [str(CampaignFactory().public_id), "no-such", str(uuid.uuid4())]}
        said = client.post("quotes", body).json()
        pointers = [(error["pointer"], error["code"]) for error in said["errors"]]
        assert (said["status"], pointers) == (422, [(f"#/campaigns/{n}", "campaign-unknown") for n in (1, 2)])

    @pytest.mark.parametrize(
        ("campaigns", "pointer"),
        [
            ("x", "#/campaigns"),
            (None, "#/campaigns"),
            (["x"] * 51, "#/campaigns"),
            ([[1]], "#/campaigns/0"),
            (["\x00"], "#/campaigns/0"),
        ],
    )
    def test_junk_is_refused(self, client: PartnerClient, campaigns: Any, pointer: str) -> None:
        response = client.post("quotes", {**BASKET, "campaigns": campaigns})
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)

    def test_a_thousand_incentives_are_enough(self, client: PartnerClient) -> None:
        draft, one_more = CampaignFactory(), IncentiveFactory(campaign=CampaignFactory())
        Incentive.objects.bulk_create(
            Incentive(campaign=draft, key=f"i-{n}", name=str(n), effect=one_more.effect, stack_group=one_more.stack_group)
            for n in range(1_000)
        )
        assert answer(client, self.asked(draft))[0] == 200
        said = client.post("quotes", self.asked(draft, one_more.campaign)).json()
        assert [(error["pointer"], error["code"]) for error in said["errors"]] == [("#/campaigns", "too-many")]

    def test_nothing_imagined_is_redeemed(self, client: PartnerClient) -> None:
        draft = IncentiveFactory(campaign=CampaignFactory()).campaign
        response = client.post("redemptions", {**self.asked(draft), "order": {"id": "1"}})
        assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "unknown-field")
        assert not Redemption.objects.exists()

    def test_the_schema_says_so(self) -> None:
        forms = SchemaGenerator().get_schema(public=True)["components"]["schemas"]
        assert forms["QuoteRequestRequest"]["properties"]["campaigns"]["maxItems"] == 50
        assert "campaigns" not in forms["RedemptionRequestRequest"]["properties"]

"""A quote asks the database twice: who calls, and everything else. Nothing it remembers outlives a change."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import operations as campaign_operations
from campaigns import queries as campaign_queries
from campaigns.models import Campaign, Claim, Grant, LimitCounter, Status
from campaigns.tests.factories import GrantFactory, IncentiveFactory, LimitFactory
from customers.models import Channel, Customer, Identity
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site.integrations.models import ApiKey, Partner
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
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
        answer(client, by(identity))
        for body in (BASKET, by(identity), {**BASKET, "customer": {"id": str(customer.public_id)}}, {**BASKET, "codes": ["x"]}):
            with CaptureQueriesContext(connection) as asked:
                assert answer(client, body)[0] == 200
            assert len(asked) == 2, [query["sql"] for query in asked]

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

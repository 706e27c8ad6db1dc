"""A customer's profile and timeline over the partners' API."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, Event
from customers.operations import track
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> PartnerClient:
    return PartnerClient(partner_key(scopes=["customers:read"])[1])


def test_a_customer_is_found_by_identity_and_by_id(client: PartnerClient) -> None:
    identity = IdentityFactory(kind="external:shop", value="a:b", customer=CustomerFactory(traits={"age": "35-44"}))
    for response in (
        client.get("customers", identity="external:shop:a:b"),
        client.get(f"customers/{identity.customer.public_id}"),
    ):
        assert response.status_code == 200, response.content
        assert response.json()["identities"] == [{"kind": "external:shop", "value": "a:b"}]
        assert response.json()["traits"] == {"age": "35-44"}


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("email:nobody@example.com", (404, "customer-unknown")),
        ("email:null", (422, "invalid")),
        ("email", (422, "invalid")),
        ("", (422, "invalid")),
    ],
)
def test_who_is_not_known_is_not_found(client: PartnerClient, identity: str, expected: tuple[int, str]) -> None:
    response = client.get("customers", identity=identity)
    assert (response.status_code, response.json()["code"]) == expected


def happened(customer: Customer, n: int, at: datetime.datetime) -> None:
    track(
        customer=customer,
        type=EventType.TRACK,
        name=f"n{n}",
        source="t",
        message_id=f"m{n}",
        occurred_at=at,
        received_at=at,
        channel=ChannelFactory(),
    )


def test_the_timeline_pages_newest_first(client: PartnerClient) -> None:
    customer = CustomerFactory()
    for n in range(5):
        at = NOON + datetime.timedelta(minutes=n)
        for _twice in range(2):
            happened(customer, n, at)
    assert Event.objects.count() == 5
    page = client.get(f"customers/{customer.public_id}/timeline", limit=3).json()
    assert [item["name"] for item in page["results"]] == ["n4", "n3", "n2"]
    assert page["results"][0]["channel"] == "store"
    rest = client.get(page["next"].partition("/api/v1/")[2]).json()
    assert [item["name"] for item in rest["results"]] == ["n1", "n0"]


def test_the_timeline_takes_few_queries(client: PartnerClient) -> None:
    customer = CustomerFactory()
    for n in range(20):
        happened(customer, n, NOON)
    with CaptureQueriesContext(connection) as queries:
        client.get(f"customers/{customer.public_id}/timeline")
    assert len(queries) <= 3

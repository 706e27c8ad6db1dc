"""A customer's profile and timeline over the partners' API."""

import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers import queries
from customers.models import Consent, Customer, Event
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
    with CaptureQueriesContext(connection) as asked:
        client.get(f"customers/{customer.public_id}/timeline")
    assert len(asked) <= 3


class TestPreferences:
    @pytest.fixture
    def writer(self) -> PartnerClient:
        return PartnerClient(partner_key(scopes=["customers:read", "customers:write"])[1])

    def test_they_are_read_with_the_link_to_the_page(self, writer: PartnerClient) -> None:
        ChannelFactory(mail=True, can_message=True)
        ChannelFactory(web=True, asks_first=False)
        customer = CustomerFactory()
        answer = writer.get(f"customers/{customer.public_id}/preferences")
        assert answer.status_code == 200
        data = answer.json()
        assert data.pop("url") == queries.preferences_url(customer)
        assert set(data.pop("unsubscribe")) == {"mail", "web"}
        assert data == {
            "opted_out": False,
            "channels": {"mail": False, "web": True},
            "kinds": dict.fromkeys(["discounts", "points", "credit", "contests", "access"], True),
            "research": True,
            "per_week": None,
            "paused_until": None,
            "language": "",
        }

    def test_the_link_for_a_message_leads_out_of_its_channel(self, writer: PartnerClient) -> None:
        ChannelFactory(mail=True, can_message=True)
        customer = CustomerFactory()
        link = writer.get(f"customers/{customer.public_id}/preferences").json()["unsubscribe"]["mail"]
        said = {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"}
        answer = Client().post(urlsplit(link).path, **said)
        assert answer.status_code == 200
        [line] = Consent.objects.all()
        assert (line.customer, line.channel.key, line.is_given) == (customer, "mail", False)

    def test_what_is_named_is_changed_once_and_the_rest_stays(self, writer: PartnerClient) -> None:
        ChannelFactory(mail=True, can_message=True)
        customer = CustomerFactory()
        path = f"customers/{customer.public_id}/preferences"
        body = {"channels": {"mail": True}, "kinds": {"contests": False}, "per_week": 2, "language": "fr", "wording": "c-7"}
        for _time in range(2):
            data = writer.put(path, body).json()
            assert (data["channels"], data["kinds"]["contests"], data["per_week"]) == ({"mail": True}, False, 2)
        assert Consent.objects.count() == 2
        assert {(row.how, row.wording) for row in Consent.objects.all()} == {("api", "c-7")}
        assert writer.put(path, {"opted_out": True}).json()["opted_out"] is True
        data = writer.get(f"customers/{customer.public_id}").json()["consent"]
        assert data["opted_out"] is True
        assert data["opted_out_at"]
        assert {(one["channel"], one["purpose"], one["kind"], one["given"]) for one in data["statements"]} == {
            (None, "marketing", None, False),
            (None, "research", None, False),
            ("mail", "marketing", None, True),
            (None, "marketing", "contests", False),
        }
        assert writer.put(path, {"opted_out": False}).json()["research"] is False

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"channels": {"nowhere": True}}, "#/channels/nowhere"),
            ({"kinds": {"sausages": True}}, "#/kinds/sausages"),
            ({"channels": {"mail": "maybe"}}, "#/channels/mail"),
            ({"per_week": 99}, "#/per_week"),
            ({"paused_until": "2020-01-01"}, "#/paused_until"),
            ({"language": "xx"}, "#/language"),
            ({"sausages": 1}, "#/sausages"),
        ],
    )
    def test_what_cannot_be_is_refused(self, writer: PartnerClient, body: dict[str, Any], pointer: str) -> None:
        answer = writer.put(f"customers/{CustomerFactory().public_id}/preferences", body)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert not Consent.objects.exists()

    def test_writing_needs_its_scope(self, client: PartnerClient) -> None:
        answer = client.put(f"customers/{CustomerFactory().public_id}/preferences", {})
        assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")

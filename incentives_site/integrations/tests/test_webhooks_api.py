"""A partner looks after its own webhooks, and sees and touches nobody else's."""

import ipaddress
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from incentives_site.integrations import operations
from incentives_site.integrations.models import IdempotentReply, WebhookEndpoint, WebhookSecret
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from incentives_site.integrations.tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db
PUBLIC = "https://93.184.215.14/hook"
PAUSED: dict[str, Any] = {
    "type": "campaign.paused",
    "data": {"campaign": "c1", "status": "paused", "starts_at": None, "ends_at": None},
}
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def client() -> PartnerClient:
    return PartnerClient(partner_key()[1])


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def deliver() -> int:
    return operations.deliver(clock=timezone.now)


def make(client: PartnerClient, url: str = PUBLIC, types: tuple[str, ...] = ("campaign.paused",)) -> dict[str, Any]:
    response = client.post("webhooks", {"url": url, "types": list(types)})
    assert response.status_code == 201, response.content
    return dict(response.json())


def faults(response: Any) -> dict[str, str]:
    assert response.status_code == 422, response.content
    return {error["pointer"]: error["code"] for error in response.json()["errors"]}


def test_a_webhook_lives_its_life(client: PartnerClient) -> None:
    made = make(client)
    assert made.pop("secret").startswith("whsec_")
    path = f"webhooks/{made['id']}"
    assert client.get(path).json() == made
    assert client.get("webhooks").json()["results"] == [made]
    changed = client.patch(path, {"types": ["grant.created", "grant.created"], "is_active": False}).json()
    assert (changed["types"], changed["is_active"], changed["disabled_why"]) == (["grant.created"], False, "partner")
    assert changed["disabled_at"]
    again = client.patch(path, {"is_active": True, "url": PUBLIC + "/2"}).json()
    assert (again["is_active"], again["disabled_at"], again["disabled_why"]) == (True, None, None)
    assert again["url"] == PUBLIC + "/2"
    assert client.delete(path).status_code == 204
    assert (client.get(path).status_code, client.get("webhooks").json()["results"]) == (404, [])
    assert not WebhookSecret.objects.exists()


def test_a_secret_is_shown_once_and_kept_sealed(client: PartnerClient) -> None:
    key = str(uuid.uuid4())
    body = {"url": PUBLIC, "types": ["grant.created"]}
    first, second = client.post("webhooks", body, key=key), client.post("webhooks", body, key=key)
    secret = first.json()["secret"]
    assert (second.status_code, second["Idempotent-Replayed"]) == (201, "true")
    assert second.json() == {**first.json(), "secret": None}
    assert WebhookEndpoint.objects.count() == 1
    assert secret not in str(list(IdempotentReply.objects.values()))
    assert secret.removeprefix("whsec_").encode() not in bytes(WebhookSecret.objects.get().sealed)
    assert secret not in str(client.get(f"webhooks/{first.json()['id']}").json())


def test_another_secret_signs_beside_the_old_one_until_it_ends(client: PartnerClient, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    response = client.post(f"webhooks/{made['id']}/rotate")
    assert response.status_code == 200, response.content
    new = response.json()["secret"]
    assert new != made["secret"]
    operations.announce(**PAUSED)
    deliver()
    assert receiver.received[0].verified(made["secret"]) == receiver.received[0].verified(new)
    newest = client.post(f"webhooks/{made['id']}/rotate", {"old_valid_for": 0}).json()["secret"]
    operations.announce(**PAUSED)
    deliver()
    assert receiver.received[1].verified(newest)
    assert receiver.received[1].headers["webhook-signature"].count("v1,") == 1


def test_a_ping_and_a_replay_are_sent_and_seen(client: PartnerClient, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    pinged = client.post(f"webhooks/{made['id']}/ping")
    assert (pinged.status_code, pinged.json()["state"], pinged.json()["attempts"]) == (202, "pending", [])
    deliver()
    path = f"webhooks/{made['id']}/deliveries"
    (seen,) = client.get(path).json()["results"]
    assert (seen["type"], seen["payload"], seen["state"]) == ("webhook.ping", {"webhook": made["id"]}, "delivered")
    assert [(attempt["status"], attempt["error"]) for attempt in seen["attempts"]] == [(204, None)]
    replayed = client.post(f"{path}/{seen['id']}/replay")
    assert (replayed.status_code, replayed.json()["state"]) == (202, "pending")
    deliver()
    assert [item.id for item in receiver.received] == [seen["message"]] * 2
    assert receiver.received[1].verified(made["secret"])["type"] == "webhook.ping"
    assert len(client.get(path, state="delivered").json()["results"][0]["attempts"]) == 2
    assert client.get(path, state="failed").json()["results"] == []


def test_deliveries_page_by_cursor_with_a_fixed_number_of_queries(
    client: PartnerClient, receiver: Receiver, django_assert_max_num_queries: Any
) -> None:
    made = make(client, receiver.url)
    for _message in range(7):
        operations.announce(**PAUSED)
    deliver()
    path = f"webhooks/{made['id']}/deliveries"
    with django_assert_max_num_queries(5):
        page = client.get(path, limit=5).json()
    assert (len(page["results"]), page["next"] is None) == (5, False)
    rest = client.client.get(page["next"], headers=client.headers).json()
    assert len({row["id"] for row in [*page["results"], *rest["results"]]}) == 7


def test_one_that_is_off_is_not_pinged(client: PartnerClient) -> None:
    made = make(client)
    client.patch(f"webhooks/{made['id']}", {"is_active": False})
    answer = client.post(f"webhooks/{made['id']}/ping")
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook-disabled")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"url": "http://127.0.0.1"}, "#/url", "address-not-allowed"),
        ({"url": "ftp://93.184.215.14/"}, "#/url", "bad-url"),
        ({"url": ""}, "#/url", "blank"),
        ({"url": "https://93.184.215.14/" + "x" * 2000}, "#/url", "max-length"),
        ({"types": []}, "#/types", "empty-list"),
        ({"types": ["grant.created", "webhook.ping"]}, "#/types/1", "type-unknown"),
        ({"types": ["grant.created"] * 101}, "#/types", "max-length"),
        ({"types": "grant.created"}, "#/types", "not-a-list"),
        ({"colour": "red"}, "#/colour", "unknown-field"),
    ],
)
def test_a_fault_is_named_by_its_pointer_and_nothing_is_stored(
    client: PartnerClient, change: Any, pointer: str, code: str
) -> None:
    body = {"url": PUBLIC, "types": ["grant.created"]}
    answer = client.post("webhooks", {**body, **change})
    assert faults(answer) == {pointer: code}
    assert answer.json()["errors"][0]["detail"]
    assert not WebhookEndpoint.objects.exists()
    made = make(client)
    assert faults(client.patch(f"webhooks/{made['id']}", change)) == {pointer: code}
    assert client.get(f"webhooks/{made['id']}").json()["url"] == PUBLIC


def test_a_partner_has_so_many_and_no_more(client: PartnerClient) -> None:
    for _number in range(20):
        make(client)
    answer = client.post("webhooks", {"url": PUBLIC, "types": ["grant.created"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-webhooks")


def test_another_partners_webhooks_are_unknown(client: PartnerClient, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    client.post(f"webhooks/{made['id']}/ping")
    delivery = client.get(f"webhooks/{made['id']}/deliveries").json()["results"][0]["id"]
    other = PartnerClient(partner_key(partner="rival")[1])
    own = make(other, receiver.url)
    path = f"webhooks/{made['id']}"
    answers = [
        other.get(path),
        other.patch(path, {"is_active": False}),
        other.delete(path),
        other.post(f"{path}/rotate"),
        other.post(f"{path}/ping"),
        other.get(f"{path}/deliveries"),
        other.post(f"{path}/deliveries/{delivery}/replay"),
        other.post(f"webhooks/{own['id']}/deliveries/{delivery}/replay"),
        other.get(f"webhooks/{NOBODY}"),
        other.get("webhooks/x"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        *[(404, "webhook-unknown")] * 7,
        (404, "delivery-unknown"),
        *[(404, "webhook-unknown")] * 2,
    ]
    assert [row["id"] for row in other.get("webhooks").json()["results"]] == [own["id"]]
    assert client.get(path).json()["is_active"]


def test_a_key_needs_the_scope() -> None:
    client = PartnerClient(partner_key(scopes=["quotes"])[1])
    answer = client.get("webhooks")
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")

"""Messages are written with what they tell, signed by the standard, tried by its schedule, and sent nowhere else."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from incentives_site.integrations import operations
from incentives_site.integrations.models import Partner, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage
from incentives_site.integrations.tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db

PAUSED: dict[str, Any] = {
    "type": "campaign.paused",
    "data": {"campaign": "c1", "status": "paused", "starts_at": None, "ends_at": None},
}


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def partner(key: str = "shop") -> Partner:
    return Partner.objects.get_or_create(key=key, defaults={"name": key})[0]


def endpoint(url: str, *types: str, of: str = "shop") -> tuple[WebhookEndpoint, str]:
    return operations.add_endpoint(
        partner=partner(of), url=url, types=types or ("campaign.paused",), by="key:x", now=timezone.now()
    )


def deliver() -> int:
    return operations.deliver(clock=timezone.now)


def test_a_message_arrives_signed_by_the_standard(receiver: Receiver) -> None:
    row, secret = endpoint(receiver.url)
    assert operations.announce(**PAUSED) == 1
    assert deliver() == 1
    (received,) = receiver.received
    content = received.verified(secret)
    assert (content["type"], content["data"]) == (PAUSED["type"], PAUSED["data"])
    assert received.id == WebhookMessage.objects.get().webhook_id
    assert received.path == "/hook?x=1"
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at, delivery.endpoint) == ("delivered", 1, None, row)
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.error) == (204, "")
    assert deliver() == 0


def test_what_is_rolled_back_is_told_to_nobody(receiver: Receiver) -> None:
    endpoint(receiver.url)
    with transaction.atomic():
        assert operations.announce(**PAUSED) == 1
        transaction.set_rollback(True)
    assert not WebhookMessage.objects.exists()
    assert (deliver(), receiver.received) == (0, [])

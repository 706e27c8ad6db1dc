"""Operators see every webhook with what came of it, send again and switch; nobody sees a secret."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incentives_site.accounts.models import User
from incentives_site.integrations import operations
from incentives_site.integrations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookSecret
from incentives_site.integrations.tests.factories import partner_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def webhook() -> tuple[WebhookEndpoint, str]:
    key, _text = partner_key()
    endpoint, secret = operations.add_endpoint(
        partner=key.partner, url="https://93.184.215.14/hook", types=["grant.created"], by="x", now=timezone.now()
    )
    delivery = operations.ping(endpoint=endpoint, now=timezone.now())
    WebhookDelivery.objects.filter(pk=delivery.pk).update(state="gave_up", next_attempt_at=None, attempts=10)
    WebhookAttempt.objects.create(
        delivery=delivery, at=timezone.now(), status=500, duration_ms=12, excerpt="<b>out of order</b>", error="status"
    )
    return endpoint, secret


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator@example.com"))
    return client


def run(client: Client, model: str, action: str, pk: int) -> str:
    address = reverse(f"admin:integrations_{model}_changelist")
    return client.post(address, {"action": action, "_selected_action": [pk]}, follow=True).content.decode()


def test_attempts_are_seen_and_secrets_are_not(operator: Client, webhook: tuple[WebhookEndpoint, str]) -> None:
    endpoint, secret = webhook
    delivery = WebhookDelivery.objects.get()
    pages = [
        reverse("admin:integrations_webhookendpoint_change", args=[endpoint.pk]),
        reverse("admin:integrations_webhooksecret_change", args=[WebhookSecret.objects.get().pk]),
        reverse("admin:integrations_webhookmessage_change", args=[delivery.message_id]),
        reverse("admin:integrations_webhookdelivery_change", args=[delivery.pk]),
        reverse("admin:integrations_webhookattempt_change", args=[WebhookAttempt.objects.get().pk]),
    ]
    sealed = bytes(WebhookSecret.objects.get().sealed).decode()
    for page in pages:
        answer = operator.get(page)
        assert answer.status_code == 200, page
        text = answer.content.decode()
        assert secret.removeprefix("whsec_") not in text
        assert sealed not in text
    shown = operator.get(pages[3]).content.decode()
    assert "&lt;b&gt;out of order&lt;/b&gt;" in shown


def test_an_operator_sends_again(operator: Client, webhook: tuple[WebhookEndpoint, str]) -> None:
    delivery = WebhookDelivery.objects.get()
    assert "Done for 1 row" in run(operator, "webhookdelivery", "replay", delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("pending", 0)


def test_an_operator_switches_off_and_on(operator: Client, webhook: tuple[WebhookEndpoint, str]) -> None:
    endpoint = webhook[0]
    run(operator, "webhookendpoint", "switch_off", endpoint.pk)
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.disabled_why) == (False, "operator")
    refused = run(operator, "webhookdelivery", "replay", WebhookDelivery.objects.get().pk)
    assert "Switch it on first." in refused
    run(operator, "webhookendpoint", "switch_on", endpoint.pk)
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.disabled_at) == (True, None)
    operations.remove_endpoint(endpoint=endpoint, by="x", now=timezone.now())
    assert "It was removed" in run(operator, "webhookendpoint", "switch_on", endpoint.pk)


def test_who_may_only_look_changes_nothing(client: Client, webhook: tuple[WebhookEndpoint, str]) -> None:
    user = User.objects.create_user("looker@example.com", is_staff=True)
    wanted: Any = Permission.objects.filter(codename__in=["view_webhookendpoint", "view_webhookdelivery"])
    user.user_permissions.set(wanted)
    client.force_login(user)
    assert client.get(reverse("admin:integrations_webhookdelivery_changelist")).status_code == 200
    run(client, "webhookdelivery", "replay", WebhookDelivery.objects.get().pk)
    run(client, "webhookendpoint", "switch_off", webhook[0].pk)
    assert WebhookDelivery.objects.get().state == "gave_up"
    assert WebhookEndpoint.objects.get().is_active

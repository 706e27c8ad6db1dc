"""Webhooks as partners send and read them."""

from typing import Any

from rest_framework import serializers

from incentives_site.shared.serializers import StrictSerializer

from ..models import State, WebhookDelivery, WebhookEndpoint
from ..rules.addresses import LONGEST
from ..rules.types import PING, TYPES

MOST_TYPES = 100
LONGEST_OVERLAP = 7 * 24 * 3600


class WebhookRequest(StrictSerializer):
    # Judged by the operation, which also looks where they lead.
    url = serializers.CharField(max_length=LONGEST, trim_whitespace=False, help_text="http:// or https://, a public address.")
    types = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=MOST_TYPES, help_text=f"Of: {', '.join(TYPES)}."
    )


class WebhookChange(WebhookRequest):
    is_active = serializers.BooleanField(help_text="false cancels what is on its way.")


class RotateRequest(StrictSerializer):
    old_valid_for = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_OVERLAP,
        required=False,
        help_text="Seconds for which the former secrets go on signing too; a day unless said, 0 when one leaked.",
    )


class WebhookOut(serializers.ModelSerializer[WebhookEndpoint]):
    id = serializers.CharField(source="public_id")
    types = serializers.ListField(child=serializers.ChoiceField(list(TYPES)))
    disabled_why = serializers.CharField(allow_null=True, help_text="gone (410), partner or operator.")

    class Meta:
        model = WebhookEndpoint
        fields = ["id", "url", "types", "is_active", "disabled_at", "disabled_why", "created_at"]

    def to_representation(self, instance: WebhookEndpoint) -> dict[str, Any]:
        return {**super().to_representation(instance), "disabled_why": instance.disabled_why or None}


class WebhookWithSecret(WebhookOut):
    secret = serializers.CharField(allow_null=True, help_text="Shown this once: null when the call is repeated.")

    class Meta(WebhookOut.Meta):
        fields = [*WebhookOut.Meta.fields, "secret"]


class AttemptOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    duration_ms = serializers.IntegerField()
    excerpt = serializers.CharField(help_text="The beginning of the answer.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {**super().to_representation(instance), "error": instance.error or None}


class DeliveryOut(serializers.ModelSerializer[WebhookDelivery]):
    id = serializers.CharField(source="public_id")
    message = serializers.CharField(source="message.webhook_id", help_text="What the header webhook-id says.")
    type = serializers.ChoiceField([*TYPES, PING], source="message.type")
    payload = serializers.DictField(source="message.data", help_text="The data of the message.")
    state = serializers.ChoiceField(State.values)
    attempts = AttemptOut(many=True, source="tries")

    class Meta:
        model = WebhookDelivery
        fields = ["id", "message", "type", "payload", "state", "next_attempt_at", "created_at", "attempts"]

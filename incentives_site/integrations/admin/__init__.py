"""Partners, their keys and their webhooks in the back office."""

from ._partners import ApiKeyAdmin, IdempotentReplyAdmin, PartnerAdmin
from ._webhooks import (
    WebhookAttemptAdmin,
    WebhookDeliveryAdmin,
    WebhookEndpointAdmin,
    WebhookMessageAdmin,
    WebhookSecretAdmin,
)

__all__ = [
    "ApiKeyAdmin",
    "IdempotentReplyAdmin",
    "PartnerAdmin",
    "WebhookAttemptAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
    "WebhookMessageAdmin",
    "WebhookSecretAdmin",
]

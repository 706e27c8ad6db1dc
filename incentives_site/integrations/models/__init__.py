"""Partners and their keys; the answers that make repeated calls harmless; webhooks."""

from ._partners import ApiKey, IdempotentReply, Partner, Scope
from ._webhooks import (
    OPEN,
    Disabled,
    State,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)

__all__ = [
    "OPEN",
    "ApiKey",
    "Disabled",
    "IdempotentReply",
    "Partner",
    "Scope",
    "State",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookMessage",
    "WebhookSecret",
]

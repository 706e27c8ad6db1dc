"""The verbs of integrations."""

from ._announce import announce, announcing, telling, told
from ._answer_once import Answer, KeyReused, ReplyUnreadable, answer_once
from ._deliver import body_of, deliver, deliver_alone, forget_old_messages
from ._endpoints import (
    OVERLAP,
    TooManyWebhooks,
    WebhookDisabled,
    add_endpoint,
    check_url,
    ping,
    remove_endpoint,
    replay,
    revise_endpoint,
    rotate_secret,
    set_active,
)
from ._forget import forget_mentions, forget_old_replies

__all__ = [
    "OVERLAP",
    "Answer",
    "KeyReused",
    "ReplyUnreadable",
    "TooManyWebhooks",
    "WebhookDisabled",
    "add_endpoint",
    "announce",
    "announcing",
    "answer_once",
    "body_of",
    "check_url",
    "deliver",
    "deliver_alone",
    "forget_mentions",
    "forget_old_messages",
    "forget_old_replies",
    "ping",
    "remove_endpoint",
    "replay",
    "revise_endpoint",
    "rotate_secret",
    "set_active",
    "telling",
    "told",
]

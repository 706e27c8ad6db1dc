"""The request id: the same in the log line, the refusal and the error page. And what never reaches a log."""

from collections.abc import MutableMapping
from typing import Any

import structlog

from .masking import is_private, masked_message, masked_text

# Who answers a survey, from where, is not to be found in a log.
SAYS_WHO = ("ip", "user_id", "user_agent")
PRIVATE = "is_private"


def request_id() -> str:
    """The id of the request being answered, empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def without_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: addresses that carry a secret or name a person are logged without it, also inside a traceback.

    It comes after tracebacks have become text.
    """
    private = bool(event.pop(PRIVATE, False))
    for name, value in event.items():
        if (
            isinstance(value, str)
            and name not in {"level", "logger", "request_id", "timestamp"}
            and ("/" in value or "?" in value)
        ):
            private = private or (name in {"request", "event", "path"} and is_private(value))
            event[name] = masked_text(value) if name in {"exception", "stack"} else masked_message(value)
    if private:
        for name in SAYS_WHO:
            event.pop(name, None)
    return event


def hide_visitors(sender: Any, request: Any, **_more: Any) -> None:
    """Marks every line of a request to a private address, so that none of them says who it was."""
    structlog.contextvars.bind_contextvars(**{PRIVATE: is_private(request.path)})

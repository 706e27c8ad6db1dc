"""The request id: the same in the log line, the refusal and the error page. And what never reaches a log."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# Links that let their bearer in: their secret part is cut out of every logged path.
SECRET_PATHS = re.compile(r"(/(?:wallet|preferences|feedback|s)/)[^/\s?]+")
OF_ANSWERS = re.compile(r"\s/(?:s|feedback/open)/")
# Who answers a survey, from where, is not to be found in a log.
SAYS_WHO = ("ip", "user_id", "user_agent")


def request_id() -> str:
    """The id of the request being answered, empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def without_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: paths that carry a secret are logged without it."""
    for name in ("request", "path", "event"):
        value = event.get(name)
        if isinstance(value, str) and "/" in value:
            event[name] = SECRET_PATHS.sub(r"\1…", value)
    if OF_ANSWERS.search(str(event.get("request", ""))):
        for name in SAYS_WHO:
            event.pop(name, None)
    return event

"""The request id: the same in the log line, the refusal and the error page."""

import structlog


def request_id() -> str:
    """The id of the request being answered, empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))

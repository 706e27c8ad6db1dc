"""One line of the log for each thing that happened to an account or a key, for whoever watches over the installation.

The logger is called ``incentives.security``, and writes whatever ``LOG_LEVEL`` says. Its lines name people by the number of their
account, and hold no secret and nothing that was typed. ``docs/security-accounts.md`` lists them.
"""

from collections.abc import Collection

import structlog

LOGGER = "incentives.security"
log = structlog.get_logger(LOGGER)


def note(event: str, **facts: str | int | bool | Collection[str] | None) -> None:
    """Write ``event``, a word of the document's list, with its facts. The request adds its id, address, and who is signed in."""
    log.info(event, **facts)

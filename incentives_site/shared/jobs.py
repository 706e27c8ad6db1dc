"""Slow work starts after commit, through one function.

What must not be lost is a row first: the enqueue is only a nudge, so a broker that is away or hangs costs a delay, never an error
or a long wait to the person waiting. The periodic sweeps of each app's ``tasks.py`` find what a crash between commit and nudge
left behind.
"""

import redis
import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction

from . import valkey

log = structlog.get_logger(__name__)


def enqueue(task: str, **arguments: object) -> None:
    """Ask the worker to run ``task`` (a dotted task name) once the current transaction has committed."""
    transaction.on_commit(lambda: _send(task, arguments))


def _send(task: str, arguments: dict[str, object]) -> None:
    registered = current_app.tasks.get(task)
    if registered is None:
        raise LookupError(f"No task is called {task}.")
    try:
        if not settings.CELERY_TASK_ALWAYS_EAGER and settings.BROKER_IS_VALKEY:
            valkey.require()
        registered.apply_async(kwargs=arguments, retry=False)
    except (registered.OperationalError, redis.RedisError) as error:
        log.warning("job_not_enqueued", task=task, reason=type(error).__name__)

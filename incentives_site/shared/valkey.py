"""Valkey with time-outs: one that hangs or is away never holds up a request.

A call takes at most ``SECONDS`` and is not repeated. After one that failed, Valkey is left alone for ``PAUSE`` seconds and every
call fails at once: a request makes several, and they must not wait one after the other. Callers say what happens without an
answer (``docs/limits.md``, Time-outs).
"""

import functools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
import structlog
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

SECONDS = 0.5
PAUSE = 2.0
# For every client of redis-py in this process, also those inside libraries.
OPTIONS: dict[str, Any] = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS, "retry": Retry(NoBackoff(), 0)}
log = structlog.get_logger(__name__)


class Pause:
    """Whether Valkey is left alone, for this process."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def begin(self) -> None:
        with self._lock:
            self._until = time.monotonic() + PAUSE

    def end(self) -> None:
        self._until = 0.0


pause = Pause()


@contextmanager
def asking() -> Iterator[None]:
    """Around each call: raises ``redis.RedisError`` at once while Valkey is left alone, and begins that when the call fails."""
    if pause.is_on:
        raise redis.ConnectionError("Valkey did not answer a moment ago.")
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError):
        pause.begin()
        raise


def client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, **OPTIONS)


@functools.cache
def _kept() -> "redis.Redis":
    return client()


def require() -> None:
    """Raises ``redis.RedisError`` when Valkey does not answer: before a library calls it that would try again and again."""
    with asking():
        _kept().ping()


@functools.cache
def _script(text: str) -> "redis.commands.core.Script":
    return _kept().register_script(text)


def run(script: str, *, keys: Sequence[str], args: Sequence[int]) -> Any:
    """The answer of a Lua script. Raises ``redis.RedisError`` when there is none."""
    with asking():
        return _script(script)(keys=list(keys), args=list(args))


class Cache(RedisCache):
    """Django's cache, which knows nothing while Valkey is away: what it counts and remembers is no ground to refuse a page."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {**OPTIONS, **params.get("OPTIONS", {})}})

    def get(self, *args: Any, **kwargs: Any) -> Any:
        default = kwargs.get("default", args[1] if len(args) > 1 else None)
        return self._or(default, super().get, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._or({}, super().get_many, *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(True, super().add, *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(None, super().set, *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._or([], super().set_many, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(False, super().touch, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(False, super().delete, *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(None, super().delete_many, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(False, super().has_key, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(0, super().incr, *args, **kwargs)

    def _or(self, without: Any, ask: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            with asking():
                return ask(*args, **kwargs)
        except redis.RedisError as error:
            log.warning("cache_unavailable", reason=type(error).__name__)
            return without

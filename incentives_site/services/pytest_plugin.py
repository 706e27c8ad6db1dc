"""Gives the tests a PostgreSQL and a Valkey of their own, so that plain ``pytest`` works on a machine with nothing prepared.

Loaded by ``-p`` in ``pyproject.toml``: the environment must be set before Django's settings are read. A ``DATABASE_URL`` or
``REDIS_URL`` of the caller is respected. Workers of pytest-xdist inherit the environment and start nothing.
"""

import os
import signal
import sys
from types import FrameType

import pytest

from .local import ThrowAwayServices
from .processes import ServiceError

_services: ThrowAwayServices | None = None


def _start() -> None:
    global _services  # pytest loads a plugin once, as a module
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    signal.signal(signal.SIGTERM, _end)  # as with Ctrl-C, the services are removed on the way out
    _services = ThrowAwayServices()
    try:
        _services.start()
    except ServiceError as error:
        _services.remove()
        raise pytest.UsageError(str(error)) from error
    os.environ.update(_services.environment())


def _end(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    global _services
    if _services:
        _services.remove()
        _services = None


_start()

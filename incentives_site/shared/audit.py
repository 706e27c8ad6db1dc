"""Who did it and why: the context that the audit triggers store beside every change of a tracked row."""

import contextlib
from collections.abc import Iterator

import pghistory


@contextlib.contextmanager
def acting(*, by: str, why: str) -> Iterator[None]:
    """Everything written inside is recorded as done ``by`` (``user:12``, ``key:ab12``, ``system``), with the verb as ``why``."""
    with pghistory.context(by=by, why=why):
        yield

"""Statements that the database plans once for each connection: for the few that every quote and every redemption runs."""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from psycopg._queries import PostgresQuery
from psycopg.types.numeric import Int8Dumper

NO_ENTRIES = "{}"
_PLACE = re.compile(r"%(?:\((\w+)\)s|s|%)")
_KEPT = "_prepared_cursor"


class _Prepared(psycopg.RawCursor[Any]):
    """One for each connection, used again and again: what it found out about types of values it need not find out anew."""

    # What puts the history's context before each statement leaves cursors with a name alone: two statements cannot be prepared
    # as one.
    name = "prepared"
    is_used = False

    def execute(self, query: Any, params: Any = None, **options: Any) -> "_Prepared":
        if params is None:
            return super().execute(query, **options)
        text, names = _numbered(query)
        values = [params[name] for name in names] if isinstance(params, Mapping) else params
        return super().execute(text, values, **options)

    def close(self) -> None:
        self.is_used = False

    def _send_query_prepared(self, name: bytes, pgq: PostgresQuery, *, binary: bool | None = None) -> None:
        self._query = pgq  # for those who watch: Django reads here what ran
        super()._send_query_prepared(name, pgq, binary=binary)


@functools.lru_cache(maxsize=1_000)
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement as the server reads it, with numbers for values, and the names of the values in the order of their numbers.

    psycopg remembers only of short statements what it has read.
    """
    names: dict[str, int] = {}
    places = 0

    def number(found: re.Match[str]) -> str:
        nonlocal places
        if found[0] == "%%":
            return "%"
        if found[1] is None:
            places += 1
            return f"${places}"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    text = _PLACE.sub(number, statement).encode()
    return text, tuple(names)


def array_text(entries: Iterable[object]) -> str:
    """An array as the server reads it. Texts must be quoted already, and nobody outside may have written them."""
    return f"{{{','.join(map(str, entries))}}}"


def prepared_cursor() -> CursorWrapper:
    """Like ``connection.cursor()``: in its transaction, and seen by what watches queries.

    The server binds the values, so each needs a type in the statement, and one statement is run at a time. Nothing whose
    history is kept may be written with it: the history would not say who did it.
    """
    django_connection: Any = connections[DEFAULT_DB_ALIAS]
    django_connection.ensure_connection()
    connection = django_connection.connection
    raw: _Prepared | None = getattr(connection, _KEPT, None)
    if raw is None or raw.is_used:
        raw = _Prepared(connection)
        # One type for every number: else a statement would be prepared once more for each combination of small and large ones.
        raw.adapters.register_dumper(int, Int8Dumper)
        setattr(connection, _KEPT, raw)
    raw.is_used = True
    cursor: CursorWrapper = django_connection._prepare_cursor(raw)
    return cursor

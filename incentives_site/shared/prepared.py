"""Statements that the database plans once for each connection: for the few that every quote and every redemption runs."""

from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg._queries import PostgresQuery
from psycopg.types.numeric import Int8Dumper


class _Prepared(psycopg.Cursor[Any]):
    # What puts the history's context before each statement leaves cursors with a name alone: two statements cannot be prepared
    # as one.
    name = "prepared"

    def _send_query_prepared(self, name: bytes, pgq: PostgresQuery, *, binary: bool | None = None) -> None:
        self._query = pgq  # for those who watch: Django reads here what ran
        super()._send_query_prepared(name, pgq, binary=binary)


def prepared_cursor() -> CursorWrapper:
    """Like ``connection.cursor()``: in its transaction, and seen by what watches queries.

    The server binds the values, so each needs a type in the statement, and one statement is run at a time. Nothing whose
    history is kept may be written with it: the history would not say who did it.
    """
    connection.ensure_connection()
    raw = _Prepared(connection.connection)
    # One type for every number: else a statement would be prepared once more for each combination of small and large ones.
    raw.adapters.register_dumper(int, Int8Dumper)
    django_connection: Any = connection
    cursor: CursorWrapper = django_connection._prepare_cursor(raw)
    return cursor

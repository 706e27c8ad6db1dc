"""Many rows into one table by PostgreSQL's COPY, streamed: however many rows there are, only a piece of them is in memory.

Everything happens in the caller's transaction, so a table is filled whole or not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

from django.db import connection, models
from psycopg import sql

Progress = Callable[[int], None]
ROWS_BETWEEN_REPORTS = 2_000


def copy_rows(
    model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]], *, progress: Progress | None = None
) -> int:
    """Writes ``rows``, whose values stand in the order of ``fields``; returns how many there were.

    A field left out takes the default of the database, not that of the model. ``progress`` is told how many rows were written
    since it was last called. Raises Django's database errors, such as ``IntegrityError``.
    """
    written = reported = 0
    with _copying(model, fields) as copy:
        for row in rows:
            copy.write_row(row)
            written += 1
            if progress and written - reported >= ROWS_BETWEEN_REPORTS:
                progress(written - reported)
                reported = written
    if progress and written > reported:
        progress(written - reported)
    return written


def copy_csv(model: type[models.Model], fields: Sequence[str], pieces: Iterable[bytes | memoryview]) -> None:
    """Writes rows that are CSV text already (no header, UTF-8, NULL is an unquoted empty value), cut anywhere."""
    with _copying(model, fields, "WITH (FORMAT csv)") as copy:
        for piece in pieces:
            copy.write(piece)


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """``count`` fresh primary keys, for rows that refer to each other before they are written. Nobody else gets them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, model._meta.pk.column, count],
        )
        return [id_ for (id_,) in cursor.fetchall()]


@contextmanager
def _copying(model: type[models.Model], fields: Sequence[str], options: LiteralString = "") -> Iterator[Any]:
    columns = [sql.Identifier(str(model._meta.get_field(name).column)) for name in fields]  # type: ignore[union-attr]
    command = sql.SQL("COPY {} ({}) FROM STDIN {}").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(columns), sql.SQL(options)
    )
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(command) as copy:
        yield copy

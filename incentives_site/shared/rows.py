"""Rows of raw statements as models.

For the few reads that every call of a partner makes: there, building a query costs several times what running it costs.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=models.Model)


def columns(model: type[models.Model], alias: str) -> str:
    """What to select of the table called ``alias`` so that ``row_as`` can read it: all fields."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def row_as(model: type[Row], values: Sequence[Any]) -> Row:
    """The row as Django would have read it. ``values`` are those of ``columns``, in that order."""
    read = list(values)
    names, converters = _reading(model)
    for position, convert in converters:
        read[position] = convert(read[position], None, connection)
    row = _in_the_database(model)
    row.__dict__.update(zip(names, read, strict=True))
    return row


def row_written(model: type[Row], values: Mapping[str, Any], related: Mapping[str, models.Model | None]) -> Row:
    """The row that a raw statement has written: ``values`` of its columns, by their attributes (``customer_id``), and the rows
    behind its foreign keys. What was not said reads as empty.
    """
    row = _in_the_database(model)
    row.__dict__.update(dict.fromkeys(_reading(model)[0]), **values)
    row._state.fields_cache.update(related)
    return row


def _in_the_database(model: type[Row]) -> Row:
    """What ``Model.__init__`` does for a row that was read, but for its signals, which nobody here listens to."""
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


@functools.cache
def _reading(model: type[models.Model]) -> tuple[list[str], list[tuple[int, Any]]]:
    """The names of the fields, and what has to be done to which value."""
    fields = model._meta.concrete_fields
    converters = [(position, convert) for position, field in enumerate(fields) for convert in field.get_db_converters(connection)]
    return [field.attname for field in fields], converters

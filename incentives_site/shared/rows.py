"""Rows of raw statements as models.

For the few reads that every call of a partner makes: there, building a query costs several times what running it costs.
"""

import functools
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection, models

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
    return model.from_db("default", names, read)


@functools.cache
def _reading(model: type[models.Model]) -> tuple[list[str], list[tuple[int, Any]]]:
    """The names of the fields, and what has to be done to which value."""
    fields = model._meta.concrete_fields
    converters = [(position, convert) for position, field in enumerate(fields) for convert in field.get_db_converters(connection)]
    return [field.attname for field in fields], converters

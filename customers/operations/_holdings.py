"""What a customer has in every app: how it moves when two become one, and moves back when they are taken apart.

Each app registers its own when it is ready, so that customers needs to know nothing of what stands to its right.
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from ..models import Customer


@dataclass(frozen=True, slots=True)
class Moving:
    """``source`` becomes part of ``target`` (or comes out of it again), at ``now`` (UTC), because ``by`` said so.

    ``key`` names this merge, for what has to happen once.
    """

    source: Customer
    target: Customer
    now: datetime.datetime
    by: str
    key: str


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind of thing an app holds for customers.

    ``move`` hands the source's to the target and returns, as JSON, what ``put_back`` needs to undo it; moving again what has
    moved does nothing. ``put_back`` leaves what has gone elsewhere since. Both run in the caller's transaction. ``count``
    says how many there are, for a preview; ``label`` names them.
    """

    name: str
    label: Any
    count: Callable[[Customer], int]
    move: Callable[[Moving], Any]
    put_back: Callable[[Moving, Any], None]


_registered: dict[str, Holding] = {}


def register(*holdings: Holding) -> None:
    """Make the holdings part of every merge and split, in this order after those registered before."""
    for holding in holdings:
        _registered[holding.name] = holding


def holdings() -> Sequence[Holding]:
    return tuple(_registered.values())


def rows(name: str, label: Any, model: type[models.Model], field: str = "customer") -> Holding:
    """A holding of rows that name their customer in ``field`` and move as they are."""
    table, column = model._meta.db_table, str(model._meta.get_field(field).column)  # type: ignore[union-attr]

    def count(customer: Customer) -> int:
        return model._default_manager.filter(**{field: customer}).count()

    def move(moving: Moving) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {column} = %s WHERE {column} = %s RETURNING id",  # noqa: S608  (names of a model)
                [moving.target.pk, moving.source.pk],
            )
            return sorted(pk for (pk,) in cursor.fetchall())

    def put_back(moving: Moving, moved: list[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {column} = %s WHERE id = ANY(%s) AND {column} = %s",  # noqa: S608
                [moving.source.pk, moved, moving.target.pk],
            )

    return Holding(name, label, count, move, put_back)

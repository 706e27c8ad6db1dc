"""What a customer has in every app: how it moves when two become one, and moves back when they are taken apart.

Each app registers its own when it is ready, so that customers needs to know nothing of what stands to its right.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
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
class Erasing:
    """Whose traces go, at ``now`` (UTC): a customer and those that became part of it, as ``pks``, once called ``public_ids``.

    ``names`` are the new public ids by the old ones: what has to be counted on is counted under these. The transaction is the
    caller's, and customers are locked.
    """

    pks: Sequence[int]
    public_ids: Sequence[str]
    names: Mapping[str, str]
    now: datetime.datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind of thing an app holds for customers.

    ``move`` hands the source's to the target and returns, as JSON, what ``put_back`` needs to undo it; moving again what has
    moved does nothing. ``put_back`` leaves what has gone elsewhere since. Both run in the caller's transaction. ``count``
    says how many there are, for a preview; ``label`` names them.

    ``export`` says all of it as JSON-able data. ``erase`` leaves no trace of who it was and every sum as it is. ``marks`` are the
    opaque ids of these things: whatever else mentions one (answers kept for partners, messages) goes as well.

    ``has_worth`` says that a profile with such a thing is more than a visitor: no public key moves it to another customer.
    """

    name: str
    label: Any
    count: Callable[[Customer], int]
    move: Callable[[Moving], Any]
    put_back: Callable[[Moving, Any], None]
    export: Callable[[Customer], Any] | None = None
    erase: Callable[[Erasing], None] | None = None
    marks: Callable[[Sequence[int]], Iterable[str]] | None = None
    has_worth: bool = True


_registered: dict[str, Holding] = {}


def register(*holdings: Holding) -> None:
    """Make the holdings part of every merge and split, in this order after those registered before."""
    for holding in holdings:
        _registered[holding.name] = holding


def holdings() -> Sequence[Holding]:
    return tuple(_registered.values())


def holds_worth(customer_id: int) -> bool:
    """Whether the customer holds anything that another person should not get: promises, balances, orders, statements."""
    customer = Customer(pk=customer_id)
    return any(holding.has_worth and holding.count(customer) for holding in holdings())


def rows(
    name: str,
    label: Any,
    model: type[models.Model],
    field: str = "customer",
    *,
    erase: Callable[[Erasing], None] | None = None,
    marks: Callable[[Sequence[int]], Iterable[str]] | None = None,
    has_worth: bool = True,
) -> Holding:
    """A holding of rows that name their customer in ``field``, move as they are and are exported with every field."""
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

    def export(customer: Customer) -> list[dict[str, Any]]:
        return as_rows(model._default_manager.filter(**{field: customer}).order_by("pk"), but={field})

    return Holding(name, label, count, move, put_back, export, erase, marks, has_worth)


def as_rows(found: models.QuerySet[Any], but: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Rows with every field, as JSON-able data: what is sealed or only a number of ours is left out, others are named."""
    fields = [
        field
        for field in found.model._meta.concrete_fields
        if field.name not in {*but, "id"} and not isinstance(field, models.BinaryField)
    ]
    links = [field.name for field in fields if field.is_relation]
    return [
        {
            field.name: (None if value is None else str(value)) if field.is_relation else value
            for field in fields
            for value in [getattr(row, field.name)]
        }
        for row in found.select_related(*links)
    ]

"""Baskets → purchases with their lines, and one event each on the timeline.

The file is read once, in pieces; all work on whole columns is done by pyarrow, which also writes the CSV that COPY takes. A piece
of whole baskets is written in one transaction, in the order of the file: after a kill at any instant, as many baskets as there
are purchases are done, and the next run goes on behind them.

Amounts: ``sales_value`` is what the retailer received for a line and becomes ``paid``. The three discounts of the file (of the
loyalty card, of a manufacturer's coupon, of the retailer's match of that coupon) together become ``discount``. The coupon is not
taken off ``paid`` again: on thousands of lines it is more than the sales value, which therefore stands after it.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from django.db import connection, transaction

from customers.models import Channel, Customer, Event, Purchase, PurchaseLine, Store
from customers.rules.timeline import EventType
from incentives_site.shared.copying import copy_csv, reserve_ids

from . import files
from .households import CARD, customer_ids, public_id
from .places import STORE_KEY_PREFIX
from .progress import Report

COLUMNS = (
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
    "transaction_timestamp",
)
WITHOUT_HEADER = pyarrow.csv.WriteOptions(include_header=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products by number, in arrays of the same order."""

    products: pa.Array
    names: pa.Array
    categories: pa.Array
    brands: pa.Array


@dataclass(frozen=True, slots=True)
class Directory:
    """Ids of what is loaded already: two arrays of the same order each, number in the files and id here."""

    households: pa.Array
    customer_ids: pa.Array
    store_numbers: pa.Array
    store_ids: pa.Array
    channel_id: int


def load(channel: Channel, now: dt.datetime, report: Report) -> bool:
    """Returns whether anything had to be loaded. Customers and stores must be there."""
    total = files.count("transactions")
    if PurchaseLine.objects.filter(purchase__source=files.SOURCE).count() == total:
        return False
    done = Purchase.objects.filter(source=files.SOURCE).count()
    catalogue, directory = _catalogue(), _directory(channel)
    step = report.step("purchase lines", total)
    for piece in _whole_baskets():
        if done >= len(piece.starts):
            done -= len(piece.starts)
            step.skip(piece.rows.num_rows)
            continue
        if done:
            rest = piece.without(done)
            step.skip(piece.rows.num_rows - rest.rows.num_rows)
            piece, done = rest, 0
        with transaction.atomic():
            _write(piece, catalogue, directory, now)
        step(piece.rows.num_rows)
    step.finish()
    return True


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of the file that are whole baskets. ``starts`` are the places of the first lines of the baskets."""

    rows: pa.RecordBatch
    starts: pa.Array

    @classmethod
    def of(cls, rows: pa.RecordBatch) -> "Piece":
        """The lines of a basket stand together in the file."""
        keys = rows.column("basket_id")
        changes = pc.indices_nonzero(pc.not_equal(keys[1:], keys[:-1])).cast(pa.int64())
        return cls(rows, pa.concat_arrays([pa.array([0], pa.int64()), pc.add(changes, 1)]))

    def without(self, baskets: int) -> "Piece":
        """What is left behind the first ``baskets``."""
        return Piece.of(self.rows.slice(self.starts[baskets].as_py()))


def _whole_baskets() -> Iterator[Piece]:
    held: pa.RecordBatch | None = None
    for batch in files.batches("transactions", COLUMNS):
        piece = Piece.of(pa.concat_batches([held, batch]) if held else batch)
        last = piece.starts[-1].as_py()  # the next batch may hold more of it
        held = piece.rows.slice(last)
        if last:
            yield Piece(piece.rows.slice(0, last), piece.starts[:-1])
    if held:
        yield Piece.of(held)


def _write(piece: Piece, catalogue: Catalogue, directory: Directory, now: dt.datetime) -> None:
    rows, starts = piece.rows, piece.starts
    ends = pa.concat_arrays([starts[1:], pa.array([rows.num_rows], pa.int64())])
    paid = files.cents(rows.column("sales_value"))
    discounts = [files.cents(rows.column(name)) for name in ("retail_disc", "coupon_disc", "coupon_match_disc")]
    discount = pc.add(pc.add(discounts[0], discounts[1]), discounts[2])

    # One value for each basket.
    first = rows.take(starts)
    ids = pa.array(reserve_ids(Purchase, len(starts)), pa.int64())
    orders = first.column("basket_id").cast(pa.string())
    customers = _looked_up(first.column("household_id"), directory.households, directory.customer_ids)
    stores = _looked_up(first.column("store_id"), directory.store_numbers, directory.store_ids)
    placed = first.column("transaction_timestamp").cast(pa.timestamp("s")).cast(pa.timestamp("s", "UTC"))
    basket_paid = _sums(paid, starts, ends)
    purchases = {
        "id": ids,
        "public_id": _public_ids("purchase", orders),
        "customer": customers,
        "source": files.SOURCE,
        "order_key": orders,
        "channel": directory.channel_id,
        "store": stores,
        "placed_at": placed,
        "currency": files.CURRENCY,
        "paid": basket_paid,
        "discount": _sums(discount, starts, ends),
    }
    message_ids = _joined("bought:", orders)
    events = {
        "public_id": _public_ids("event", message_ids),
        "customer": customers,
        "type": EventType.BOUGHT.value,
        "name": "",
        "channel": directory.channel_id,
        "occurred_at": placed,
        "received_at": now.isoformat(),
        "source": files.SOURCE,
        "message_id": message_ids,
        "properties": _joined(
            '{"order_key": "',
            orders,
            '", "paid": ',
            basket_paid,
            f', "currency": "{files.CURRENCY}", "store": "',
            _joined(STORE_KEY_PREFIX, first.column("store_id")),
            '"}',
        ),
    }

    # One value for each line.
    basket = pc.subtract(pc.cumulative_sum(_marks(starts, rows.num_rows)), 1)
    product = pc.index_in(rows.column("product_id"), value_set=catalogue.products)
    lines = {
        "purchase": ids.take(basket),
        "position": pc.subtract(pa.array(range(rows.num_rows), pa.int64()), starts.take(basket)),
        "sku": rows.column("product_id"),
        "name": catalogue.names.take(product).fill_null(""),
        "category": catalogue.categories.take(product).fill_null(""),
        "brand": catalogue.brands.take(product).fill_null(""),
        "quantity": rows.column("quantity"),
        "paid": paid,
        "discount": discount,
    }
    for model, columns in ((Purchase, purchases), (PurchaseLine, lines), (Event, events)):
        copy_csv(model, list(columns), [_csv(columns)])


def _csv(columns: dict[str, Any]) -> memoryview:
    """Rows as COPY reads them. A single value stands in every row."""
    length = next(len(column) for column in columns.values() if isinstance(column, pa.Array))
    arrays = [column if isinstance(column, pa.Array) else pa.repeat(column, length) for column in columns.values()]
    out = pa.BufferOutputStream()
    pyarrow.csv.write_csv(pa.RecordBatch.from_arrays(arrays, names=list(columns)), out, WITHOUT_HEADER)
    return memoryview(out.getvalue())


def _marks(starts: pa.Array, length: int) -> pa.Array:
    """1 where a basket starts, else 0."""
    return pc.is_in(pa.array(range(length), pa.int64()), value_set=starts).cast(pa.int64())


def _sums(values: pa.Array, starts: pa.Array, ends: pa.Array) -> pa.Array:
    """The sum of the values from each start to before each end."""
    running = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(values)])
    return pc.subtract(running.take(ends), running.take(starts))


def _looked_up(values: pa.Array, keys: pa.Array, results: pa.Array) -> pa.Array:
    return results.take(pc.index_in(values, value_set=keys))


def _joined(*parts: Any) -> pa.Array:
    return pc.binary_join_element_wise(*(part.cast(pa.string()) if isinstance(part, pa.Array) else part for part in parts), "")


def _public_ids(kind: str, keys: pa.Array) -> pa.Array:
    return pa.array([str(public_id(kind, key)) for key in keys.to_pylist()])


def _catalogue() -> Catalogue:
    """About 10 MB."""
    table = files.open_file("products").read(["product_id", "product_type", "product_category", "brand"]).combine_chunks()
    return Catalogue(*(column.combine_chunks() for column in table.columns))


def _directory(channel: Channel) -> Directory:
    households = customer_ids()
    stores = {
        int(key.removeprefix(STORE_KEY_PREFIX)): id_
        for key, id_ in Store.objects.filter(channel=channel, key__startswith=STORE_KEY_PREFIX).values_list("key", "pk")
    }
    return Directory(
        pa.array(list(households), pa.int64()),
        pa.array(list(households.values()), pa.int64()),
        pa.array(list(stores), pa.int64()),
        pa.array(list(stores.values()), pa.int64()),
        channel.pk,
    )


def refresh_facts() -> int:
    """What the purchases say of each customer, as facts; returns how many customers.

    Only facts that do not age, until everything is counted (``docs/insight.md``); days are those of UTC, as everywhere in facts.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH spent AS (
                SELECT customer_id, count(*) AS orders, sum(paid) AS spend, max(placed_at) AS last
                FROM customers_purchase WHERE source = %(source)s GROUP BY customer_id
            ), bought AS (
                SELECT customer_id, category,
                       row_number() OVER (PARTITION BY customer_id ORDER BY count(*) DESC, category) AS place
                FROM customers_purchaseline JOIN customers_purchase ON customers_purchase.id = purchase_id
                WHERE source = %(source)s AND category <> '' GROUP BY customer_id, category
            )
            UPDATE customers_customer SET facts = facts || jsonb_strip_nulls(jsonb_build_object(
                'orders', orders,
                'spend', spend,
                'average_order', round(spend / orders),
                'last_purchase_on', (last AT TIME ZONE 'UTC')::date,
                'favourite_category', category
            ))
            FROM spent LEFT JOIN bought ON bought.customer_id = spent.customer_id AND place = 1
            WHERE customers_customer.id = spent.customer_id
            """,
            {"source": files.SOURCE},
        )
        return int(cursor.rowcount)


def facts_are_missing() -> bool:
    return Customer.objects.filter(identities__kind=CARD, facts={}).exists()

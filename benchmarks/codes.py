"""A million codes made and stored, against plain COPY of the same rows.

Both fill the same table with all its indexes, foreign keys and checks, in a process of their own, beginning with an empty table.
Ours draws, checks, hashes and seals the codes and commits piece by piece, as the worker does. Plain COPY reads a CSV file of
exactly the rows that ours wrote, in one command and one transaction. The ratio says what making codes costs beyond the database's
own work of storing them.

    python -m incentives_site.services with --throw-away -- python -m benchmarks.codes
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

COUNT = int(os.environ.get("CODES", "1000000"))
ROUNDS = 5
PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "var" / "bench" / "codes.json"
PATTERN = "SUMMER-####-####-####"
AT_MOST = 3.0  # times plain COPY
MEMORY_LIMIT = 300  # MB


def main() -> int:
    _prepare()
    from django.core.management import call_command

    print(f"Codes: {COUNT:,} made and stored, against plain COPY of the same rows")
    call_command("migrate", verbosity=0)
    incentive = _incentive()
    with tempfile.TemporaryDirectory(prefix="incentives-bench-") as folder:
        file = Path(folder) / "codes.csv"
        ours: list[dict[str, float]] = []
        plain: list[dict[str, float]] = []
        for number in range(1, ROUNDS + 1):
            batch = _fresh(incentive)
            if number % 2:
                ours.append(_child("ours", str(batch)))
                _check(batch)
                _dump(file)
                _emptied()
                plain.append(_child("plain", str(file)))
            else:  # taking turns at being first; the rows are those of the round before
                _emptied()
                plain.append(_child("plain", str(file)))
                batch = _fresh(incentive)
                ours.append(_child("ours", str(batch)))
                _check(batch)
            print(f"  round {number}: ours {ours[-1]['seconds']:.1f} s, plain COPY {plain[-1]['seconds']:.1f} s", flush=True)
    result = _result(ours, plain)
    _tell(result)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if result["ratio"] <= AT_MOST and result["peak_memory_mb"] < MEMORY_LIMIT else 1


def _prepare() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    django.setup()


def _result(ours: list[dict[str, float]], plain: list[dict[str, float]]) -> dict[str, Any]:
    mine, theirs = (statistics.median(run["seconds"] for run in runs) for runs in (ours, plain))
    each_round = [one["seconds"] / other["seconds"] for one, other in zip(ours, plain, strict=True)]
    return {
        "codes": COUNT,
        "rounds": ROUNDS,
        "seconds": round(mine, 2),
        "plain_copy_seconds": round(theirs, 2),
        "codes_per_second": round(COUNT / mine),
        "ratio": round(mine / theirs, 2),
        "ratio_lowest_and_highest": [round(min(each_round), 2), round(max(each_round), 2)],
        "at_most": AT_MOST,
        "peak_memory_mb": round(max(run["memory_mb"] for run in ours)),
    }


def _tell(result: dict[str, Any]) -> None:
    low, high = result["ratio_lowest_and_highest"]
    print(f"  ours        {result['codes_per_second']:>9,} codes/s, peak memory {result['peak_memory_mb']} MB")
    print(f"  plain COPY  {round(result['codes'] / result['plain_copy_seconds']):>9,} rows/s")
    print(
        f"  time ratio ours ÷ plain COPY: {result['ratio']:.2f} (medians of {result['rounds']} rounds; each by itself "
        f"{low:.2f} to {high:.2f}); at most {result['at_most']:.0f}"
    )
    print(f"  also in {RESULTS.relative_to(PROJECT)}")


# --- The database ----------------------------------------------------------------------------------------------------


def _incentive() -> int:
    from campaigns.models import Campaign, Incentive, StackGroup

    campaign = Campaign.objects.create(name="Codes", goal="sales")
    group = StackGroup.objects.get_or_create(key="default", defaults={"name": "Default"})[0]
    row = Incentive.objects.create(
        campaign=campaign, key="a", name="A", claim="code", stack_group=group, effect={"type": "percent_off", "percent": "10"}
    )
    return row.pk


def _fresh(incentive: int) -> int:
    """An empty table, and a batch that waits to be made."""
    from django.utils import timezone

    from campaigns.models import CodeBatch

    _emptied()
    batch = CodeBatch.objects.create(
        incentive_id=incentive,
        name="Codes",
        count=COUNT,
        pattern=PATTERN,
        alphabet="34679ACDEFGHJKMNPQRTVWXY",
        has_check=True,
        created_by="benchmark",
        created_at=timezone.now(),
    )
    return batch.pk


def _emptied() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE campaigns_code CASCADE")
        cursor.execute("CHECKPOINT")


def _dump(file: Path) -> None:
    from django.db import connection

    with connection.cursor() as cursor, file.open("wb") as opened:
        with cursor.copy("COPY (SELECT * FROM campaigns_code ORDER BY id) TO STDOUT WITH (FORMAT csv)") as copy:
            for piece in copy:
                opened.write(piece)


def _check(batch: int) -> None:
    """Codes that are missing or alike would be quick to make."""
    from campaigns.models import Code, CodeBatch

    assert CodeBatch.objects.get(pk=batch).state == "done"
    assert Code.objects.filter(batch_id=batch).count() == COUNT


# --- The processes that are measured ---------------------------------------------------------------------------------


def _child(kind: str, argument: str) -> dict[str, float]:
    """Runs one in a process of its own: seconds without the start of Python, and the most memory it held."""
    command = [sys.executable, "-m", "benchmarks.codes", kind, argument]
    printed = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured: dict[str, float] = json.loads(printed.splitlines()[-1])
    return measured


def _measured(kind: str, argument: str) -> None:
    _prepare()
    from django.db import connection
    from django.utils import timezone

    from campaigns import operations

    connection.ensure_connection()
    started = time.perf_counter()
    if kind == "ours":
        assert operations.make_codes(batch_id=int(argument), clock=timezone.now)
    else:
        with connection.cursor() as cursor, Path(argument).open("rb") as file:
            with cursor.copy("COPY campaigns_code FROM STDIN WITH (FORMAT csv)") as copy:
                while piece := file.read(1 << 20):
                    copy.write(piece)
    seconds = time.perf_counter() - started
    memory = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": seconds, "memory_mb": memory}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measured(*sys.argv[1:])
    else:
        sys.exit(main())

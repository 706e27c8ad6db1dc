"""``make bench-engine``: the stacking engine against other engines, against a plain view, and against itself.

Every figure comes from this run on this machine: peers are measured beside us, in turns, on the same work, and what both compute
is compared before anything is timed. Prints a line for each target and writes ``var/bench/engine.json``.

    python -m incentives_site.services with --throw-away -- python -m benchmarks.engine [--only bc]
"""

import argparse
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from . import peers, web, workloads
from .catalogue import address, catalogue, create, drop, empty_tables
from .turns import PROJECT, Failed, Side, medians

RESULTS = PROJECT / "var" / "bench" / "engine.json"
ROUNDS = 7
SECONDS = 0.4
MATCHING = 20
PERCENTILES = (50, 95)


@dataclass(frozen=True, slots=True)
class Row:
    """One target and what came out. ``verdict`` is ``ok``, ``missed`` or ``not measured``."""

    name: str
    target: str
    figure: str
    verdict: str
    ratio: float | None = None
    measured: dict[str, Any] = field(default_factory=dict)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="Measures the stacking engine.")
    parser.add_argument("--only", default="abcdef", metavar="LETTERS", help="these rows alone, such as bc")
    only = parser.parse_args().only
    started = time.monotonic()
    print(f"The engine, on {os.cpu_count()} cores, Python {platform.python_version()}; medians of {ROUNDS} rounds")
    rows: list[Row] = []
    with empty_tables():
        measurements = (against_oscar, against_medusa, against_pretix, many_against_few, over_http, memory)
        for letter, measurement in zip("abcdef", measurements, strict=True):
            for row in measurement() if letter in only else ():
                rows.append(row)
                tell(row)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "seconds": round(time.monotonic() - started),
        "rows": [asdict(row) for row in rows],
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"  {result['seconds']} s in all; also in {RESULTS.relative_to(PROJECT)}")
    return 1 if any(row.verdict == "missed" for row in rows) else 0


def tell(row: Row) -> None:
    ratio = f"{row.ratio:,.2f}" if row.ratio is not None else "–"
    print(f"  {row.verdict:<12} {row.name:<44} {row.figure:<52} ratio {ratio:>10}   target: {row.target}", flush=True)


@contextmanager
def not_measured(name: str, target: str, rows: list[Row]) -> Iterator[None]:
    """What cannot be measured here says why; the rest still runs. A wrong result is no reason: that stops everything."""
    try:
        yield
    except (peers.NotInstalled, Failed) as error:
        rows.append(Row(name, target, str(error), "not measured"))


def verdict(is_met: bool) -> str:
    return "ok" if is_met else "missed"


def duration(nanoseconds: float) -> str:
    if nanoseconds < 1e6:
        return f"{nanoseconds / 1e3:.0f} µs"
    return f"{nanoseconds / 1e6:.2f} ms" if nanoseconds < 1e9 else f"{nanoseconds / 1e9:.2f} s"


def python_side(name: str, module: str, *arguments: str, program: str = sys.executable, **fields: Any) -> Side:
    return Side(name, [program, "-m", module, *arguments], **fields)


def compared(name: str, ours: Side, theirs: Side, *, least: float, rounds: int = ROUNDS, **more: Any) -> Row:
    """Ours against a peer that is at least so many times slower."""
    our_time, their_time = medians(ours, theirs, rounds=rounds, seconds=SECONDS)
    ratio = their_time / our_time
    queries = [f", {side.said['queries']} queries" if "queries" in side.said else "" for side in (ours, theirs)]
    return Row(
        name,
        f"at least {least:,.0f} times faster",
        f"ours {duration(our_time)}{queries[0]}; {theirs.name} {theirs.said['version']} {duration(their_time)}{queries[1]}",
        verdict(ratio >= least),
        round(ratio, 2),
        {
            "ours_ns": round(our_time),
            "theirs_ns": round(their_time),
            "peer": theirs.name,
            "peer_version": theirs.said["version"],
            "our_queries": ours.said.get("queries"),
            "their_queries": theirs.said.get("queries"),
            "rounds": rounds,
            **more,
        },
    )


# --- Against other engines -------------------------------------------------------------------------------------------


def against_oscar() -> list[Row]:
    """Twenty percentages on ten lines, rules from PostgreSQL on both sides, nobody signed in."""
    name, target, rows = "(a) 20 percentages on 10 lines, PostgreSQL", "at least 1,000 times faster", list[Row]()
    work = {"basket": workloads.basket(10), "incentives": workloads.percents(MATCHING)}
    asked = {"currency": workloads.CURRENCY, "channel": workloads.CHANNEL, "basket": work["basket"], "has_customer": False}
    with not_measured(name, target, rows):
        program = peers.python("oscar")
        create("bench_oscar")
        try:
            with (
                catalogue(live=MATCHING, matching=MATCHING) as ours_in,
                python_side("ours", "benchmarks.engine.ours", "quote", workload=asked, environment=ours_in.environment) as ours,
                python_side(
                    "django-oscar",
                    "benchmarks.peers.oscar.measure",
                    program=program,
                    workload=work,
                    environment={"DATABASE_URL": address("bench_oscar")},
                ) as oscar,
            ):
                # The same rules, two readings: it takes each percentage of the list price, we of what is left.
                amounts = workloads.amounts(work["basket"])
                same(ours.said["lines"], workloads.after_percents(amounts, MATCHING), 0)
                same(oscar.said["lines"], [amount * MATCHING / 100 for amount in amounts], MATCHING)
                assert ours.said["applied"] == oscar.said["applied"] == MATCHING
                rows.append(compared(name, ours, oscar, least=1000, rounds=5))
        finally:
            drop("bench_oscar")
    return rows


def against_medusa() -> list[Row]:
    """Two hundred promotions of six kinds in memory, all of which apply, on ten and on a hundred lines."""
    rows: list[Row] = []
    for lines in (10, 100):
        name, target = f"(b) 200 promotions on {lines} lines, in memory", "at least 3 times faster"
        work = {"simulation": workloads.simulation(lines, workloads.mixture(200))}
        with not_measured(name, target, rows):
            home = peers.node("medusa")
            script = PROJECT / "benchmarks" / "peers" / "medusa" / "measure.js"
            command = ["env", "-C", str(home), "node", str(script)]
            with (
                python_side("ours", "benchmarks.engine.ours", "memory", workload=work) as ours,
                Side("medusa", command, work) as medusa,
            ):
                # It never rounds; we round each promotion on each line.
                same(ours.said["lines"], medusa.said["lines"], 200)
                assert ours.said["applied"] == medusa.said["applied"] == 200
                rows.append(compared(name, ours, medusa, least=3))
    return rows


def against_pretix() -> list[Row]:
    """Two hundred rules on twenty units, of which five match."""
    name, target, rows = "(c) 200 rules, 5 match, 20 units, in memory", "at least 3 times faster", list[Row]()
    work = {"simulation": workloads.mostly_others(200, 5, 20)}
    with not_measured(name, target, rows):
        program = peers.python("pretix")
        with (
            python_side("ours", "benchmarks.engine.ours", "memory", workload=work) as ours,
            python_side("pretix", "benchmarks.peers.pretix.measure", program=program, workload=work) as pretix,
        ):
            same(ours.said["lines"], pretix.said["lines"], 1)
            assert ours.said["applied"] == pretix.said["applied"] == 5
            rows.append(compared(name, ours, pretix, least=3))
    return rows


def same(ours: list[float], theirs: list[float], tolerance: float) -> None:
    """Both sides give each line the same, but for so many minor units of rounding. A fast wrong answer is worth nothing."""
    assert len(ours) == len(theirs), f"{len(ours)} lines and {len(theirs)}"
    for line, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert abs(one - other) <= tolerance, f"line {line}: {one} and {other}"


# --- Against ourselves and a plain view ------------------------------------------------------------------------------


def many_against_few() -> list[Row]:
    """The same quote of a known customer among ten thousand live incentives and among the twenty that match."""
    name, target, rows = "(d) quote among 10,000 live against 20", "at most 2 times the cost", list[Row]()
    asked = {
        "currency": workloads.CURRENCY,
        "channel": workloads.CHANNEL,
        "basket": workloads.basket(10),
        "has_customer": True,
    }
    with (
        not_measured(name, target, rows),
        catalogue(live=MATCHING, matching=MATCHING) as small,
        catalogue(live=10_000, matching=MATCHING) as large,
        python_side("few", "benchmarks.engine.ours", "quote", workload=asked, environment=small.environment) as few,
        python_side("many", "benchmarks.engine.ours", "quote", workload=asked, environment=large.environment) as many,
    ):
        same(few.said["lines"], many.said["lines"], 0)
        assert few.said["applied"] == many.said["applied"] == MATCHING
        few_time, many_time = medians(few, many, rounds=ROUNDS, seconds=SECONDS)
        ratio = many_time / few_time
        rows.append(
            Row(
                name,
                target,
                f"{duration(many_time)}, {many.said['queries']} queries; {duration(few_time)}, {few.said['queries']} queries",
                verdict(ratio <= 2),
                round(ratio, 2),
                {"many_ns": round(many_time), "few_ns": round(few_time), "queries": many.said["queries"], "rounds": ROUNDS},
            )
        )
    return rows


def over_http() -> list[Row]:
    """A whole quote with a thousand live incentives against a plain view with one query in the same server, in turns."""
    target, rows = "at most 3 times", list[Row]()
    with not_measured("(e) quote over HTTP, 1,000 live", target, rows), catalogue(live=1000, matching=MATCHING) as full:
        with web.serving(full) as server, web.Caller(server, full) as known:
            with web.Caller(server, full, has_customer=False) as anonymous:
                calls = {"bare": known.bare, "quote": known.quote, "anonymous": anonymous.quote}
                taken = in_turns(calls, seconds=20, most=400)
            assert len(known.answer["applied"]) == MATCHING, f"{len(known.answer['applied'])} applied"
        for percentile in PERCENTILES:
            bare, quote, nobody = (at(percentile, taken[kind]) for kind in calls)
            rows.append(
                Row(
                    f"(e) quote over HTTP, 1,000 live, p{percentile}",
                    target,
                    f"{duration(quote)} ({duration(nobody)} anonymous); plain view {duration(bare)}",
                    verdict(quote / bare <= 3),
                    round(quote / bare, 2),
                    {"quote_ns": quote, "anonymous_ns": nobody, "bare_ns": bare, "calls": len(taken["quote"])},
                )
            )
    return rows


def in_turns(calls: dict[str, Callable[[], int]], *, seconds: float, most: int) -> dict[str, list[int]]:
    """Nanoseconds of each call, one after the other, after a warm-up of every one."""
    for call in calls.values():
        for _ in range(5):
            call()
    taken: dict[str, list[int]] = {kind: [] for kind in calls}
    end = time.monotonic() + seconds
    while len(taken["quote"]) < most and (time.monotonic() < end or len(taken["quote"]) < 20):
        for kind, call in calls.items():
            taken[kind].append(call())
    return taken


def at(percentile: int, values: list[int]) -> int:
    """The nearest rank."""
    if percentile == 50:
        return round(statistics.median(values))
    return sorted(values)[math.ceil(len(values) * percentile / 100) - 1]


def memory() -> list[Row]:
    """What a web worker holds after quotes among ten thousand live incentives, from all its threads at once."""
    name, target, rows = "(f) memory of a worker, 10,000 live", "under 300 MB resident", list[Row]()
    with not_measured(name, target, rows), catalogue(live=10_000, matching=MATCHING) as full, web.serving(full) as server:
        before, _most = server.memory()
        quotes = web.crowd(server, full, times=50, seconds=15)
        resident, most = server.memory()
        rows.append(
            Row(
                name,
                target,
                f"{resident:.0f} MB after {quotes} quotes; most {most:.0f}, before {before:.0f}",
                verdict(resident < 300),
                None,
                {"resident_mb": round(resident), "most_mb": round(most), "before_mb": round(before), "quotes": quotes},
            )
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())

"""Two processes that take turns at being measured, and what they say to each other. Standard library only: peers import it too.

A measured process reads one JSON line, prepares itself, warms up and answers with one line. Then each line ``{"seconds": s}``
asks it for a round, and it answers with the round's median. Only one process works at a time, and they take turns at being first,
so that neither has the warmer machine.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent.parent
WARM_UP_SECONDS = 1.0


class Failed(Exception):
    """A measured process ended, or took too long; the message is a sentence for the row."""


# --- Inside a measured process ---------------------------------------------------------------------------------------


def serve(prepare: Callable[[dict[str, Any]], tuple[Callable[[], int], dict[str, Any]]]) -> None:
    """Answers until the input ends. ``prepare`` gets the first line and gives what runs once and says how many nanoseconds it
    took, and what to answer: what was computed, so that the other side can check it.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    once, said = prepare(json.loads(sys.stdin.readline()))
    end = time.perf_counter() + WARM_UP_SECONDS
    while once() and time.perf_counter() < end:
        pass
    print(json.dumps(said), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_round(once, json.loads(line)["seconds"])), file=answers, flush=True)


def _round(once: Callable[[], int], seconds: float) -> dict[str, float]:
    taken: list[int] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        taken.append(once())
    return {"ns": statistics.median(taken), "times": len(taken)}


def timed(work: Callable[[], object]) -> Callable[[], int]:
    """What runs ``work`` once and says how many nanoseconds it took."""

    def once() -> int:
        started = time.perf_counter_ns()
        work()
        return time.perf_counter_ns() - started

    return once


# --- Beside it -------------------------------------------------------------------------------------------------------


@dataclass
class Side:
    """A measured process. ``said`` is what it answered when it was ready."""

    name: str
    command: list[str]
    workload: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    patience: float = 120
    said: dict[str, Any] = field(init=False, default_factory=dict)

    def __enter__(self) -> "Side":
        self._log = (log_folder() / f"{self.name}.log").open("w+")
        self._process = subprocess.Popen(
            self.command,
            cwd=PROJECT,
            env=os.environ | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        try:
            self.said = self._ask(self.workload)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def round(self, seconds: float) -> float:
        """The median of one round, in nanoseconds."""
        return float(self._ask({"seconds": seconds})["ns"])

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        too_late = threading.Timer(self.patience, self._process.kill)
        too_late.start()
        try:
            self._process.stdin.write(json.dumps(question) + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
            answer = self._process.stdout.readline()  # type: ignore[union-attr]
        except BrokenPipeError:
            answer = ""
        finally:
            too_late.cancel()
        if not answer:
            self._process.wait()
            raise Failed(f"{self.name} gave no answer: {self._last_words()}")
        return json.loads(answer)  # type: ignore[no-any-return]

    def _last_words(self) -> str:
        self._log.flush()
        said = Path(self._log.name).read_text(errors="replace").strip().splitlines()
        return (
            said[-1][:300]
            if said
            else f"exit code {self._process.returncode} (negative: ended by a signal, as after {self.patience:.0f} s)"
        )


def log_folder() -> Path:
    """Where measured processes write what they have to say beside figures."""
    folder = PROJECT / "var" / "bench" / "log"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def medians(*sides: Side, rounds: int, seconds: float) -> list[float]:
    """The median of each side's rounds in nanoseconds, the sides taking turns at being first."""
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(rounds):
        for side in sides if number % 2 else sides[::-1]:
            found[side.name].append(side.round(seconds))
    return [statistics.median(found[side.name]) for side in sides]

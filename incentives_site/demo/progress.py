"""How far the loading is: a bar in a terminal, one line a step elsewhere."""

import time
from typing import Protocol

WIDTH = 30
SECONDS_BETWEEN_DRAWINGS = 0.2


class Out(Protocol):
    """What is needed of a terminal or a file."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class Step:
    """One step of the loading. Call it with the number of rows done since the last call."""

    def __init__(self, label: str, total: int, out: Out) -> None:
        self.label, self.total, self.out = label, total, out
        self.done = self.counted = 0
        self.started = self.drawn = time.monotonic()
        self.is_terminal = out.isatty()

    def __call__(self, rows: int) -> None:
        self.done += rows
        self.counted += rows
        now = time.monotonic()
        if self.is_terminal and now - self.drawn >= SECONDS_BETWEEN_DRAWINGS:
            self.drawn = now
            self._draw()

    def skip(self, rows: int) -> None:
        """Rows that an earlier run has loaded: they are done, but not in the speed."""
        self.done += rows

    def finish(self) -> None:
        seconds = time.monotonic() - self.started
        rate = f", {self.counted / seconds:,.0f} rows a second" if self.counted and seconds > 0.05 else ""
        earlier = "" if self.counted == self.done else f", {self.done - self.counted:,} of them earlier"
        text = f"  {self.label}: {self.done:,} rows in {seconds:.1f} s{rate}{earlier}"
        self.out.write(f"\r{text:<{WIDTH + 50}}\n" if self.is_terminal else f"{text}\n")
        self.out.flush()

    def _draw(self) -> None:
        share = min(self.done / self.total, 1) if self.total else 1
        bar = ("#" * round(share * WIDTH)).ljust(WIDTH, ".")
        self.out.write(f"\r  {self.label:<24} [{bar}] {share:4.0%} {self.done:>12,} rows ")
        self.out.flush()


class Report:
    """Makes the steps of one loading, all written to one place."""

    def __init__(self, out: Out) -> None:
        self.out = out

    def step(self, label: str, total: int) -> Step:
        return Step(label, total, self.out)

"""How much work one decision may be, counted in steps and never timed: the same question gets the same answer on any machine.

A step is about what looking at one line for one incentive costs: half a microsecond in our measurements. What can be made large
from outside spends steps in proportion: lines, runs of units, conditions, nested effects, combinations, and what the answer says
(``docs/limits.md``).
"""

MOST_STEPS = 150_000


class TooComplex(Exception):
    """The decision would be more work than it may be. Nothing is known about its outcome."""


class Work:
    """What is left of the work of one decision; ``spend`` raises ``TooComplex`` when nothing is."""

    __slots__ = ("left", "most")

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.most = self.left = most

    @property
    def spent(self) -> int:
        return self.most - self.left

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooComplex

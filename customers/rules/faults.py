"""What is wrong with a piece of data that should have been in one of our languages (conditions, effects, baskets)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """``pointer`` is a JSON pointer into the data, ``code`` a stable word, ``detail`` a sentence."""

    pointer: str
    code: str
    detail: str


class Misunderstood(ValueError):
    """The data cannot be understood; ``faults`` says where and why (at least one)."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))


def escape(key: str) -> str:
    """One reference token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")

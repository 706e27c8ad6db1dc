"""Where a caller may act: the channels and stores a key speaks for."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """Keys of channels and of stores. No stores: every store, and orders without one."""

    channels: Collection[str]
    stores: Collection[str] = ()

    def covers(self, *, channel: str | None, store: str | None) -> bool:
        """Whether something that was made there may be used or ended. Without a channel it is older than this rule, and may."""
        if channel is None:
            return True
        return channel in self.channels and (not self.stores or store in self.stores)

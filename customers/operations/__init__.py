"""The verbs of customers."""

from ._identify import identify
from ._track import track

__all__ = ["identify", "track"]

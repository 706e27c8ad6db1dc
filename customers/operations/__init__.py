"""The verbs of customers."""

from ._identify import identify
from ._learn import learn
from ._track import track

__all__ = ["identify", "learn", "track"]

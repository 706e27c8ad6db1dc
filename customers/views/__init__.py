"""Pages about customers."""

from .admission import READERS
from .identity import change_identity, identity
from .search import search

__all__ = ["READERS", "change_identity", "identity", "search"]

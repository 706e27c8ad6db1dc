"""Pages about customers."""

from .search import READERS, search

__all__ = ["READERS", "search"]

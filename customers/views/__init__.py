"""Pages about customers."""

from .admission import READERS
from .events import live_events, send_again
from .identity import change_identity, identity
from .search import search

__all__ = ["READERS", "change_identity", "identity", "live_events", "search", "send_again"]

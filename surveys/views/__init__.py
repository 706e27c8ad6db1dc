"""Pages of surveys."""

from . import listing, meetings, results

__all__ = ["listing", "meetings", "results"]

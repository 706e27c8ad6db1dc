"""Pages of surveys."""

from . import feedback, listing, meetings, results

__all__ = ["feedback", "listing", "meetings", "results"]

"""Pages of surveys."""

from . import feedback, listing, meetings, results, threads

__all__ = ["feedback", "listing", "meetings", "results", "threads"]

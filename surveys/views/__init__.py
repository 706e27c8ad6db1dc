"""Pages of surveys."""

from . import listing, results

__all__ = ["listing", "results"]

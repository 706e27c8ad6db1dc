"""Pages of campaigns that read nothing to the right: the editor, the steps of a campaign's life.

The list and the page of a campaign show results too, and the wallet shows balances, so they are put together in
``incentives_site.workspace``.
"""

from . import codes, editor, lifecycle
from .audience import audience_size, typed_audience_size

__all__ = ["audience_size", "codes", "editor", "lifecycle", "typed_audience_size"]

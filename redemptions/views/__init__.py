"""Pages of the till: the sale, its receipt, its return."""

from .receipts import give_back, receipt, receipt_list
from .till import till

__all__ = ["give_back", "receipt", "receipt_list", "till"]

"""Pages of the till: the sale, its receipt, its return."""

from .receipts import receipt, receipt_list, return_everything
from .till import till

__all__ = ["receipt", "receipt_list", "return_everything", "till"]

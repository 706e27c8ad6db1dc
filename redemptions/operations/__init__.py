"""The verbs of redemptions and their refusals."""

from ._give_back import AlreadyReturned, RecordedElsewhere, give_back
from ._quote import Quote, Request, quote
from ._redeem import DecisionChanged, NothingToRedeem, OrderAlreadyRedeemed, redeem

__all__ = [
    "AlreadyReturned",
    "DecisionChanged",
    "NothingToRedeem",
    "OrderAlreadyRedeemed",
    "Quote",
    "RecordedElsewhere",
    "Request",
    "give_back",
    "quote",
    "redeem",
]

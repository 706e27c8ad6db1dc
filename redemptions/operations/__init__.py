"""The verbs of redemptions and their refusals."""

from ._check_ledger import check_ledger
from ._gift_cards import issue_gift_card
from ._give_back import AlreadyReturned, RecordedElsewhere, give_back
from ._ledger import (
    Holder,
    NotEnough,
    account_of,
    activate_due,
    adjust,
    earn,
    expire_due,
    refund,
    spend,
    take_back,
)
from ._quote import Quote, Request, quote
from ._redeem import DecisionChanged, NothingToRedeem, OrderAlreadyRedeemed, redeem

__all__ = [
    "AlreadyReturned",
    "DecisionChanged",
    "Holder",
    "NotEnough",
    "NothingToRedeem",
    "OrderAlreadyRedeemed",
    "Quote",
    "RecordedElsewhere",
    "Request",
    "account_of",
    "activate_due",
    "adjust",
    "check_ledger",
    "earn",
    "expire_due",
    "give_back",
    "issue_gift_card",
    "quote",
    "redeem",
    "refund",
    "spend",
    "take_back",
]

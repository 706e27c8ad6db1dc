"""What happened: redemptions, returns, and the ledger of stored value."""

from ._earning import Outcome, PurchaseEarning
from ._ledger import Account, AccountKind, CheckRun, Entry, GiftCard, Lot, LotUse, Posting, PostingKind
from ._loyalty import ContestDraw, CustomerTier
from ._redemptions import (
    Access,
    AppliedIncentive,
    Redemption,
    RedemptionLine,
    Reservation,
    ReservationState,
    Return,
    ReturnLine,
    Tender,
)

__all__ = [
    "Access",
    "Account",
    "AccountKind",
    "AppliedIncentive",
    "CheckRun",
    "ContestDraw",
    "CustomerTier",
    "Entry",
    "GiftCard",
    "Lot",
    "LotUse",
    "Outcome",
    "Posting",
    "PostingKind",
    "PurchaseEarning",
    "Redemption",
    "RedemptionLine",
    "Reservation",
    "ReservationState",
    "Return",
    "ReturnLine",
    "Tender",
]

"""What happened: redemptions, returns, and the ledger of stored value."""

from ._ledger import Account, AccountKind, CheckRun, Entry, GiftCard, Lot, LotUse, Posting, PostingKind
from ._redemptions import AppliedIncentive, Redemption, Return

__all__ = [
    "Account",
    "AccountKind",
    "AppliedIncentive",
    "CheckRun",
    "Entry",
    "GiftCard",
    "Lot",
    "LotUse",
    "Posting",
    "PostingKind",
    "Redemption",
    "Return",
]

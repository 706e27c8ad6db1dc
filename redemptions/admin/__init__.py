"""Redemptions, returns and the ledger in the back office: read, never edited."""

from ._ledger import AccountAdmin, CheckRunAdmin, EntryAdmin, GiftCardAdmin, LotAdmin, LotUseAdmin, PostingAdmin
from ._redemptions import AppliedIncentiveAdmin, RedemptionAdmin, ReturnAdmin

__all__ = [
    "AccountAdmin",
    "AppliedIncentiveAdmin",
    "CheckRunAdmin",
    "EntryAdmin",
    "GiftCardAdmin",
    "LotAdmin",
    "LotUseAdmin",
    "PostingAdmin",
    "RedemptionAdmin",
    "ReturnAdmin",
]

"""Redemptions, returns and the ledger in the back office: read, never edited."""

from ._ledger import AccountAdmin, CheckRunAdmin, EntryAdmin, GiftCardAdmin, LotAdmin, LotUseAdmin, PostingAdmin
from ._loyalty import ContestDrawAdmin, CustomerTierAdmin, PurchaseEarningAdmin
from ._redemptions import (
    AccessAdmin,
    AppliedIncentiveAdmin,
    RedemptionAdmin,
    RedemptionLineAdmin,
    ReservationAdmin,
    ReturnAdmin,
    ReturnLineAdmin,
    TenderAdmin,
)
from ._verbs import alert_of_the_proof

__all__ = [
    "AccessAdmin",
    "AccountAdmin",
    "AppliedIncentiveAdmin",
    "CheckRunAdmin",
    "ContestDrawAdmin",
    "CustomerTierAdmin",
    "EntryAdmin",
    "GiftCardAdmin",
    "LotAdmin",
    "LotUseAdmin",
    "PostingAdmin",
    "PurchaseEarningAdmin",
    "RedemptionAdmin",
    "RedemptionLineAdmin",
    "ReservationAdmin",
    "ReturnAdmin",
    "ReturnLineAdmin",
    "TenderAdmin",
    "alert_of_the_proof",
]

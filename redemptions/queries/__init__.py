"""Reads of redemptions and of what campaigns brought."""

from .proof import LedgerFault, prove
from .results import (
    Attention,
    CampaignResults,
    ChannelResult,
    DayResult,
    Figures,
    Headline,
    IncentiveResult,
    Reason,
    Totals,
    campaign_results,
    campaign_summaries,
    headline,
    recent_redemptions,
)
from .single import RedemptionUnknown, receipts, redemption_by_public_id, value_moved

__all__ = [
    "Attention",
    "CampaignResults",
    "ChannelResult",
    "DayResult",
    "Figures",
    "Headline",
    "IncentiveResult",
    "LedgerFault",
    "Reason",
    "RedemptionUnknown",
    "Totals",
    "campaign_results",
    "campaign_summaries",
    "headline",
    "prove",
    "receipts",
    "recent_redemptions",
    "redemption_by_public_id",
    "value_moved",
]

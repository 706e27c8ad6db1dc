"""Reads of redemptions and of what campaigns brought."""

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

__all__ = [
    "Attention",
    "CampaignResults",
    "ChannelResult",
    "DayResult",
    "Figures",
    "Headline",
    "IncentiveResult",
    "Reason",
    "Totals",
    "campaign_results",
    "campaign_summaries",
    "headline",
    "recent_redemptions",
]

"""Reads of redemptions and of what campaigns brought."""

from .earning import bought_in, earned_as_purchase, purchase_key, purchases_to_look_at, was_redeemed
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
from .single import (
    RedemptionUnknown,
    order_lines,
    receipts,
    redemption_by_public_id,
    redemption_by_reference,
    value_moved,
)
from .tiers import counted_for_tiers, customers_to_refresh
from .value import Balances, Earned, Ending, accounts_of, balances_of, closing_balances, earned_by, movements, secret_cards

__all__ = [
    "Attention",
    "Balances",
    "CampaignResults",
    "ChannelResult",
    "DayResult",
    "Earned",
    "Ending",
    "Figures",
    "Headline",
    "IncentiveResult",
    "LedgerFault",
    "Reason",
    "RedemptionUnknown",
    "Totals",
    "accounts_of",
    "balances_of",
    "bought_in",
    "campaign_results",
    "campaign_summaries",
    "closing_balances",
    "counted_for_tiers",
    "customers_to_refresh",
    "earned_as_purchase",
    "earned_by",
    "headline",
    "movements",
    "order_lines",
    "prove",
    "purchase_key",
    "purchases_to_look_at",
    "receipts",
    "recent_redemptions",
    "redemption_by_public_id",
    "redemption_by_reference",
    "secret_cards",
    "value_moved",
    "was_redeemed",
]

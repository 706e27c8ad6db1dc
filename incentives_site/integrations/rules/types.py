"""What partners can be told of. ``docs/webhooks.md`` has a table of the same."""

PING = "webhook.ping"  # sent on request to one endpoint; nobody subscribes to it

# Type → the fields of its data.
TYPES: dict[str, tuple[str, ...]] = {
    "redemption.created": ("redemption", "order", "customer", "channel", "currency", "discount", "stored_value", "payable"),
    "redemption.returned": ("return", "redemption", "order", "customer", "currency", "amount", "stored_value", "everything"),
    "grant.created": ("grant", "customer", "incentive", "campaign", "channel", "ends_at"),
    "customer.merged": ("customer", "into"),
    "customer.opted_out": ("customer", "channel", "kind"),
    "campaign.launched": ("campaign", "status", "starts_at", "ends_at"),
    "campaign.started": ("campaign", "status", "starts_at", "ends_at"),
    "campaign.paused": ("campaign", "status", "starts_at", "ends_at"),
    "campaign.resumed": ("campaign", "status", "starts_at", "ends_at"),
    "campaign.ended": ("campaign", "status", "starts_at", "ends_at"),
    "reservation.expired": ("reservation", "order", "customer"),
    "survey.wave.opened": ("survey", "wave", "number", "invited", "opens_at", "closes_at"),
    "survey.wave.closed": ("survey", "wave", "number", "invited", "published_at", "participation"),
    "balance.changed": ("customer", "gift_card", "kind", "unit", "amount", "balance"),
}

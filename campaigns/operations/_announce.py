"""What partners are told of campaigns and grants (``docs/webhooks.md``), in the transaction in which it happens."""

import datetime

from incentives_site.integrations.operations import announce

from ..models import Campaign, Grant


def announce_granted(grant: Grant, campaign: Campaign) -> None:
    announce(
        type="grant.created",
        key=str(grant.public_id),
        data={
            "grant": grant.public_id,
            "customer": grant.customer.public_id,
            "incentive": grant.incentive.public_id,
            "campaign": campaign.public_id,
            "channel": grant.channel.key,
            "ends_at": grant.ends_at,
        },
        now=grant.granted_at,
    )


def announce_campaign(type: str, campaign: Campaign, now: datetime.datetime | None = None) -> None:
    """Call it while the campaign's row is locked: each of its steps is told once because it is made once."""
    data = {
        "campaign": campaign.public_id,
        "status": campaign.status,
        "starts_at": campaign.starts_at,
        "ends_at": campaign.ends_at,
    }
    announce(type=type, data=data, now=now)

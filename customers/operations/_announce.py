"""What partners are told of customers (``docs/webhooks.md``), in the transaction in which it happens."""

from incentives_site.integrations.operations import announce

from ..models import Consent

OPTED_OUT = "customer.opted_out"


def announce_opted_out(row: Consent) -> None:
    """A customer wants less: ``channel`` and ``kind`` are null where all are meant."""
    announce(
        type=OPTED_OUT,
        key=f"consent:{row.pk}",
        data={
            "customer": row.customer.public_id,
            "channel": row.channel.key if row.channel else None,
            "kind": row.kind or None,
        },
        now=row.recorded_at,
    )

"""What partners are told of redemptions and of stored value (``docs/webhooks.md``), in the transaction in which it happens.

An order that a partner redeemed is that partner's affair, whoever takes it back; those of our own tills are for all to know.
"""

from collections.abc import Mapping
from typing import Any

from incentives_site.integrations.operations import announce, telling
from incentives_site.integrations.queries import is_anybody_told

from ..models import Account, Posting, Redemption, Reservation, Return
from ..models._ledger import HELD

REDEEMED = "redemption.created"


def redeemed_as_told(redemption: Redemption) -> dict[str, Any]:
    """The parameters for a statement with ``announcing`` that writes the redemption."""
    return telling(
        type=REDEEMED,
        key=str(redemption.public_id),
        data={
            "redemption": str(redemption.public_id),
            "order": redemption.order_key,
            "customer": str(redemption.customer.public_id) if redemption.customer else None,
            "channel": redemption.channel.key,
            "currency": redemption.currency,
            "discount": redemption.discount,
            "stored_value": redemption.stored_value,
            "payable": redemption.payable,
        },
        partner=_partner_of(redemption),
        now=redemption.redeemed_at,
    )


def announce_returned(given: Return, redemption: Redemption) -> None:
    announce(
        type="redemption.returned",
        key=str(given.public_id),
        data={
            "return": given.public_id,
            "redemption": redemption.public_id,
            "order": redemption.order_key,
            "customer": redemption.customer.public_id if redemption.customer else None,
            "currency": redemption.currency,
            "amount": given.amount,
            "stored_value": given.stored_value,
            "everything": given.everything,
        },
        partner=_partner_of(redemption),
        now=given.returned_at,
    )


def announce_expired(reservation: Reservation) -> None:
    announce(
        type="reservation.expired",
        key=str(reservation.public_id),
        data={
            "reservation": reservation.public_id,
            "order": reservation.order_key,
            "customer": reservation.customer.public_id if reservation.customer else None,
        },
        partner=_partner_of(reservation),
    )


def announce_balances(posting: Posting, moves: Mapping[Account, int]) -> None:
    """Of each account that somebody holds. Asks for the balances only where they are told to anybody."""
    held = {account.pk: amount for account, amount in moves.items() if amount and account.kind in HELD}
    if not held or not is_anybody_told("balance.changed"):
        return
    for account in Account.objects.filter(pk__in=held).select_related("customer", "gift_card").order_by("pk"):
        announce(
            type="balance.changed",
            key=f"{posting.pk}:{account.pk}",
            data={
                "customer": account.customer.public_id if account.customer else None,
                "gift_card": account.gift_card.public_id if account.gift_card else None,
                "kind": account.kind,
                "unit": account.unit,
                "amount": held[account.pk],
                "balance": account.balance,
            },
            now=posting.posted_at,
        )


def _partner_of(row: Redemption | Reservation) -> str | None:
    return row.source if row.actor.startswith("key:") else None

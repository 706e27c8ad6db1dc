"""The verbs of redemptions and their refusals."""

from ._check_ledger import check_ledger
from ._draw_contest import DrawAnnounced, DrawNotAnnounced, NobodyEntered, SeedLost, announce_draw, draw_contest
from ._earn_for_purchase import earn_due, earn_for_purchase
from ._gift_cards import issue_gift_card
from ._give_back import AlreadyReturned, RecordedElsewhere, ReturnChanged, ReturnPreview, give_back, preview_return
from ._holdings import ACCOUNTS, REDEMPTIONS, TIERS
from ._ledger import (
    Holder,
    NotEnough,
    account_of,
    activate_due,
    adjust,
    earn,
    expire_due,
    refund,
    spend,
    take_back,
    today_of_the_programme,
)
from ._quote import Quote, Request, quote
from ._redeem import DecisionChanged, NothingToRedeem, OrderAlreadyRedeemed, redeem
from ._refresh_tier import refresh_tier, refresh_tiers
from ._remind import remind_of_ending
from ._reserve import (
    NothingToReserve,
    ReservationEnded,
    ReservationOfAnotherStore,
    ReservationUnknown,
    expire_reservations,
    release,
    reservation_by_public_id,
    reserve,
)

__all__ = [
    "ACCOUNTS",
    "REDEMPTIONS",
    "TIERS",
    "AlreadyReturned",
    "DecisionChanged",
    "DrawAnnounced",
    "DrawNotAnnounced",
    "Holder",
    "NobodyEntered",
    "NotEnough",
    "NothingToRedeem",
    "NothingToReserve",
    "OrderAlreadyRedeemed",
    "Quote",
    "RecordedElsewhere",
    "Request",
    "ReservationEnded",
    "ReservationOfAnotherStore",
    "ReservationUnknown",
    "ReturnChanged",
    "ReturnPreview",
    "SeedLost",
    "account_of",
    "activate_due",
    "adjust",
    "announce_draw",
    "check_ledger",
    "draw_contest",
    "earn",
    "earn_due",
    "earn_for_purchase",
    "expire_due",
    "expire_reservations",
    "give_back",
    "issue_gift_card",
    "preview_return",
    "quote",
    "redeem",
    "refresh_tier",
    "refresh_tiers",
    "refund",
    "release",
    "remind_of_ending",
    "reservation_by_public_id",
    "reserve",
    "spend",
    "take_back",
    "today_of_the_programme",
]

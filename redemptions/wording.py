"""Payments in words: why points, credit or a gift card pay nothing, for the person at the till."""

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from campaigns.rules.candidates import Reason

from .models import AccountKind

POINTS, CREDIT, GIFT_CARD = AccountKind.POINTS.value, AccountKind.CREDIT.value, AccountKind.GIFT_CARD.value


def tender_kind(item: Mapping[str, Any], cards: Collection[str] = ()) -> str:
    """Which tender an item of a decision speaks of; empty for an incentive. ``cards``: codes of gift cards that were sent."""
    kind = str(item.get("incentive") or "").partition(":")[0]
    if kind in (POINTS, CREDIT, GIFT_CARD):
        return kind
    return GIFT_CARD if not item.get("incentive") and item.get("sent_code") in cards else ""


def tender_refused(kind: str, reason: str, *, left: int) -> str:
    """Why it pays nothing. ``left`` is what is still to pay, in minor units."""
    if reason == Reason.NO_EFFECT.value and left == 0:
        return _("Nothing is left to pay with it.")
    sentences = {
        (POINTS, Reason.NO_EFFECT): _("The customer has no points that can be used now."),
        (CREDIT, Reason.NO_EFFECT): _("The customer has no credit in this currency."),
        (GIFT_CARD, Reason.NO_EFFECT): _("Nothing is left on this gift card."),
        (POINTS, Reason.NOT_ELIGIBLE): _("Say who the customer is to pay with points."),
        (CREDIT, Reason.NOT_ELIGIBLE): _("Say who the customer is to pay with credit."),
        (POINTS, Reason.WRONG_CURRENCY): _("Points cannot pay in this currency."),
        (GIFT_CARD, Reason.WRONG_CURRENCY): _("This gift card is in another currency."),
        (GIFT_CARD, Reason.CODE_UNKNOWN): _("This gift card is not known. Check its code for typing errors."),
        (GIFT_CARD, Reason.CODE_EXPIRED): _("This gift card has expired."),
        (GIFT_CARD, Reason.NOT_LIVE): _("This gift card is blocked."),
    }
    return sentences.get((kind, Reason(reason)), _("It cannot be used here."))


def tender_label(kind: str) -> str:
    return str(AccountKind(kind).label)

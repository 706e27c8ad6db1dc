"""Payments and returns in words, for the person at the till: why a tender pays nothing, what else a return changes."""

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.rules.candidates import Reason
from incentives_site.shared.money import format_money

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


def effects_in_words(effects: Mapping[str, Any], names: Mapping[str, str], currency: str) -> list[str]:
    """What a return changes beside the money, a sentence each. ``names`` gives an incentive's name by its public id."""
    return [
        *(_refunded(item, currency) for item in effects.get("stored_value", [])),
        *(_taken_back(item, names, currency) for item in effects.get("taken_back", [])),
        *(_broken(item, names, currency) for item in effects.get("broken", [])),
        *(_("“%(name)s” can be used again.") % {"name": names.get(key, key)} for key in effects.get("restored", [])),
    ]


def _refunded(item: Mapping[str, Any], currency: str) -> str:
    amount = format_money(item["amount"], currency)
    if item["type"] == POINTS:
        text = ngettext("%(n)s point goes back, for %(amount)s.", "%(n)s points go back, for %(amount)s.", item["units"])
        return text % {"n": item["units"], "amount": amount}
    if item["type"] == CREDIT:
        return _("%(amount)s go back to the customer's credit.") % {"amount": amount}
    return _("%(amount)s go back to the gift card.") % {"amount": amount}


def _taken_back(item: Mapping[str, Any], names: Mapping[str, str], currency: str) -> str:
    words = {"n": item["units"], "name": names.get(item["incentive"], "")}
    if item["type"] == "credit":
        words["amount"] = format_money(item["units"], currency)
        return _("%(amount)s of credit that “%(name)s” gave are taken back: what is kept does not earn them.") % words
    if item["type"] == "contest_entry":
        text = ngettext(
            "%(n)s contest entry that “%(name)s” gave is taken back.",
            "%(n)s contest entries that “%(name)s” gave are taken back.",
            item["units"],
        )
        return text % words
    text = ngettext(
        "%(n)s point that “%(name)s” gave is taken back: what is kept does not earn it.",
        "%(n)s points that “%(name)s” gave are taken back: what is kept does not earn them.",
        item["units"],
    )
    return text % words


def _broken(item: Mapping[str, Any], names: Mapping[str, str], currency: str) -> str:
    words = {
        "name": names.get(item["incentive"], ""),
        "kept": format_money(item["kept"], currency),
        "clawed": format_money(item["clawed_back"], currency),
        "missing": format_money(item["not_recovered"], currency),
    }
    if not item["clawed_back"] and not item["not_recovered"]:
        return (
            _("What is kept no longer meets the conditions of “%(name)s”; the customer keeps its %(kept)s all the same.") % words
        )
    text = _("What is kept no longer meets the conditions of “%(name)s”: its %(clawed)s are taken off what is paid back.") % words
    return f"{text} {_('%(missing)s of it cannot be recovered.') % words}" if item["not_recovered"] else text

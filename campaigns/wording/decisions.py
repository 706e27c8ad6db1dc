"""Decisions in words and as data: every reason as a sentence, every decision as the JSON of ``docs/api.md``."""

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from campaigns.rules.applying import Added
from campaigns.rules.awards import Awarded, AwardType
from campaigns.rules.candidates import Reason
from campaigns.rules.decision import Applied, Decision, LineResult, Refused, Share
from campaigns.rules.facts import is_money
from incentives_site.shared.money import format_money
from incentives_site.shared.sealing import masked

# What an operator wrote: by refusal reason or ``any``, then by language.
OwnSentences = Mapping[str, Mapping[str, str]]
ANY = "any"
LIMITS_SAID = {
    "limit.order_value": gettext_lazy("This order is worth more than what is left for it."),
    "limit.points": gettext_lazy("Not enough of its points are left."),
}


def own_sentence(reason: str, own: OwnSentences) -> str:
    """The operator's sentence in the reader's language, or the language it derives from; empty without one."""
    language = get_language() or ""
    languages = [language, language.partition("-")[0]]
    return next((text for key in (reason, ANY) for code in languages if (text := own.get(key, {}).get(code, ""))), "")


def sentence(refused: Refused, currency: str, names: Mapping[str, str] | None = None, own: OwnSentences | None = None) -> str:
    """Why the incentive was refused, for the person at the till: in the operator's ``own`` words where there are any.

    ``names`` gives an incentive's name by its key.
    """
    if own and (text := own_sentence(refused.reason.value, own)):
        return text
    if refused.reason is Reason.CONDITION_NOT_MET:
        return _near_miss(refused, currency)
    if refused.needs_customer:
        if refused.reason is Reason.LIMIT_REACHED:
            return _("It is limited for each customer: say who the customer is.")
        return _("It is meant for certain customers: say who the customer is.")
    winner = (names or {}).get(refused.winner) or refused.winner
    if refused.reason in _BESIDE_A_WINNER:
        beside, alone = _BESIDE_A_WINNER[refused.reason]
        return str(beside) % {"winner": winner} if winner else str(alone)
    if refused.reason is Reason.LIMIT_REACHED and refused.fact in LIMITS_SAID:
        return str(LIMITS_SAID[refused.fact])
    return str(_PLAIN[refused.reason])


# Looked up for each refusal, and only the one that is needed is translated: a simulation may bring a thousand.
_PLAIN = {
    Reason.NOT_LIVE: gettext_lazy("The campaign is not running at the moment."),
    Reason.OUTSIDE_SCHEDULE: gettext_lazy("It is not valid at this time."),
    Reason.WRONG_CHANNEL: gettext_lazy("It cannot be used in this channel."),
    Reason.WRONG_CURRENCY: gettext_lazy("It is not valid for this currency."),
    Reason.NOT_ELIGIBLE: gettext_lazy("It is meant for other customers."),
    Reason.CODE_UNKNOWN: gettext_lazy("This code is not known. Check it for typing errors."),
    Reason.CODE_MISTYPED: gettext_lazy("This code was mistyped: compare it with what is printed, letter by letter."),
    Reason.CODE_EXPIRED: gettext_lazy("This code has expired."),
    Reason.CODE_USED: gettext_lazy("This code has already been used."),
    Reason.NOT_HOLDER: gettext_lazy("This code belongs to another customer."),
    Reason.LIMIT_REACHED: gettext_lazy("It has been used as often as it may be."),
    Reason.BUDGET_EXHAUSTED: gettext_lazy("The campaign's budget is used up."),
    Reason.NO_MATCHING_LINES: gettext_lazy("Nothing in the basket is part of it."),
    Reason.NO_EFFECT: gettext_lazy("It would give nothing for this basket."),
    Reason.OPTED_OUT: gettext_lazy("The customer does not want it."),
    Reason.HELD_OUT: gettext_lazy("It is not given to this customer at the moment."),
    Reason.STACK_LIMIT: gettext_lazy("No more incentives fit on one order."),
    Reason.CAP_REACHED: gettext_lazy("The order already has the largest discount allowed."),
    Reason.REQUEST_FAILED: gettext_lazy("Another code failed, and all or none was asked for."),
}
# With the name of the one that won, and without.
_BESIDE_A_WINNER = {
    Reason.LOST_TO_BETTER: (
        gettext_lazy("“%(winner)s” gives more."),
        gettext_lazy("Other incentives give more together."),
    ),
    Reason.LOST_TO_EXCLUSIVE: (
        gettext_lazy("It cannot be combined with “%(winner)s”, which applies alone."),
        gettext_lazy("It cannot be combined with one that applies alone."),
    ),
    Reason.NOT_FIRST: (
        gettext_lazy("Only one of its kind applies: “%(winner)s” came first."),
        gettext_lazy("Only one of its kind applies, and another came first."),
    ),
    Reason.GROUP_LIMIT: (
        gettext_lazy("No more of its kind can be combined with “%(winner)s”."),
        gettext_lazy("No more of its kind can be combined."),
    ),
}


ABOUT_THE_CODE = {
    Reason.NOT_LIVE, Reason.OUTSIDE_SCHEDULE, Reason.NOT_HOLDER, Reason.CODE_USED, Reason.CODE_EXPIRED, Reason.CODE_MISTYPED,
}  # fmt: skip


def as_told_to_strangers(data: Mapping[str, Any]) -> dict[str, Any]:
    """A decision as data for those who may not know which codes exist: one that cannot be used looks like one that does not."""

    def told(item: Mapping[str, Any]) -> Mapping[str, Any]:
        if "sent_code" not in item or item["code"] not in {reason.value for reason in ABOUT_THE_CODE}:
            return item
        unknown = Refused(incentive="", name="", reason=Reason.CODE_UNKNOWN, code=item["sent_code"])
        return _refused(unknown, data["currency"], {}, None)

    return {**data, **{name: [told(item) for item in data[name]] for name in ("inapplicable", "skipped")}}


def with_masked_codes(data: Mapping[str, Any], *, public: Collection[str] = ()) -> dict[str, Any]:
    """A decision as data as it may be stored: codes are masked, but for the ``public`` ones, which everyone knows.

    Grants, codes of batches and gift cards are found by the rows that were written with the decision.
    """

    def kept(item: dict[str, Any], name: str) -> dict[str, Any]:
        code = item.get(name)
        return item if code is None or code in public else {**item, name: masked(code)}

    return {
        **data,
        "applied": [kept(item, "code") for item in data["applied"]],
        "inapplicable": [kept(item, "sent_code") for item in data["inapplicable"]],
        "skipped": [kept(item, "sent_code") for item in data["skipped"]],
    }


def _near_miss(refused: Refused, currency: str) -> str:
    if refused.missing is not None and refused.missing > 0:
        if refused.fact.startswith("basket.category_total:"):
            words = {"amount": format_money(refused.missing, currency), "category": refused.fact.partition(":")[2]}
            return _("Spend %(amount)s more on “%(category)s”.") % words
        if is_money(refused.fact):
            return _("Spend %(amount)s more.") % {"amount": format_money(refused.missing, currency)}
        if refused.fact.startswith("basket.category_quantity:"):
            category = refused.fact.partition(":")[2]
            text = ngettext("Add %(n)s more from “%(category)s”.", "Add %(n)s more from “%(category)s”.", refused.missing)
            return text % {"n": refused.missing, "category": category}
        if refused.fact == "basket.quantity":
            return ngettext("Add %(n)s more article.", "Add %(n)s more articles.", refused.missing) % {"n": refused.missing}
    if refused.fact.startswith("customer."):
        return _("It is meant for other customers.")
    if refused.fact.startswith("time."):
        return _("It is not valid at this time.")
    if refused.fact.startswith(("channel.", "store.")):
        return _("It cannot be used here.")
    return _("The basket does not meet its conditions.")


def decision_as_data(
    decision: Decision, names: Mapping[str, str] | None = None, own: Mapping[str, OwnSentences] | None = None
) -> dict[str, Any]:
    """The decision as JSON-able data (``docs/api.md``): three lists with reasons, totals, what each line pays.

    ``names`` gives names, ``own`` operators' own sentences, both by the incentive's key in the decision.
    """
    own = own or {}
    names = {**{a.incentive: a.name for a in decision.applied}, **(names or {})}
    return {
        "currency": decision.currency,
        "applied": [_applied(item) for item in decision.applied],
        "inapplicable": [_refused(item, decision.currency, names, own.get(item.incentive)) for item in decision.inapplicable],
        "skipped": [_refused(item, decision.currency, names, own.get(item.incentive)) for item in decision.skipped],
        "totals": {
            "items": decision.totals.items,
            "shipping": decision.totals.shipping,
            "initial": decision.totals.initial,
            "discount": decision.totals.discount,
            "stored_value": decision.totals.stored_value,
            "payable": decision.totals.payable,
        },
        "lines": [{"line": result.line, **_result(result)} for result in decision.lines],
        "shipping": [{"method": result.line, **_result(result)} for result in decision.shipping],
        "order": list(decision.order),
        "optimal": decision.optimal,
    }


def _applied(item: Applied) -> dict[str, Any]:
    data: dict[str, Any] = {
        "incentive": item.incentive,
        "name": item.name,
        "group": item.group,
        "amount": item.amount,
        "lines": [_share(share) for share in item.lines],
        "shipping": [{"method": share.id, "amount": share.amount} for share in item.shipping],
        "items_added": [_added(added) for added in item.added],
        "awards": [_awarded(award) for award in item.awards],
        "base": item.base,
        "running_before": item.running_before,
        "running_after": item.running_after,
    }
    if item.wanted != item.amount + item.stored_value:
        data["wanted"] = item.wanted
    if item.units_wanted:
        data["units"] = {"given": item.units, "wanted": item.units_wanted}
    if item.stored_value:
        data["stored_value"] = item.stored_value
    return {**data, **{name: value for name, value in (("code", item.code), ("grant", item.grant)) if value}}


def _result(result: LineResult) -> dict[str, int]:
    data = {"initial": result.initial, "discount": result.discount, "payable": result.payable}
    return {**data, "stored_value": result.stored_value} if result.stored_value else data


def _share(share: Share) -> dict[str, Any]:
    """``units`` says how many got how much, where an effect meant only some of a line."""
    data: dict[str, Any] = {"line": share.id, "amount": share.amount}
    return {**data, "units": [{"count": count, "amount": amount} for count, amount in share.units]} if share.units else data


def _added(added: Added) -> dict[str, Any]:
    data: dict[str, Any] = {
        "sku": added.sku,
        "name": added.name,
        "quantity": added.quantity,
        "unit_price": added.unit_price,
        "discount": added.quantity * added.unit_price,
    }
    return {**data, "discount": 0, "replaces": added.replaces} if added.replaces else data


def _awarded(award: Awarded) -> dict[str, Any]:
    names = {AwardType.POINTS: "points", AwardType.CREDIT: "amount", AwardType.CONTEST_ENTRY: "entries"}
    keys = {AwardType.CONTEST_ENTRY: "contest", AwardType.ACCESS: "key", AwardType.GRANT: "incentive"}
    data: dict[str, Any] = {"type": award.type.value}
    if award.type in names:
        data[names[award.type]] = award.quantity
    if award.type in keys:
        data[keys[award.type]] = award.key
    if award.wanted is not None:
        data["wanted"] = award.wanted
    if award.last_usable_day is not None:
        data["last_usable_day"] = award.last_usable_day.isoformat()
    return data


def _refused(item: Refused, currency: str, names: Mapping[str, str], own: OwnSentences | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "incentive": item.incentive or None,
        "name": item.name,
        "code": item.reason.value,
        "message": sentence(item, currency, names, own),
    }
    if item.code:
        data["sent_code"] = item.code
    if item.fact:
        data |= {"fact": item.fact, "needed": _plain(item.needed), "actual": _plain(item.actual)}
    if item.missing is not None:
        data["missing"] = item.missing
    if item.winner:
        data["winner"] = item.winner
    return data


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple | frozenset):
        return [_plain(item) for item in value]
    return str(value)

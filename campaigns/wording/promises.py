"""What an incentive promises and whom a campaign is meant for, in plain words for the person who reads the page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Claim, Incentive, Per
from campaigns.rules.effects import Allocation, AmountOff, Effect, Money, PercentOff, Scope, Target
from campaigns.rules.facts import BASKET_FACTS, is_money
from campaigns.rules.groups import Eligibility
from campaigns.rules.language import effect_of
from customers.rules.conditions import AUDIENCE_FACTS, Branch, Catalogue, Condition, Leaf, Op, Quantifier, parse
from customers.rules.faults import Fault, Misunderstood
from incentives_site.shared.money import format_money

# Facts about customers that are kept in minor units.
MONEY_FACTS = frozenset({"customer.spend", "customer.average_order"})
MOST_NAMED = 8


def incentive_in_words(incentive: Incentive) -> list[str]:
    """Sentences: what it gives, on which conditions, how it is claimed, how often, how it goes together with others.

    Reads the incentive's ``campaign``, ``limits`` and ``stack_group``: prefetch them for a list.
    """
    currency = incentive.campaign.currency
    sentences = [effect_in_words(incentive.effect, currency)]
    if incentive.effect.get("type") == "recorded":
        return sentences
    sentences += condition_in_words(incentive.conditions, currency)
    sentences.append(_claim(incentive))
    sentences += [_limit(limit.per, limit.maximum) for limit in sorted(incentive.limits.all(), key=lambda row: row.per)]
    sentences.append(_stacking(incentive.stack_group.eligibility, incentive.stack_group.name))
    return sentences


def effect_in_words(effect: Mapping[str, Any], currency: str) -> str:
    try:
        read: Effect = effect_of(effect)
    except Misunderstood:
        return _("It does something this page has no words for.")
    match read:
        case PercentOff():
            text = _("%(percent)s %% off %(target)s") % {"percent": _plain(read.percent), "target": _target(read.target)}
        case AmountOff():
            words = {"amount": _money(read.amount, currency), "target": _target(read.target)}
            text = {
                Allocation.EACH_LINE: _("%(amount)s off each line of %(target)s"),
                Allocation.EACH_UNIT: _("%(amount)s off every piece of %(target)s"),
            }.get(read.allocation, _("%(amount)s off %(target)s")) % words
        case _:
            return _("What it gave was decided by the system it comes from, and is only recorded here.")
    if read.max_amount is not None:
        return _("%(effect)s, at most %(amount)s.") % {"effect": text, "amount": _money(read.max_amount, currency)}
    return text + "."


def _money(amount: Money, currency: str) -> str:
    """An amount in the campaign's currency, or in each that is served."""
    if isinstance(amount, int):
        return format_money(amount, currency)
    return " / ".join(format_money(value, code) for code, value in amount.items())


def _target(target: Target) -> str:
    if target.scope is Scope.SHIPPING:
        return _("the shipping costs")
    included = _filter(target.include)
    if target.scope is Scope.ORDER and not included:
        text = _("the whole order")
    elif not included:
        text = _("every line")
    else:
        text = _("what is %(filter)s") % {"filter": included}
    if target.exclude is not None and (excluded := _filter(target.exclude)):
        return _("%(target)s, but not what is %(filter)s") % {"target": text, "filter": excluded}
    return text


def _filter(found: Any) -> str:
    parts = [
        template % {"names": names_in_words(sorted(names))}
        for template, names in (
            (_("in %(names)s"), found.categories),
            (_("by %(names)s"), found.brands),
            (_("article %(names)s"), found.skus),
            (_("line %(names)s"), found.lines),
            (_("sent by %(names)s"), found.methods),
        )
        if names
    ]
    return _(" and ").join(parts)


def names_in_words(names: Sequence[str]) -> str:
    """``“A”, “B” or “C”``; of a long list the first few and how many more."""
    shown = [_("“%(name)s”") % {"name": name} for name in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        more = len(names) - MOST_NAMED
        return ", ".join(shown) + ngettext(" or %(n)s more", " or %(n)s more", more) % {"n": more}
    return _(" or ").join(filter(None, [", ".join(shown[:-1]), shown[-1] if shown else ""]))


def _claim(incentive: Incentive) -> str:
    if incentive.claim == Claim.AUTOMATIC:
        return _("It applies by itself: there is nothing to show.")
    if incentive.claim == Claim.CODE:
        return _("Whoever says or types its code gets it.")
    if incentive.valid_days is None:
        return _("It is given to customers one by one and kept in their wallet until the campaign ends.")
    text = ngettext(
        "It is given to customers one by one and kept in their wallet for %(n)s day.",
        "It is given to customers one by one and kept in their wallet for %(n)s days.",
        incentive.valid_days,
    )
    return text % {"n": incentive.valid_days}


def _limit(per: str, maximum: int) -> str:
    if per == Per.CUSTOMER:
        return ngettext("Each customer may use it once.", "Each customer may use it %(n)s times.", maximum) % {
            "n": f"{maximum:,}"
        }
    return ngettext("It may be used once in total.", "It may be used %(n)s times in total.", maximum) % {"n": f"{maximum:,}"}


def _stacking(eligibility: str, name: str) -> str:
    return {
        Eligibility.EXCLUSIVE.value: _("It applies alone: others are left out (group “%(name)s”).") % {"name": name},
        Eligibility.ALWAYS.value: _("It applies whatever else does (group “%(name)s”).") % {"name": name},
    }.get(eligibility, _("It combines with others (group “%(name)s”).") % {"name": name})


# --- Conditions -------------------------------------------------------------------------------------------------------


def condition_in_words(data: object, currency: str) -> list[str]:
    """The conditions on a basket as sentences that must all hold; none without conditions."""
    return _sentences(data, currency, BASKET_FACTS)


def audience_in_words(data: object, currency: str) -> list[str]:
    """Whom a campaign is meant for, as sentences that must all hold; none means everybody."""
    return _sentences(data, currency, AUDIENCE_FACTS)


def _sentences(data: object, currency: str, facts: Catalogue) -> list[str]:
    try:
        condition = parse(data, facts=facts)
    except Misunderstood:
        return [_("Conditions this page has no words for.")]
    parts: Iterable[Condition] = [condition]
    if isinstance(condition, Branch) and condition.quantifier is Quantifier.ALL:
        parts = condition.items
    return [_capital(_phrase(part, currency)) + "." for part in parts]


def _phrase(condition: Condition, currency: str) -> str:
    if isinstance(condition, Leaf):
        return _leaf(condition, currency)
    if not condition.items:
        return _("nobody") if condition.quantifier is Quantifier.ANY else _("everybody")
    inner = [
        f"({_phrase(item, currency)})" if isinstance(item, Branch) and len(item.items) > 1 else _phrase(item, currency)
        for item in condition.items
    ]
    if condition.quantifier is Quantifier.ALL:
        return _(" and ").join(inner)
    joined = _(" or ").join(inner)
    return _("not: %(conditions)s") % {"conditions": joined} if condition.quantifier is Quantifier.NONE else joined


def _leaf(leaf: Leaf, currency: str) -> str:
    if leaf.op is Op.GE and not isinstance(leaf.value, tuple):
        if leaf.fact in {"basket.initial_total", "basket.initial_items_total"}:
            return _("spend at least %(amount)s") % {"amount": _value(leaf, leaf.value, currency)}
        if leaf.fact == "basket.quantity":
            text = ngettext("buy at least %(n)s piece", "buy at least %(n)s pieces", _count(leaf.value))
            return text % {"n": _plain(leaf.value)}
        if leaf.fact.startswith("basket.category_quantity:"):
            words = {"n": _plain(leaf.value), "category": leaf.fact.partition(":")[2]}
            text = ngettext(
                "buy at least %(n)s piece from “%(category)s”",
                "buy at least %(n)s pieces from “%(category)s”",
                _count(leaf.value),
            )
            return text % words
    name = fact_in_words(leaf.fact)
    if leaf.op is Op.EXISTS:
        return (_("%(fact)s is known") if leaf.value else _("%(fact)s is not known")) % {"fact": name}
    if leaf.op is Op.BETWEEN and isinstance(leaf.value, tuple):
        low, high = (_value(leaf, item, currency) for item in leaf.value)
        return _("%(fact)s is from %(low)s to %(high)s") % {"fact": name, "low": low, "high": high}
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    text = ", ".join(_value(leaf, item, currency) for item in values[:MOST_NAMED])
    if len(values) > MOST_NAMED:
        text += " …"
    template = {
        Op.EQ: _("%(fact)s is %(value)s"),
        Op.NE: _("%(fact)s is not %(value)s"),
        Op.GT: _("%(fact)s is more than %(value)s"),
        Op.GE: _("%(fact)s is at least %(value)s"),
        Op.LT: _("%(fact)s is less than %(value)s"),
        Op.LE: _("%(fact)s is at most %(value)s"),
        Op.IN: _("%(fact)s is one of %(value)s"),
        Op.NOT_IN: _("%(fact)s is none of %(value)s"),
        Op.HAS: _("%(fact)s includes %(value)s"),
        Op.HAS_ANY: _("%(fact)s includes one of %(value)s"),
        Op.HAS_ALL: _("%(fact)s includes all of %(value)s"),
    }[leaf.op]
    return template % {"fact": name, "value": text}


def fact_in_words(fact: str) -> str:
    """What a fact is called on a page."""
    known = {
        "basket.initial_total": _("the basket before discounts"),
        "basket.initial_items_total": _("the goods before discounts"),
        "basket.running_total": _("the basket after earlier discounts"),
        "basket.running_items_total": _("the goods after earlier discounts"),
        "basket.total_after": _("the basket after this discount"),
        "basket.items_total_after": _("the goods after this discount"),
        "basket.quantity": _("the number of pieces"),
        "basket.distinct_skus": _("the number of different articles"),
        "basket.max_line_quantity": _("the largest number of one article"),
        "basket.skus": _("the articles in the basket"),
        "basket.categories": _("the categories in the basket"),
        "channel.key": _("the channel"),
        "channel.kind": _("the kind of channel"),
        "store.key": _("the store"),
        "time.weekday": _("the weekday (1 is Monday)"),
        "time.hour": _("the hour"),
        "time.date": _("the date"),
        "customer.orders": _("number of orders"),
        "customer.spend": _("spend so far"),
        "customer.average_order": _("average order"),
        "customer.last_purchase_on": _("day of the last purchase"),
        "customer.favourite_category": _("favourite category"),
    }
    if fact in known:
        return known[fact]
    head, colon, category = fact.partition(":")
    if colon and head == "basket.category_total":
        return _("the total of “%(category)s”") % {"category": category}
    if colon and head == "basket.category_quantity":
        return _("the pieces from “%(category)s”") % {"category": category}
    return fact.removeprefix("customer.").replace("_", " ")


def _value(leaf: Leaf, value: Any, currency: str) -> str:
    if (leaf.fact in MONEY_FACTS or is_money(leaf.fact)) and isinstance(value, int) and not isinstance(value, bool):
        return format_money(value, currency)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _("“%(text)s”") % {"text": value} if isinstance(value, str) else _plain(value)


def _count(value: Any) -> int:
    """A number for choosing between one and many; a broken one is many."""
    return value if isinstance(value, int) else 2


def _plain(number: Any) -> str:
    """A number without trailing zeros."""
    text = f"{number:f}" if hasattr(number, "as_tuple") else str(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- Launching ----------------------------------------------------------------------------------------------------------


def obstacle_in_words(fault: Fault) -> str:
    """What stands in the way of a launch, in the reader's language; a new kind of obstacle says its own sentence."""
    return {
        "no-incentive": _("Add an incentive: a campaign without one promises nothing."),
        "no-value": _("An incentive has no value of its own and cannot be launched."),
        "no-code": _("Give the incentive its code: without one nobody can use it."),
        "no-channel": _("Choose at least one channel."),
        "no-redeeming-channel": _("Choose a channel where the incentive can be redeemed."),
        "ends-in-the-past": _("The campaign would already be over: choose a later end."),
    }.get(fault.code, fault.detail)

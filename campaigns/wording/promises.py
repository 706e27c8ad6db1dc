"""What an incentive promises and whom a campaign is meant for, in plain words for the person who reads the page."""

import contextlib
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Claim, Incentive, Limit, Measure, Per, StackGroup
from campaigns.rules.awards import Award, AwardType, Rounding
from campaigns.rules.basket import Filter
from campaigns.rules.candidates import OnShort
from campaigns.rules.effects import (
    Allocation,
    AmountOff,
    BundlePrice,
    BuyGet,
    Compound,
    Effect,
    FixedPrice,
    FreeItem,
    Money,
    PercentOff,
    Recorded,
    Scope,
    StoredValue,
    Target,
    Tier,
    TierBy,
    Tiers,
    UnitPick,
    Units,
    Upgrade,
)
from campaigns.rules.facts import BASKET_FACTS, is_money
from campaigns.rules.groups import Base, Eligibility, Pick, PickScope
from campaigns.rules.language import Reader, effect_of, read_awards
from customers.rules.conditions import AUDIENCE_FACTS, ISO_DATE, Branch, Catalogue, Condition, Leaf, Op, Quantifier, parse
from customers.rules.faults import Fault, Misunderstood
from incentives_site.shared.money import format_money

# Facts about customers that are kept in minor units.
MONEY_FACTS = frozenset({"customer.spend", "customer.average_order"})
MOST_NAMED = 8


def incentive_in_words(incentive: Incentive, given: Mapping[str, str] | None = None) -> list[str]:
    """Sentences: what it gives, on which conditions, how it is claimed, how often, how it goes together with others.

    Reads the incentive's ``campaign``, ``limits`` and ``stack_group``: prefetch them for a list. ``given`` names the incentives
    that it gives, by public id (``queries.names_of_given``).
    """
    currency = incentive.campaign.currency
    sentences = [effect_in_words(incentive.effect, currency)] if incentive.effect or not incentive.awards else []
    if incentive.effect.get("type") == "recorded":
        return sentences
    sentences += awards_in_words(incentive.awards, currency, given, also=bool(incentive.effect))
    sentences += condition_in_words(incentive.conditions, currency)
    sentences.append(_claim(incentive))
    limits = sorted(incentive.limits.all(), key=lambda row: (row.measure != Measure.USES, row.measure, row.per))
    sentences += [_limit(limit, currency) for limit in limits]
    sentences.append(_stacking(incentive.stack_group.eligibility, incentive.stack_group.name))
    return sentences


def awards_in_words(
    awards: Sequence[Mapping[str, Any]], currency: str, given: Mapping[str, str] | None = None, *, also: bool = False
) -> list[str]:
    """What it gives beside the price, one sentence for each award; ``also`` when it takes something off as well."""
    reader = Reader()
    read = read_awards(list(awards), reader=reader)
    if reader.faults:
        return [_("It gives something this page has no words for.")]
    template = _("It also gives %(award)s.") if also else _("It gives %(award)s.")
    return [template % {"award": _award(award, currency, given or {})} for award in read]


def _award(award: Award, currency: str, given: Mapping[str, str]) -> str:
    match award.type:
        case AwardType.POINTS:
            text = ngettext("%(n)s point", "%(n)s points", award.points) % {"n": f"{award.points:,}"}
            if award.per is not None:
                text = _("%(points)s for every %(amount)s paid") % {"points": text, "amount": _money(award.per, currency)}
            if award.multiplier_fact:
                text += _(", times “%(fact)s”") % {"fact": fact_in_words(award.multiplier_fact)}
            text += {Rounding.HALF_UP: _(", rounded"), Rounding.UP: _(", rounded up")}.get(award.rounding, "")
        case AwardType.CREDIT:
            if award.percent is not None:
                text = _("%(percent)s %% of what is paid as credit") % {"percent": _plain(award.percent)}
            else:
                text = _("%(amount)s of credit") % {"amount": _money(award.amount or 0, currency)}
        case AwardType.CONTEST_ENTRY:
            words = {"n": award.quantity, "name": award.key}
            text = ngettext("%(n)s entry to “%(name)s”", "%(n)s entries to “%(name)s”", award.quantity) % words
        case AwardType.ACCESS:
            text = _("access to “%(name)s”") % {"name": award.key}
        case AwardType.GRANT:
            name = given.get(award.key)
            text = _("“%(name)s” for the wallet") % {"name": name} if name else _("another incentive for the wallet")
    if award.valid_months is not None:
        months = ngettext("to be used within %(n)s month", "to be used within %(n)s months", award.valid_months)
        text = f"{text}, {months % {'n': award.valid_months}}"
    return text


def given_in_words(awards: Sequence[Mapping[str, Any]], currency: str, given: Mapping[str, str]) -> str:
    """What an incentive gave beside the price, as a decision says it (``docs/api.md``); empty when it gave nothing so."""
    parts = []
    for award in awards:
        match award.get("type"):
            case "points":
                text = ngettext("%(n)s point", "%(n)s points", award["points"]) % {"n": f"{award['points']:,}"}
                short = _("%(points)s (of %(wanted)s: no more are left)")
                parts.append(short % {"points": text, "wanted": f"{award['wanted']:,}"} if "wanted" in award else text)
            case "credit":
                parts.append(_("%(amount)s of credit") % {"amount": format_money(award["amount"], currency)})
            case "contest_entry":
                words = {"n": award["entries"], "name": award["contest"]}
                parts.append(ngettext("%(n)s entry to “%(name)s”", "%(n)s entries to “%(name)s”", award["entries"]) % words)
            case "access":
                parts.append(_("access to “%(name)s”") % {"name": award["key"]})
            case "grant":
                name = given.get(award["incentive"])
                parts.append(_("“%(name)s” for the wallet") % {"name": name} if name else _("another incentive for the wallet"))
    if not parts:
        return ""
    listed = _(" and ").join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return _("gives %(awards)s") % {"awards": listed}


def group_in_words(group: StackGroup) -> list[str]:
    """How the incentives of a stack group go together, in sentences."""
    sentences = [
        {
            Eligibility.EXCLUSIVE.value: _("If it applies, incentives that combine are left out."),
            Eligibility.ALWAYS.value: _("It applies whatever else does, also beside one that applies alone."),
        }.get(group.eligibility, _("It adds up with others on the same order, unless one applies alone."))
    ]
    by_line = group.scope == PickScope.LINE
    if group.pick == Pick.FIRST:
        sentences.append(
            _("Of this group only the first that applies is taken, for each line by itself.")
            if by_line
            else _("Of this group only the first that applies is taken.")
        )
    elif group.pick == Pick.BEST_FOR_CUSTOMER:
        sentences.append(
            _("Of this group each line gets the largest discount only.")
            if by_line
            else _("Of this group only the largest discount is taken.")
        )
    elif group.pick == Pick.LEAST_COST:
        sentences.append(
            _("Of this group each line gets the smallest discount only.")
            if by_line
            else _("Of this group only the smallest discount is taken.")
        )
    if group.limit is not None:
        text = ngettext("At most %(n)s of this group on one order.", "At most %(n)s of this group on one order.", group.limit)
        sentences.append(text % {"n": group.limit})
    if group.base == Base.ORIGINAL:
        sentences.append(_("Percentages are taken of the price before any discount."))
    elif group.base == Base.RUNNING:
        sentences.append(_("Percentages are taken of what is left after earlier discounts."))
    if group.consume_without_effect:
        sentences.append(_("It counts as used even when it takes nothing off."))
    return sentences


def effect_in_words(effect: Mapping[str, Any], currency: str) -> str:
    """One sentence; of several effects one after another, one sentence still."""
    if not effect:
        return _("It takes nothing off the price.")
    try:
        read: Effect = effect_of(effect)
    except Misunderstood:
        return _("It does something this page has no words for.")
    if isinstance(read, Recorded):
        return _("What it gave was decided by the system it comes from, and is only recorded here.")
    return _capital(_effect(read, currency)) + "."


def _effect(effect: Effect, currency: str) -> str:
    match effect:
        case PercentOff():
            text = _("%(percent)s %% off %(target)s") % {
                "percent": _plain(effect.percent),
                "target": _target(effect.target, currency),
            }
        case AmountOff():
            text = _amount_off(effect, currency)
        case FixedPrice():
            target = _target(effect.target, currency, every=_("any article"))
            words = {"amount": _money(effect.amount, currency), "target": target}
            text = (
                _("%(target)s for %(amount)s each") if effect.target.scope is Scope.LINES else _("%(target)s for %(amount)s")
            ) % words
        case BundlePrice():
            target = _target(effect.target, currency, every=_("any article"))
            words = {"n": str(effect.size), "amount": _money(effect.amount, currency), "target": target}
            text = _("any %(n)s pieces of %(target)s for %(amount)s together") % words
            text += "" if effect.repeat else _(", once on an order")
        case BuyGet():
            text = _buy_get(effect, currency)
        case FreeItem():
            words = {"n": str(effect.quantity), "name": effect.name or effect.sku, "amount": _money(effect.unit_price, currency)}
            text = _("%(n)s × %(name)s as a gift, worth %(amount)s each") % words
        case Upgrade():
            words = {"name": effect.name or effect.sku, "filter": _goods(effect.source, currency)}
            text = _("%(name)s instead of %(filter)s, at the lower of the two prices") % words
            if effect.max_units is not None:
                text += _(", for at most %(n)s pieces") % {"n": effect.max_units}
        case StoredValue():
            text = _("pays from a stored value of %(n)s, each worth %(rate)s of the smallest coin") % {
                "n": f"{effect.available:,}",
                "rate": _plain(effect.rate),
            }
            if effect.maximum is not None:
                text += _(", at most %(amount)s") % {"amount": _money(effect.maximum, currency)}
        case Tiers():
            steps = [_tier(effect.by, tier, currency) for tier in sorted(effect.tiers, key=lambda tier: tier.start)]
            text = _("the highest step reached: %(steps)s") % {"steps": "; ".join(steps)}
        case Compound():
            text = _(", then ").join(_effect(part, currency) for part in effect.effects)
        case _:
            text = _("nothing")
    if (most := getattr(effect, "max_per_line", None)) is not None:
        text += _(", at most %(amount)s on a line") % {"amount": _money(most, currency)}
    if (most := getattr(effect, "max_amount", None)) is not None:
        text = _("%(effect)s, at most %(amount)s") % {"effect": text, "amount": _money(most, currency)}
    return text


def _amount_off(effect: AmountOff, currency: str) -> str:
    words = {"amount": _money(effect.amount, currency), "target": _target(effect.target, currency)}
    if effect.per_set:
        parts = [f"{quantity} × {_goods(found, currency)}" for found, quantity in effect.per_set]
        return _("%(amount)s off every set of %(parts)s") % {**words, "parts": " + ".join(parts)}
    return {
        Allocation.EACH_LINE: _("%(amount)s off each line of %(target)s"),
        Allocation.EACH_UNIT: _("%(amount)s off every piece of %(target)s"),
    }.get(effect.allocation, _("%(amount)s off %(target)s")) % words


def _buy_get(effect: BuyGet, currency: str) -> str:
    buy, get = effect.buy, effect.get
    if buy.quantity is not None:
        bought = ngettext("%(n)s piece of %(filter)s", "%(n)s pieces of %(filter)s", buy.quantity)
        trigger = bought % {"n": buy.quantity, "filter": _goods(buy.filter, currency)}
    else:
        amount = _money(buy.amount or 0, currency)
        trigger = _("%(amount)s spent on %(filter)s") % {"amount": amount, "filter": _goods(buy.filter, currency)}
    if get.percent == 100:
        off = _("free")
    elif get.percent is not None:
        off = _("at %(percent)s %% off") % {"percent": _plain(get.percent)}
    else:
        off = _("at %(amount)s off each") % {"amount": _money(get.amount or 0, currency)}
    words = {"trigger": trigger, "n": get.quantity, "filter": _goods(get.filter, currency), "pick": _pick(get.pick), "off": off}
    if effect.repeat:
        return _("for every %(trigger)s, %(n)s more of %(filter)s (%(pick)s) %(off)s") % words
    return _("for %(trigger)s, once, %(n)s more of %(filter)s (%(pick)s) %(off)s") % words


def _tier(by: TierBy, tier: Tier, currency: str) -> str:
    if by is TierBy.SPEND:
        start = format_money(tier.start, currency)
    else:
        start = ngettext("%(n)s piece", "%(n)s pieces", tier.start) % {"n": tier.start}
    return _("from %(start)s %(effect)s") % {"start": start, "effect": _effect(tier.effect, currency)}


def _money(amount: Money, currency: str) -> str:
    """An amount in the campaign's currency, or in each that is served."""
    if isinstance(amount, int):
        return format_money(amount, currency)
    return " / ".join(format_money(value, code) for code, value in amount.items())


def _target(target: Target, currency: str, *, every: str = "") -> str:
    """What is lowered. ``every`` is what every line is called where a price of pieces is said."""
    included = _filter(target.include, currency)
    if target.scope is Scope.SHIPPING:
        text = _("the shipping costs %(filter)s") % {"filter": included} if included else _("the shipping costs")
    elif target.scope is Scope.ORDER and not included:
        text = _("the whole order")
    elif not included:
        text = every or _("every line")
    else:
        text = _("what is %(filter)s") % {"filter": included}
    if target.exclude is not None and (excluded := _filter(target.exclude, currency)):
        text = _("%(target)s, but not what is %(filter)s") % {"target": text, "filter": excluded}
    if target.units is not None and (units := _units(target.units)):
        text = _("%(target)s (%(units)s)") % {"target": text, "units": units}
    if target.undiscounted_only:
        text = _("%(target)s, as far as nothing else has lowered it") % {"target": text}
    return text


def _units(units: Units) -> str:
    """Which pieces are meant, in the order in which the rule chooses them."""
    pick, parts = _pick(units.pick), []
    if units.skip:
        parts.append(_("without the first %(n)s, %(pick)s first") % {"n": units.skip, "pick": pick})
    if units.every > 1:
        parts.append(_("every %(n)s. piece, %(pick)s first") % {"n": units.every, "pick": pick})
    if units.group_size is not None:
        words = {"size": units.group_size, "n": units.per_group or units.group_size, "pick": pick}
        parts.append(_("of every %(size)s pieces %(n)s: %(pick)s") % words)
        if units.max_groups is not None:
            parts.append(ngettext("once", "at most %(n)s times", units.max_groups) % {"n": units.max_groups})
    if units.max_per_order is not None:
        parts.append(_("at most %(n)s on an order: %(pick)s") % {"n": units.max_per_order, "pick": pick})
    if units.max_per_line is not None:
        parts.append(_("at most %(n)s of a line") % {"n": units.max_per_line})
    return ", ".join(parts)


def _pick(pick: UnitPick) -> str:
    return {
        UnitPick.CHEAPEST: _("the cheapest"),
        UnitPick.DEAREST: _("the dearest"),
        UnitPick.FIRST: _("as they stand in the basket"),
    }[pick]


def _goods(found: Filter, currency: str) -> str:
    """What a filter means, where something always has to be named."""
    text = _filter(found, currency)
    return _("what is %(filter)s") % {"filter": text} if text else _("any article")


def _filter(found: Filter, currency: str) -> str:
    parts = [
        template % {"names": names_in_words(sorted(names))}
        for template, names in (
            (_("in %(names)s"), found.categories),
            (_("by %(names)s"), found.brands),
            (_("article %(names)s"), found.skus),
            (_("line %(names)s"), found.lines),
            (_("sent by %(names)s"), found.methods),
            *((name.replace("%", "%%") + " %(names)s", values) for name, values in found.attributes),
        )
        if names
    ]
    low, high = found.price_from, found.price_to
    if low is not None and high is not None:
        parts.append(_("priced %(low)s to %(high)s") % {"low": format_money(low, currency), "high": format_money(high, currency)})
    elif low is not None:
        parts.append(_("priced %(low)s or more") % {"low": format_money(low, currency)})
    elif high is not None:
        parts.append(_("priced %(high)s or less") % {"high": format_money(high, currency)})
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


def _limit(limit: Limit, currency: str) -> str:
    per, maximum = limit.per, limit.maximum
    if limit.measure != Measure.USES:
        text = _limit_of_amounts(limit, currency)
        return f"{text} {_('When less is left, it gives what is left.')}" if limit.on_short == OnShort.CLIP else text
    sentences = {
        Per.TOTAL.value: ngettext("It may be used once in total.", "It may be used %(n)s times in total.", maximum),
        Per.CUSTOMER.value: ngettext("Each customer may use it once.", "Each customer may use it %(n)s times.", maximum),
        Per.CUSTOMER_DAY.value: ngettext(
            "Each customer may use it once a day.", "Each customer may use it %(n)s times a day.", maximum
        ),
        Per.CUSTOMER_WEEK.value: ngettext(
            "Each customer may use it once a week.", "Each customer may use it %(n)s times a week.", maximum
        ),
        Per.CUSTOMER_MONTH.value: ngettext(
            "Each customer may use it once a month.", "Each customer may use it %(n)s times a month.", maximum
        ),
        Per.STORE.value: ngettext("Each store may redeem it once.", "Each store may redeem it %(n)s times.", maximum),
    }
    return sentences[per] % {"n": f"{maximum:,}"}


def _limit_of_amounts(limit: Limit, currency: str) -> str:
    maximum, is_each = limit.maximum, limit.per == Per.CUSTOMER
    match Measure(limit.measure):
        case Measure.UNITS:
            text = (
                ngettext("Each customer gets %(n)s piece of it.", "Each customer gets %(n)s pieces of it.", maximum)
                if is_each
                else ngettext("There is %(n)s piece of it in total.", "There are %(n)s pieces of it in total.", maximum)
            )
        case Measure.POINTS:
            text = (
                ngettext("Each customer gets %(n)s point of it.", "Each customer gets at most %(n)s points of it.", maximum)
                if is_each
                else ngettext("It gives %(n)s point in total.", "It gives at most %(n)s points in total.", maximum)
            )
        case Measure.DISCOUNT:
            each = _("It takes at most %(amount)s off for each customer.")
            text = each if is_each else _("It takes at most %(amount)s off in total.")
        case _:
            each = _("Each customer may use it on goods worth %(amount)s before discounts.")
            text = each if is_each else _("It may be used on goods worth %(amount)s in total before discounts.")
    return text % {"n": f"{maximum:,}", "amount": format_money(maximum, currency)}


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
        Op.MATCHES: _("%(fact)s follows the pattern %(value)s"),
    }[leaf.op]
    return template % {"fact": name, "value": text}


def fact_in_words(fact: str) -> str:
    """What a fact is called on a page."""
    known = {
        "basket.initial_total": _("the basket before discounts"),
        "basket.items_total": _("the goods before discounts"),
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
        "customer.segments": _("the list of segments"),
        "customer.orders": _("number of orders"),
        "customer.spend": _("spend so far"),
        "customer.average_order": _("average order"),
        "customer.last_purchase_on": _("day of the last purchase"),
        "customer.favourite_category": _("favourite category"),
    }
    if fact in known:
        return known[fact]
    if fact.startswith("event."):
        return _("“%(name)s” of the event") % {"name": fact.removeprefix("event.").replace("_", " ")}
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
    if isinstance(value, str) and ISO_DATE.fullmatch(value):
        with contextlib.suppress(ValueError):
            return date_format(datetime.date.fromisoformat(value), "j M Y")
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

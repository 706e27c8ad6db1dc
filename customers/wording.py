"""Sentences for what was decided about who somebody is, for events that were not taken, and for rules of segments."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from incentives_site.shared.money import format_money

from .rules.conditions import Leaf, Op, Quantifier
from .rules.protocol import Refusal
from .rules.resolution import Dropped
from .rules.segments import Bought, Group, Happened, Measure, Rule, Where

KINDS: dict[str, str | Promise] = {
    "user_id": gettext_lazy("account"),
    "account": gettext_lazy("account"),
    "loyalty_card": gettext_lazy("loyalty card"),
    "email": gettext_lazy("e-mail address"),
    "phone": gettext_lazy("phone number"),
    "device_id": gettext_lazy("device"),
    "anonymous_id": gettext_lazy("cookie"),
}


def kind_in_words(kind: str) -> str:
    """What people call this kind of identifier."""
    if kind in KINDS:
        return str(KINDS[kind])
    if kind.startswith("external:"):
        return _("number at %(source)s") % {"source": kind.partition(":")[2]}
    return kind.replace("_", " ")


def why_not_used(reason: str, kind: str) -> str:
    """Why an identifier of an event was left out."""
    words = {
        Dropped.LIMIT: _("A customer has only so many of this kind, and this one had as many already."),
        Dropped.MERGE_BREAKS_LIMIT: _(
            "It belongs to somebody else, and the two cannot be one person: together they would have more of a kind than one"
            " person may have, such as two accounts."
        ),
        Dropped.MERGE_BUDGET: _("One of the two was merged too often already to be merged by an event."),
        Dropped.SPLIT_BEFORE: _("It belongs to a customer whom somebody took apart from this one."),
        Dropped.OUTRANKED: _("It belongs to somebody else, and something that says more about who it is spoke against it."),
        Dropped.NOT_PROVEN: _("It belongs to another customer, and the customer token does not prove that they are the same."),
    }
    known = {item.value: sentence for item, sentence in words.items()}
    return known.get(reason, reason)


def why_refused(reason: str) -> str:
    """Why an event of a source was not taken, for who looks after the source."""
    words = {
        Refusal.NOT_AN_OBJECT: _("An event is a JSON object."),
        Refusal.UNKNOWN_TYPE: _("The type is none of track, identify, page, screen, group, alias."),
        Refusal.TOO_LARGE: _("It has more than 32 KiB."),
        Refusal.TOO_DEEP: _("It is more than 32 levels deep."),
        Refusal.NOT_A_NUMBER: _("NaN and Infinity are not numbers of JSON."),
        Refusal.BAD_TEXT: _("A text contains a null character or half a character."),
        Refusal.BAD_MESSAGE_ID: _("Its messageId is not a text of at most 100 characters."),
        Refusal.NO_NAME: _("A track event needs a name of at most 200 characters in “event”."),
        Refusal.BAD_FIELD: _("context, properties and traits have to be objects."),
        Refusal.NO_IDENTITY: _("Nothing says whom it is about: userId or anonymousId is needed; null, 0 or guest is nobody."),
        Refusal.IN_THE_FUTURE: _("It lies more than a day in the future."),
        Refusal.BEFORE_1970: _("It lies before 1970."),
        Refusal.NOT_PROCESSED: _("It could not be processed; the log of the server says why."),
        Refusal.UNPROVEN: _(
            "The source has a public key. It identifies visitors by anonymousId, and customers only by a signed customer"
            " token. If"
            " the key is kept on a server, change the source's setting and replay this event."
        ),
    }
    known = {item.value: sentence for item, sentence in words.items()}
    return known.get(reason, reason)


# --- Segments ---------------------------------------------------------------------------------------------------------------

MOST_NAMED = 8


def rule_in_words(rule: Rule, names: dict[str, str] | None = None) -> list[Any]:
    """Lines, and lists of lines under the line before them. ``names`` of segments by their keys."""
    if isinstance(rule, Group):
        if not rule.items:
            return [_("nobody") if rule.quantifier is Quantifier.ANY else _("everybody")]
        lines: list[Any] = []
        for item in rule.items:
            if isinstance(item, Group):
                inner = rule_in_words(item, names)  # with its own heading, unless all of it is asked
                lines += [_HEADS[item.quantifier](), inner] if item.quantifier is Quantifier.ALL and item.items else inner
            else:
                lines += rule_in_words(item, names)
        return lines if rule.quantifier is Quantifier.ALL else [_HEADS[rule.quantifier](), lines]
    return [_leaf(rule, names or {})]


_HEADS = {
    Quantifier.ALL: lambda: _("all of:"),
    Quantifier.ANY: lambda: _("one of:"),
    Quantifier.NONE: lambda: _("none of:"),
}


def _leaf(leaf: Leaf | Happened | Bought, names: dict[str, str]) -> str:
    match leaf:
        case Happened():
            what = f"“{leaf.name}”" if leaf.name else _("an event “%(type)s”") % {"type": leaf.type}
            parts = [what, _number(leaf.op, leaf.value, times=True)]
            if leaf.channel:
                parts.append(_("in %(channel)s") % {"channel": leaf.channel})
            parts += [_where(where) for where in leaf.where]
        case Bought():
            number = _number(leaf.op, leaf.value, times=True)
            if leaf.measure is Measure.PAID:
                number = _number(leaf.op, leaf.value, times=False) % {"n": format_money(leaf.value, leaf.currency)}
            parts = [_("bought") if leaf.measure is Measure.COUNT else _("paid"), number]
            for values in (leaf.categories, leaf.brands, leaf.skus):
                if values:
                    parts.append(_("for %(what)s") % {"what": _named(values)})
            if leaf.channels:
                parts.append(_("in %(channel)s") % {"channel": _named(leaf.channels)})
        case _:
            return _fact(leaf, names)
    if leaf.within_days is not None:
        days = ngettext("in the last %(n)s day", "in the last %(n)s days", leaf.within_days) % {"n": leaf.within_days}
        parts.append(days)
    return ", ".join([f"{parts[0]} {parts[1]}", *parts[2:]])


def _number(op: Op, value: int, *, times: bool) -> str:
    text = {
        Op.GE: _("at least %(n)s"),
        Op.LE: _("at most %(n)s"),
        Op.GT: _("more than %(n)s"),
        Op.LT: _("less than %(n)s"),
        Op.EQ: _("exactly %(n)s"),
        Op.NE: _("not exactly %(n)s"),
    }[op]
    if not times:
        return text
    return text % {"n": ngettext("%(n)s time", "%(n)s times", value) % {"n": value}}


def _where(where: Where) -> str:
    return _("where %(what)s") % {"what": _compared(f"{where.name}{'.' if where.inner else ''}{where.inner}", where.leaf)}


def _fact(leaf: Leaf, names: dict[str, str]) -> str:
    kind, _dot, name = leaf.fact.partition(".")
    if kind == "segment":
        named = {"name": names.get(name, name)}
        return (_("in the segment “%(name)s”") if leaf.value else _("not in the segment “%(name)s”")) % named
    if kind == "bucket":
        return _compared(_("share “%(word)s”") % {"word": name}, leaf)
    if kind == "consent":
        return _compared(_("consent to %(what)s") % {"what": name.replace(".", ", ")}, leaf)
    return _compared(name.replace("_", " "), leaf)


def _compared(name: str, leaf: Leaf) -> str:
    if leaf.op is Op.EXISTS:
        return (_("%(fact)s is known") if leaf.value else _("%(fact)s is not known")) % {"fact": name}
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if leaf.op is Op.BETWEEN:
        return _("%(fact)s is from %(low)s to %(high)s") % {"fact": name, "low": _plain(values[0]), "high": _plain(values[1])}
    return {
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
    }[leaf.op] % {"fact": name, "value": _named(values)}


def _named(values: Any) -> str:
    return ", ".join(_plain(value) for value in values[:MOST_NAMED]) + (" …" if len(values) > MOST_NAMED else "")


def _plain(value: Any) -> str:
    return _("yes") if value is True else _("no") if value is False else f"“{value}”" if isinstance(value, str) else str(value)


def why_no_table(code: str) -> str:
    """Why a file cannot be read, and what to do about it."""
    words = {
        "empty": _("It is empty: the first line has to hold the heads of the columns."),
        "not-utf-8": _("Its letters are not UTF-8. In Excel choose “Save as”, then “CSV UTF-8”, or send the .xlsx itself."),
        "not-a-table": _("It is neither CSV nor XLSX."),
        "old-excel": _("It is an Excel file of the old kind (.xls), or one with a password. Save it as .xlsx or as CSV UTF-8."),
        "not-xlsx": _("It looks like an Excel file, but is broken. Save it again as .xlsx or as CSV UTF-8."),
        "encrypted": _("It has a password. Save it without one."),
        "too-large-inside": _("What is packed in it is far too large for a list. Save the sheet alone as CSV UTF-8."),
        "too-many-columns": _("It has more than 200 columns."),
        "too-wide": _("A row of it is far too long for a list. Save the sheet alone as CSV UTF-8."),
        "too-many-rows": _("It has more than 1,048,576 rows: cut it into several."),
        "empty-rows": _("It has more than 10,000 empty rows in a row. Delete them, or save the sheet as CSV UTF-8."),
        "entities": _("It defines XML entities, which no spreadsheet needs. Save the sheet alone as CSV UTF-8."),
        "erased-meanwhile": _(
            "A customer was erased while the file was kept, so it was deleted. Send it again: erased customers stay out."
        ),
        "unreadable": _("The stored file can no longer be read. Send it again."),
        "unexpected": _("Something went wrong that should not; the log of the server says what."),
    }
    return words.get(code, code)


def why_line_refused(reason: str) -> str:
    """Why a line of a file was not taken, or what of it was left out."""
    words = {
        "columns": _("It has another number of cells than the first line."),
        "quotes": _("A quotation mark has no end."),
        "too-long": _("A cell has more than 2,000 characters."),
        "null-character": _("It contains a null character."),
        "not-utf-8": _("It contains letters that are not UTF-8. Save the file as “CSV UTF-8”."),
        "no-identity": _("Nothing in it says who it is: no e-mail address, card, phone number or account."),
        "bad-consent": _("The consent is neither yes nor no."),
        "bad-email": _("The e-mail address is none."),
        "bad-phone": _("The phone number is none."),
        "limit": _("An identifier was left out: the customer has as many of its kind as it may have."),
        "merge-breaks-limit": _("An identifier was left out: it belongs to somebody else who cannot be the same person."),
        "merge-budget": _("An identifier was left out: the customers were merged too often already."),
        "split-before": _("An identifier was left out: it belongs to a customer who was taken apart from this one."),
        "outranked": _("An identifier was left out: another one in the line says more about who it is, and speaks against it."),
    }
    if reason in words:
        return words[reason]
    return _("An identifier of it identifies nobody: %(kind)s") % {"kind": kind_in_words(reason.removeprefix("bad-"))}

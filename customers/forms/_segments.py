"""The rule of a segment as typed: a tree of groups and rows, each row about a fact, consent, a segment, events or purchases.

``trees`` says how the tree is sent and changed. A rule that rows cannot say (made through the API) is not taken apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.money import CURRENCIES, MINOR_DIGITS

from .. import queries
from ..models import Segment
from ..rules import patterns
from ..rules.conditions import ISO_DATE, Op
from ..rules.consent import Purpose
from ..rules.faults import Misunderstood
from . import trees
from .trees import Group, TreeForm

FACT, CONSENT, SEGMENT, BUCKET, EVENT, BOUGHT, PAID = "fact", "consent", "segment", "bucket", "event", "bought", "paid"
OTHER_FACT = "customer."
LISTS = frozenset({Op.IN.value, Op.NOT_IN.value, Op.HAS_ANY.value, Op.HAS_ALL.value})
KNOWN, UNKNOWN = "known", "unknown"
MONEY_FACTS = frozenset({"spend", "average_order", "spend_30d", "spend_90d", "spend_365d"})
_NUMBERS = {
    ">=": gettext_lazy("at least"),
    "<=": gettext_lazy("at most"),
    "==": gettext_lazy("exactly"),
    ">": gettext_lazy("more than"),
    "<": gettext_lazy("less than"),
    "!=": gettext_lazy("not exactly"),
}
_FACT_OPS = {
    "==": gettext_lazy("is"),
    "!=": gettext_lazy("is not"),
    ">=": gettext_lazy("is at least"),
    "<=": gettext_lazy("is at most"),
    ">": gettext_lazy("is more than"),
    "<": gettext_lazy("is less than"),
    "between": gettext_lazy("is from … to"),
    "in": gettext_lazy("is one of"),
    "not_in": gettext_lazy("is none of"),
    "has": gettext_lazy("includes"),
    "has_any": gettext_lazy("includes one of"),
    "has_all": gettext_lazy("includes all of"),
    "matches": gettext_lazy("follows the pattern"),
    KNOWN: gettext_lazy("is known"),
    UNKNOWN: gettext_lazy("is not known"),
}
_MEMBER = {"yes": gettext_lazy("is in it"), "no": gettext_lazy("is not in it")}
_CONSENT = {
    "given": gettext_lazy("was given"),
    "withdrawn": gettext_lazy("was withdrawn"),
    UNKNOWN: gettext_lazy("nothing was said"),
}
OPS: dict[str, Mapping[str, Any]] = {
    FACT: _FACT_OPS,
    CONSENT: _CONSENT,
    SEGMENT: _MEMBER,
    BUCKET: {"<": gettext_lazy("below"), ">=": gettext_lazy("from"), "between": gettext_lazy("from … to")},
    EVENT: _NUMBERS,
    BOUGHT: _NUMBERS,
    PAID: _NUMBERS,
}
PARTS = ("about", "which", "op", "value", "until", "days", "property", "is", "categories", "currency")


def kind_of(about: str) -> str:
    """What a row is about: the beginning of its first field says it."""
    kind, _dot, _rest = about.partition(".")
    return {"customer": FACT, "consent": CONSENT, "segment": SEGMENT, "bucket": BUCKET}.get(kind, kind)


class Words:
    """What can be chosen: facts that customers have, segments there are, events that came lately, currencies."""

    def __init__(self, editing: Segment | None) -> None:
        self.facts = {name: values for name, values in queries.audience_vocabulary().items() if name != "segments"}
        self.numeric = queries.numeric_facts()
        self.segments = [(one.key, one.name) for one in queries.segments() if editing is None or one.pk != editing.pk]
        self.events = queries.event_names()
        self.categories = queries.categories_bought()
        self.currencies = queries.currencies_bought() or ["EUR"]

    def choices(self, chosen: str) -> list[Any]:
        facts = sorted((f"customer.{name}", _fact_label(name)) for name in self.facts)
        segments = [(f"segment.{key}", name) for key, name in self.segments]
        groups = [
            (
                _("What a customer did"),
                [("event", _("Events")), ("bought", _("Number of purchases")), ("paid", _("Amount paid for purchases"))],
            ),
            (_("What is known of a customer"), [*facts, (OTHER_FACT, _("Another fact …"))]),
            (
                _("What a customer agreed to"),
                [
                    (f"consent.{Purpose.MARKETING}", _("Marketing")),
                    (f"consent.{Purpose.SERVICE}", _("Service messages")),
                    (f"consent.{Purpose.RESEARCH}", _("Research")),
                ],
            ),
            (_("Other segments"), segments),
            (_("By chance"), [("bucket.", _("A share of all customers"))]),
        ]
        known = {value for _label, choices in groups for value, _text in choices}
        if chosen and chosen not in known:
            groups[1][1].append((chosen, chosen.partition(".")[2] or chosen))
        return [("", _("choose …")), *((label, found) for label, found in groups if found)]


def _fact_label(name: str) -> str:
    text = name.replace("_", " ")
    text = text[:1].upper() + text[1:]
    return _("%(fact)s (minor units)") % {"fact": text} if name in MONEY_FACTS else text


@dataclass
class Row:
    about: str = ""
    which: str = ""
    op: str = ""
    value: str = ""
    until: str = ""
    days: str = ""
    property: str = ""
    equals: str = ""
    categories: str = ""
    currency: str = ""

    def typed(self) -> dict[str, str]:
        values = (self.about, self.which, self.op, self.value, self.until, self.days, self.property, self.equals)
        return dict(zip(PARTS, (*values, self.categories, self.currency), strict=True))


class RowForm(forms.Form):
    """One row; ``leaf`` after ``is_valid`` is what it says in the language, ``None`` for an empty row."""

    about = forms.CharField(label=gettext_lazy("About"), required=False, max_length=200, widget=forms.Select)
    which = forms.CharField(label=gettext_lazy("Which one"), required=False, max_length=150)
    op = forms.ChoiceField(label=gettext_lazy("Comparison"), required=False)
    value = forms.CharField(label=gettext_lazy("Value"), required=False, max_length=5_000)
    until = forms.CharField(label=gettext_lazy("to"), required=False, max_length=200)
    days = forms.IntegerField(label=gettext_lazy("Within days"), required=False, min_value=1, max_value=3650)
    categories = forms.CharField(label=gettext_lazy("Categories"), required=False, max_length=2_000)
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), required=False)

    def __init__(self, data: Mapping[str, Any] | None, row: Row, *, words: Words, prefix: str, number: int) -> None:
        super().__init__(data, prefix=prefix, initial=row.typed())
        self.words, self.number, self.kind, self.path = words, number, kind_of(row.about), prefix
        fields = self.fields
        # Called so on the page; “is” and “property” are words of Python.
        fields["property"] = forms.CharField(label=gettext_lazy("Property"), required=False, max_length=100)
        fields["is"] = forms.CharField(label=gettext_lazy("is"), required=False, max_length=200)
        fields["about"].widget.choices = words.choices(row.about)
        fields["op"].choices = list(OPS.get(self.kind, {}).items())  # type: ignore[attr-defined]
        found = list(dict.fromkeys([*([row.currency] if row.currency in CURRENCIES else []), *words.currencies]))
        fields["currency"].choices = [(one, one) for one in found]  # type: ignore[attr-defined]
        fields["which"].label = {
            EVENT: _("Name of the event"),
            CONSENT: _("Channel (empty: any)"),
            BUCKET: _("Word that shuffles"),
        }.get(self.kind, _("Which one"))
        fields["value"].label = {EVENT: _("Times"), BOUGHT: _("Times"), PAID: _("Amount"), BUCKET: _("Percent")}.get(
            self.kind, _("Value")
        )
        for name, one in fields.items():
            attributes = {"autocomplete": "off", "spellcheck": "false"}
            if name == "value" and self.kind in {EVENT, BOUGHT, PAID, BUCKET}:
                attributes["inputmode"] = "decimal" if self.kind in {PAID, BUCKET} else "numeric"
            offered = {("which", EVENT): "event-names", ("categories", BOUGHT): "bought-categories"}.get((name, self.kind))
            if name == "categories" and self.kind == PAID:
                offered = "bought-categories"
            fact = row.about.removeprefix("customer.")
            if name == "value" and self.kind == FACT and words.facts.get(fact):
                offered = f"known-{fact}"
            if offered:
                attributes["list"] = offered
            one.widget.attrs.update(attributes)

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The fields to show, in order, each with its place in the row; what speaks for itself needs no visible label."""
        quiet = {"about", "op"} | ({"value", "until"} if self.kind == FACT else set())
        order = ["about", "which", "op", "value", "until", "currency", "days", "categories", "property", "is"]
        wanted = self.shown | {"about"}
        return [
            {
                "name": name,
                "field": self[name],
                "is_quiet": name in quiet,
                "suffix": "%" if self.kind == BUCKET and name in {"value", "until"} else "",
            }
            for name in order
            if name in wanted
        ]

    @property
    def shown(self) -> frozenset[str]:
        """The fields that belong to this kind of row."""
        chosen = {
            FACT: {"op", "value", "until"},
            CONSENT: {"which", "op"},
            SEGMENT: {"op"},
            BUCKET: {"which", "op", "value", "until"},
            EVENT: {"which", "op", "value", "days", "property", "is"},
            BOUGHT: {"op", "value", "days", "categories"},
            PAID: {"op", "value", "currency", "days", "categories"},
        }.get(self.kind, set())
        if self["about"].value() == OTHER_FACT:
            chosen = chosen | {"which"}
        return frozenset(chosen)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self.leaf: dict[str, Any] | None = None
        if self.errors or not data.get("about", "").strip():
            return data
        try:
            self.leaf = self._said(data)
            queries.parsed_rule(self.leaf)
        except _Missing as missing:
            self.add_error(missing.part, missing.text)
        except Misunderstood as error:
            self.add_error("value" if "value" in self.shown else "op", error.faults[0].detail)
        return data

    def _said(self, data: Mapping[str, Any]) -> dict[str, Any]:
        about, op = data["about"].strip(), data["op"] or next(iter(OPS.get(self.kind, {"": ""})))
        which, typed = data["which"].strip(), data["value"].strip()
        match self.kind:
            case "segment":
                return {"fact": about, "op": "==", "value": op == "yes"}
            case "consent":
                fact = f"{about}.{which}" if which else about
                return (
                    {"fact": fact, "op": "exists", "value": False} if op == UNKNOWN else {"fact": fact, "op": "==", "value": op}
                )
            case "bucket":
                if not which:
                    raise _Missing("which", _("Any word: the same word always gives the same customers."))
                share = self._pair(op, typed, data["until"].strip())
                return {"fact": f"bucket.{which}", "op": op, "value": share}
            case "event":
                if not which:
                    raise _Missing("which", _("Say the name of the event."))
                return {"event": self._event(which, data), "op": op, "value": _whole(typed)}
            case "bought" | "paid":
                return self._purchases(data, op, typed)
        return self._fact(about, which, op, typed, data["until"].strip())

    def _event(self, which: str, data: Mapping[str, Any]) -> dict[str, Any]:
        kind = which.removeprefix("type:")
        said: dict[str, Any] = {"name": which} if kind == which else {"type": kind}
        if data["days"]:
            said["within_days"] = data["days"]
        name, wanted = data["property"].strip(), data["is"].strip()
        if name or wanted:
            if not name or not wanted:
                raise _Missing("property" if not name else "is", _("A property and what it is belong together."))
            said["where"] = [{"property": name, "op": "==", "value": _scalar(wanted)}]
        return said

    def _purchases(self, data: Mapping[str, Any], op: str, typed: str) -> dict[str, Any]:
        said: dict[str, Any] = {"measure": "count" if self.kind == BOUGHT else "paid"}
        value = _whole(typed) if self.kind == BOUGHT else _minor(typed, data["currency"])
        if self.kind == PAID:
            said["currency"] = data["currency"]
        if found := _words(data["categories"]):
            said["categories"] = found
        if data["days"]:
            said["within_days"] = data["days"]
        return {"purchases": said, "op": op, "value": value}

    def _fact(self, about: str, which: str, op: str, typed: str, until: str) -> dict[str, Any]:
        if about == OTHER_FACT:
            if not which:
                raise _Missing("which", _("Say which one."))
            about += which
        if op in {KNOWN, UNKNOWN}:
            return {"fact": about, "op": "exists", "value": op == KNOWN}
        name = about.removeprefix("customer.")
        is_text = bool(self.words.facts.get(name)) and name not in self.words.numeric and not self._is_boolean(name)
        if op == "between":
            return {"fact": about, "op": op, "value": self._pair(op, typed, until)}
        if op in LISTS:
            found = _words(typed)
            if not found:
                raise _Missing("value", _("Name at least one, with commas between."))
            return {"fact": about, "op": op, "value": [one if is_text or op.startswith("has") else _scalar(one) for one in found]}
        if not typed:
            raise _Missing("value", _("Say what it is compared with."))
        if op == "matches":
            try:
                patterns.canonical(typed)
            except patterns.BadPattern as error:
                raise _Missing("value", str(error)) from None
        if self._is_boolean(name) and typed.lower() in {"true", "false", _("yes"), _("no")}:
            return {"fact": about, "op": op, "value": typed.lower() in {"true", _("yes")}}
        return {"fact": about, "op": op, "value": typed if is_text or op in {"matches", "has"} else _scalar(typed)}

    def _is_boolean(self, name: str) -> bool:
        values = self.words.facts.get(name)
        return bool(values) and set(values or ()) <= {"True", "False"}

    def _pair(self, op: str, typed: str, until: str) -> Any:
        if op != "between":
            if not typed:
                raise _Missing("value", _("Say what it is compared with."))
            return _scalar(typed)
        if not typed or not until:
            raise _Missing("until" if typed else "value", _("Say from what to what."))
        return [_scalar(typed), _scalar(until)]


class _Missing(ValidationError):
    def __init__(self, part: str, text: str) -> None:
        super().__init__(text)
        self.part, self.text = part, text


def _words(typed: str) -> list[str]:
    return [word for word in (part.strip() for part in typed.split(",")) if word]


def _scalar(typed: str) -> Any:
    try:
        number = Decimal(typed)
    except ArithmeticError:
        return typed
    if ISO_DATE.fullmatch(typed) or not number.is_finite() or abs(number) >= 10**15:
        return typed
    return int(number) if number == number.to_integral_value() else float(number)


def _whole(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise _Missing("value", _("A whole number from 0 is expected."))
    return int(typed)


def _minor(typed: str, currency: str) -> int:
    digits = MINOR_DIGITS.get(currency, 2)
    try:
        amount = Decimal(typed.replace(",", ".")).scaleb(digits)
    except ArithmeticError:
        raise _Missing("value", _("An amount is expected.")) from None
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount < 10**15:
        raise _Missing("value", _("An amount with at most %(n)s decimals is expected.") % {"n": digits})
    return int(amount)


class RuleForm(TreeForm[RowForm]):
    """The tree. ``rule`` (after ``is_valid``) is what it says in the language, ``None`` for everybody."""

    row = Row
    parts = PARTS

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, rule: Any = None, doing: str = "", editing: Segment | None = None
    ) -> None:
        """``doing`` is the button that was pressed: the tree is changed and shown again without judging it."""
        self.words = Words(editing)
        super().__init__(data, prefix="rule", saved=tree_of(rule, self.words), doing=doing)

    def form_of(self, data: Mapping[str, Any] | None, row: Row, path: str, number: int) -> RowForm:
        return RowForm(data, row, words=self.words, prefix=path, number=number)

    @property
    def rule(self) -> dict[str, Any] | None:
        return self.said


def tree_of(rule: Any, words: Words) -> Group | None:
    """The tree that says the same as ``rule``; ``None`` when there is none."""
    return trees.tree_of(rule, lambda leaf: _row(leaf, words))


def _row(leaf: Mapping[str, Any], words: Words) -> Row | None:
    try:
        row = _row_of(leaf)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    if row is None:
        return None
    # Whether the row, sent as it is shown, says the same again.
    form = RowForm({f"x-{name}": text for name, text in row.typed().items()}, row, words=words, prefix="x", number=1)
    return row if form.is_valid() and form.leaf == leaf else None


def _row_of(leaf: Mapping[str, Any]) -> Row | None:
    op, value = str(leaf["op"]), leaf.get("value")
    if "event" in leaf:
        said = leaf["event"]
        where = said.get("where") or [{}]
        which = f"type:{said['type']}" if "type" in said else said["name"]
        days, equals = str(said.get("within_days", "")), _text(where[0].get("value", ""))
        return Row("event", which, op, str(value), "", days, where[0].get("property", ""), equals)
    if "purchases" in leaf:
        said = leaf["purchases"]
        currency = said.get("currency", "")
        is_paid = said.get("measure") == "paid"
        shown = str(Decimal(str(value)).scaleb(-MINOR_DIGITS.get(currency, 2))) if is_paid else str(value)
        days, categories = str(said.get("within_days", "")), ", ".join(said.get("categories", []))
        return Row("paid" if is_paid else "bought", "", op, shown, "", days, "", "", categories, currency)
    fact = str(leaf["fact"])
    kind, _dot, name = fact.partition(".")
    if kind == "segment":
        return Row(fact, "", "yes" if value else "no")
    if kind == "consent":
        purpose, _dot, channel = name.partition(".")
        return Row(f"consent.{purpose}", channel, UNKNOWN if op == "exists" else str(value))
    row = Row("bucket.", name, op) if kind == "bucket" else Row(fact, "", op)
    if op == "exists":
        row.op = KNOWN if value in (True, None) else UNKNOWN
    elif op == "between":
        row.value, row.until = (_text(one) for one in value)  # type: ignore[union-attr]
    else:
        row.value = ", ".join(_text(one) for one in value) if isinstance(value, list) else _text(value)
    return row


def _text(value: Any) -> str:
    return "true" if value is True else "false" if value is False else str(value)


class SegmentForm(forms.Form):
    """What a segment is called."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    key = forms.SlugField(
        label=gettext_lazy("Key"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("By which incentives and partners ask for it; left empty it is made from the name."),
    )
    description = forms.CharField(label=gettext_lazy("What it is for"), max_length=300, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, segment: Segment | None = None) -> None:
        initial = {}
        if segment is not None:
            initial = {"name": segment.name, "description": segment.description, "version": segment.version}
        super().__init__(data, initial=initial)
        if segment is not None:
            del self.fields["key"]


class ListForm(forms.Form):
    """Identifiers for a list, as a file or typed."""

    file = forms.FileField(
        label=gettext_lazy("File"), required=False, help_text=gettext_lazy("CSV, one identifier a line, at most 5 MB.")
    )
    typed = forms.CharField(
        label=gettext_lazy("Or type them"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One a line: kind,value such as email,ann@example.com; a customer's id; or a card or address alone."
        ),
    )
    way = forms.ChoiceField(
        label=gettext_lazy("What to do with them"),
        choices=[
            ("add", gettext_lazy("Add to the list")),
            ("take_out", gettext_lazy("Take off the list")),
            ("replace", gettext_lazy("These are the list from now on")),
        ],
        initial="add",
        widget=forms.RadioSelect,
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        file = data.get("file")
        if file is not None and file.size > 5 * 1024 * 1024:
            self.add_error("file", _("At most 5 MB."))
        elif file is None and not data.get("typed", "").strip():
            self.add_error("typed", _("Choose a file, or type at least one."))
        return data

    @property
    def lines(self) -> Iterable[str]:
        """What was sent, a line each; raises ``ValidationError`` for what is no text."""
        file = self.cleaned_data.get("file")
        if file is None:
            return str(self.cleaned_data["typed"]).splitlines()
        try:
            return str(file.read().decode("utf-8-sig")).splitlines()
        except UnicodeDecodeError:
            raise ValidationError(_("This is not a text in UTF-8.")) from None

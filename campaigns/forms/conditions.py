"""Conditions as a tree of groups and rows: all, any or none of them, each row a fact, a comparison and a value.

Used for the conditions of an incentive and for an audience; ``customers.forms.trees`` says how the tree is sent and changed. A
condition that the tree cannot say (made through the API) is not taken apart: ``tree_of`` answers ``None``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.rules.facts import BASKET_FACTS, is_money
from campaigns.wording.promises import MONEY_FACTS, fact_in_words
from customers import queries as customer_queries
from customers.forms import trees
from customers.forms.trees import Group, TreeForm
from customers.rules import patterns
from customers.rules.conditions import AUDIENCE_FACTS, ISO_DATE, ORDERING, Catalogue, FactType, Op, parse
from customers.rules.faults import Misunderstood

from .typed import amount_as_typed, amount_of, words_of

QUANTIFIERS = [
    ("all", gettext_lazy("all of these")),
    ("any", gettext_lazy("one of these")),
    ("none", gettext_lazy("none of these")),
]
MOST_OFFERED = 200
LISTS = frozenset({Op.IN, Op.NOT_IN, Op.HAS_ANY, Op.HAS_ALL})
KNOWN, UNKNOWN = "known", "unknown"
COMPARISONS: dict[str, Any] = {
    Op.EQ.value: gettext_lazy("is"),
    Op.NE.value: gettext_lazy("is not"),
    Op.GE.value: gettext_lazy("is at least"),
    Op.LE.value: gettext_lazy("is at most"),
    Op.GT.value: gettext_lazy("is more than"),
    Op.LT.value: gettext_lazy("is less than"),
    Op.BETWEEN.value: gettext_lazy("is from … to"),
    Op.IN.value: gettext_lazy("is one of"),
    Op.NOT_IN.value: gettext_lazy("is none of"),
    Op.HAS.value: gettext_lazy("includes"),
    Op.HAS_ANY.value: gettext_lazy("includes one of"),
    Op.HAS_ALL.value: gettext_lazy("includes all of"),
    Op.MATCHES.value: gettext_lazy("follows the pattern"),
    KNOWN: gettext_lazy("is known"),
    UNKNOWN: gettext_lazy("is not known"),
}
_ORDERED = [Op.GE, Op.LE, Op.EQ, Op.NE, Op.GT, Op.LT, Op.BETWEEN]
_OPS_OF_TYPE: dict[FactType, list[str]] = {
    FactType.NUMBER: [*_ORDERED, Op.IN, Op.NOT_IN],
    FactType.DATE: _ORDERED,  # type: ignore[dict-item]
    FactType.TEXT: [Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.MATCHES],
    FactType.LIST: [Op.HAS, Op.HAS_ANY, Op.HAS_ALL],
    FactType.ANY: [op for op in COMPARISONS if op not in {KNOWN, UNKNOWN}],
}
CUSTOMER = "customer."


@dataclass
class Row:
    """One comparison as typed. ``fact`` may be the beginning of a fact (``customer.``), which ``which`` then completes."""

    fact: str = ""
    which: str = ""
    op: str = ""
    value: str = ""
    until: str = ""


class Vocabulary:
    """The facts that may be asked for, with what is known of their values."""

    def __init__(self, facts: Catalogue, currency: str) -> None:
        self.facts, self.currency = facts, currency
        self.of_customers = customer_queries.audience_vocabulary()
        self.numeric = customer_queries.numeric_facts()

    def type_of(self, fact: str) -> FactType:
        if fact.startswith(CUSTOMER):
            name = fact.removeprefix(CUSTOMER)
            if name == "segments":
                return FactType.LIST
            values = self.of_customers.get(name, [])
            if name in self.numeric:
                return FactType.NUMBER
            if name.endswith("_on") or (values and all(ISO_DATE.fullmatch(value) for value in values)):
                return FactType.DATE
            return FactType.ANY
        return self.facts.type_of(fact) or FactType.ANY

    def is_boolean(self, fact: str) -> bool:
        values = self.of_customers.get(fact.removeprefix(CUSTOMER), []) if fact.startswith(CUSTOMER) else []
        return bool(values) and set(values) <= {"True", "False"}

    def is_amount(self, fact: str) -> bool:
        return fact in MONEY_FACTS or is_money(fact)

    def values_of(self, fact: str) -> list[str]:
        return self.of_customers.get(fact.removeprefix(CUSTOMER), []) if fact.startswith(CUSTOMER) else []

    def choices(self, chosen: str) -> list[Any]:
        """Facts to choose from, by what they are about; ``chosen`` is offered even when nobody has it."""
        baskets = [name for name in self.facts.names if name.startswith("basket.")]
        around = [name for name in self.facts.names if not name.startswith("basket.")]
        people = [CUSTOMER + name for name in list(self.of_customers)[:MOST_OFFERED]]
        if chosen and chosen not in {*baskets, *around, *people, *self.facts.prefixes}:
            people.append(chosen)
        groups = [
            (_("Basket"), [*self._named(baskets), *self._prefixes("basket.")]),
            (_("Where and when"), self._named(around)),
            (_("Customer"), [*sorted(self._named(people), key=lambda choice: choice[1]), *self._prefixes(CUSTOMER)]),
            (_("Event"), self._prefixes("event.")),
        ]
        return [("", _("choose …")), *((label, facts) for label, facts in groups if facts)]

    def _named(self, facts: Iterable[str]) -> list[tuple[str, str]]:
        return [(fact, _capital(fact_in_words(fact))) for fact in facts]

    def _prefixes(self, beginning: str) -> list[tuple[str, str]]:
        known = {
            "basket.category_total:": _("The total of a category …"),
            "basket.category_quantity:": _("The pieces from a category …"),
            CUSTOMER: _("Another fact …"),
            "event.": _("A property of the event …"),
        }
        return [(prefix, known.get(prefix, prefix)) for prefix in self.facts.prefixes if prefix.startswith(beginning)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class RowForm(forms.Form):
    """One row; ``leaf`` after ``is_valid`` is the comparison in the condition language, ``None`` for an empty row."""

    fact = forms.CharField(label=gettext_lazy("Fact"), required=False, max_length=200, widget=forms.Select)
    which = forms.CharField(label=gettext_lazy("Which one"), required=False, max_length=150)
    op = forms.ChoiceField(label=gettext_lazy("Comparison"), required=False)
    value = forms.CharField(label=gettext_lazy("Value"), required=False, max_length=20_000)
    until = forms.CharField(label=gettext_lazy("to"), required=False, max_length=200)

    def __init__(self, data: Mapping[str, Any] | None, row: Row, *, words: Vocabulary, prefix: str, number: int) -> None:
        initial = {"fact": row.fact, "which": row.which, "op": row.op, "value": row.value, "until": row.until}
        super().__init__(data, prefix=prefix, initial=initial)
        self.words, self.number, self.row, self.path = words, number, row, prefix
        self.needs_which = row.fact in words.facts.prefixes
        full = row.fact + row.which.strip() if self.needs_which else row.fact
        self.kind = words.type_of(full) if row.fact else FactType.ANY
        self.suffix = words.currency if words.is_amount(full) else ""
        ops = [str(op) for op in _OPS_OF_TYPE[self.kind]]
        if not full.startswith("basket."):
            ops += [KNOWN, UNKNOWN]
        if row.op and row.op in COMPARISONS and row.op not in ops:
            ops.append(row.op)
        fields = self.fields
        fields["fact"].widget.choices = words.choices(row.fact)
        fields["op"].choices = [(op, COMPARISONS[op]) for op in ops]  # type: ignore[attr-defined]
        if not self.needs_which:
            fields["which"].widget = forms.HiddenInput()
        for name in ("value", "until"):
            attributes = {"autocomplete": "off", "spellcheck": "false"}
            if self.kind is FactType.NUMBER:
                attributes["inputmode"] = "decimal"
            if words.values_of(full):
                attributes["list"] = f"values-{full.removeprefix(CUSTOMER)}"
            is_date = self.kind is FactType.DATE and row.op not in LISTS
            fields[name].widget = forms.TextInput(attrs={**attributes, "type": "date"} if is_date else attributes)
        for one in fields.values():
            one.label = _("%(label)s of condition %(n)s") % {"label": one.label, "n": number}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self.leaf: dict[str, Any] | None = None
        if self.errors:
            return data
        fact, typed = data["fact"].strip(), data["value"].strip()
        if not fact:
            if typed:
                self.add_error("fact", _("Say which fact this value belongs to."))
            return data
        if fact in self.words.facts.prefixes:
            if not data["which"].strip():
                self.add_error("which", _("Say which one."))
                return data
            fact += data["which"].strip()
        if self.words.facts.type_of(fact) is None:
            self.add_error("fact", _("This cannot be asked for here."))
            return data
        op = data["op"] or str(_OPS_OF_TYPE[self.words.type_of(fact)][0])
        if op in {KNOWN, UNKNOWN}:
            self.leaf = {"fact": fact, "op": Op.EXISTS.value, "value": op == KNOWN}
            return data
        try:
            self.leaf = {"fact": fact, "op": op, "value": self._value(fact, Op(op), typed, data["until"].strip())}
        except ValidationError as error:
            self.add_error("until" if op == Op.BETWEEN.value and typed else "value", error)
        return data

    def _value(self, fact: str, op: Op, typed: str, until: str) -> Any:
        if op is Op.BETWEEN:
            if not typed or not until:
                raise ValidationError(_("Say from what to what."))
            low, high = self._scalar(fact, op, typed), self._scalar(fact, op, until)
            if type(low) is type(high) and high < low:
                raise ValidationError(_("Nothing lies between these: the second is less than the first."))
            return [low, high]
        if op in LISTS:
            words = words_of(typed)
            if not words:
                raise ValidationError(_("Name at least one, with commas between."))
            return [self._scalar(fact, op, word) for word in words]
        if not typed:
            raise ValidationError(_("Say what it is compared with."))
        if op is Op.MATCHES:
            if self.words.type_of(fact) not in {FactType.TEXT, FactType.ANY}:
                raise ValidationError(_("Only a text follows a pattern."))
            return _pattern(typed)
        return self._scalar(fact, op, typed)

    def _scalar(self, fact: str, op: Op, typed: str) -> Any:
        if len(typed) > 200:
            raise ValidationError(_("At most 200 characters."))
        if self.words.is_amount(fact):
            return amount_of(typed, self.words.currency)
        kind, number, is_date = self.words.type_of(fact), _number(typed), bool(ISO_DATE.fullmatch(typed))
        if kind is FactType.NUMBER:
            if number is None:
                raise ValidationError(_("This fact is a number."))
            return number
        if kind is FactType.DATE and not is_date:
            raise ValidationError(_("This fact is a date (YYYY-MM-DD)."))
        if self.words.is_boolean(fact) and typed.lower() in {"true", "false", _("yes"), _("no")}:
            return typed.lower() in {"true", _("yes")}
        if op in ORDERING or op is Op.BETWEEN:
            if number is None and not is_date:
                raise ValidationError(_("Only numbers and dates (YYYY-MM-DD) have an order."))
            return typed if number is None else number
        return typed


def _pattern(typed: str) -> str:
    try:
        patterns.canonical(typed)
    except patterns.BadPattern as error:
        raise ValidationError(str(error)) from None
    return typed


def _number(typed: str) -> int | float | None:
    try:
        number = Decimal(typed)
    except ArithmeticError:
        return None
    if not number.is_finite() or abs(number) >= 10**15:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


class ConditionsForm(TreeForm[RowForm]):
    """The tree. ``condition`` (after ``is_valid``) is what it says in the condition language, ``None`` for "always"."""

    row = Row
    parts = ("fact", "which", "op", "value", "until")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        condition: Any = None,
        currency: str,
        facts: Catalogue = BASKET_FACTS,
        prefix: str = "when",
        doing: str = "",
    ) -> None:
        """``doing`` is the button that was pressed: the tree is changed and shown again without judging it."""
        self.words = Vocabulary(facts, currency)
        super().__init__(data, prefix=prefix, saved=tree_of(condition, self.words), doing=doing)

    def form_of(self, data: Mapping[str, Any] | None, row: Row, path: str, number: int) -> RowForm:
        return RowForm(data, row, words=self.words, prefix=path, number=number)

    @property
    def vocabulary(self) -> dict[str, list[str]]:
        return self.words.of_customers

    @property
    def condition(self) -> dict[str, Any] | None:
        return self.said


def tree_of(condition: Any, words: Vocabulary) -> Group | None:
    """The tree that says the same as ``condition``; ``None`` when there is none."""
    if condition is None:
        return Group()
    try:
        parse(condition, facts=words.facts)
    except Misunderstood:
        return None
    return trees.tree_of(condition, lambda leaf: _row(leaf, words))


def _row(leaf: Mapping[str, Any], words: Vocabulary) -> Row | None:
    fact, op, value = leaf["fact"], leaf["op"], leaf.get("value")
    row = Row(fact=fact)
    prefix = next((p for p in words.facts.prefixes if fact.startswith(p) and p.endswith(":")), "")
    if prefix:
        row.fact, row.which = prefix, fact.removeprefix(prefix)
        if row.which != row.which.strip():
            return None
    if op == Op.EXISTS.value:
        row.op = KNOWN if value in (True, None) else UNKNOWN
        return row
    if op not in COMPARISONS:
        return None
    row.op = op
    values = value if isinstance(value, list) else [value]
    show: Callable[[Any], str] = str
    if words.is_amount(fact):
        if any(type(item) is not int for item in values):
            return None
        show = lambda amount: amount_as_typed(amount, words.currency)  # noqa: E731
    texts = ["true" if item is True else "false" if item is False else show(item) for item in values]
    if op == Op.BETWEEN.value:
        row.value, row.until = texts
    elif isinstance(value, list):
        row.value = ", ".join(texts)
    else:
        row.value = texts[0]
    return row if _reads_back(row, leaf, words) else None


def _reads_back(row: Row, leaf: Mapping[str, Any], words: Vocabulary) -> bool:
    """Whether the row, sent as it is shown, says the same comparison again (a text with a comma in a list would not)."""
    data = {f"x-{name}": getattr(row, name) for name in ("fact", "which", "op", "value", "until")}
    form = RowForm(data, row, words=words, prefix="x", number=1)
    return (
        form.is_valid()
        and form.leaf is not None
        and {**form.leaf} == {**leaf, "value": form.leaf["value"]}
        and _same(form.leaf["value"], True if leaf["op"] == Op.EXISTS.value and leaf.get("value") is None else leaf.get("value"))
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(
        one == other and isinstance(one, bool) is isinstance(other, bool) and isinstance(one, str) is isinstance(other, str)
    )


def audience_form(
    data: Mapping[str, Any] | None = None, *, condition: Any = None, currency: str, doing: str = ""
) -> ConditionsForm:
    """The tree over what is known of customers."""
    return ConditionsForm(data, condition=condition, currency=currency, facts=AUDIENCE_FACTS, prefix="audience", doing=doing)

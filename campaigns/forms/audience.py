"""Third step: whom the campaign is meant for, as rows of fact – comparison – value.

An audience that the rows cannot say (nested conditions made through the API) is shown in words and left as it is.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from campaigns.wording.promises import MONEY_FACTS
from customers import queries as customer_queries
from customers.rules.conditions import ISO_DATE, ORDERING, Op

from .typed import amount_as_typed, amount_of, words_of

ROWS_AT_FIRST = 3
MOST_ROWS = 20
LISTS = frozenset({Op.IN, Op.NOT_IN, Op.HAS_ANY, Op.HAS_ALL})
KNOWN, UNKNOWN = "known", "unknown"
COMPARISONS = [
    (Op.EQ.value, _("is")),
    (Op.NE.value, _("is not")),
    (Op.GE.value, _("is at least")),
    (Op.LE.value, _("is at most")),
    (Op.GT.value, _("is more than")),
    (Op.LT.value, _("is less than")),
    (Op.IN.value, _("is one of")),
    (Op.NOT_IN.value, _("is none of")),
    (Op.HAS.value, _("includes")),
    (KNOWN, _("is known")),
    (UNKNOWN, _("is not known")),
]
PREFIX = "customer."


class RowForm(forms.Form):
    fact = forms.CharField(
        label=_("Fact"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "facts", "autocomplete": "off", "spellcheck": "false"}),
    )
    op = forms.ChoiceField(label=_("Comparison"), required=False, choices=COMPARISONS, initial=Op.EQ.value)
    value = forms.CharField(
        label=_("Value"), required=False, max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class AudienceForm:
    """The rows and whether all or any must hold. ``condition`` is the audience in the condition language."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, audience: Any = None, currency: str) -> None:
        self.currency = currency
        self.numeric = customer_queries.numeric_facts()
        typed = rows_as_typed(audience, currency)
        quantifier, rows = typed if typed is not None else ("all", [])
        if data is not None:
            quantifier = "any" if data.get("quantifier") == "any" else "all"
            given = data.get("rows", "")
            count = min(int(given) if given.isascii() and given.isdigit() and len(given) < 4 else ROWS_AT_FIRST, MOST_ROWS)
            self.rows = [RowForm(data, prefix=f"row-{n}") for n in range(max(count, 1))]
        else:
            count = min(max(ROWS_AT_FIRST, len(rows) + 1), max(MOST_ROWS, len(rows)))
            padded = rows + [{} for _n in range(count - len(rows))]
            self.rows = [RowForm(prefix=f"row-{n}", initial=row) for n, row in enumerate(padded)]
        self.quantifier = quantifier
        self.is_bound = data is not None
        for number, row in enumerate(self.rows, start=1):
            for field in ("fact", "op", "value"):
                row.fields[field].label = _("%(label)s of condition %(n)s") % {"label": row.fields[field].label, "n": number}
            if (name := str(row["fact"].value() or "")) and len(name) < 101:
                row.fields["value"].widget.attrs["list"] = f"values-{name}"

    def with_another_row(self) -> "AudienceForm":
        if len(self.rows) < MOST_ROWS:
            row = RowForm(prefix=f"row-{len(self.rows)}")
            row.fields["fact"].label = _("Fact of condition %(n)s") % {"n": len(self.rows) + 1}
            self.rows.append(row)
        return self

    @property
    def can_grow(self) -> bool:
        return len(self.rows) < MOST_ROWS

    def is_valid(self) -> bool:
        self.leaves = []
        for row in self.rows:
            if row.is_valid() and (leaf := self._leaf(row)) is not None:
                self.leaves.append(leaf)
        return not any(row.errors for row in self.rows)

    @property
    def errors(self) -> list[str]:
        return [str(error) for row in self.rows for errors in row.errors.values() for error in errors]

    @property
    def condition(self) -> dict[str, Any] | None:
        return {self.quantifier: self.leaves} if self.leaves else None

    def _leaf(self, row: RowForm) -> dict[str, Any] | None:
        fact = row.cleaned_data["fact"].strip().removeprefix(PREFIX)
        op, typed = row.cleaned_data["op"] or Op.EQ.value, row.cleaned_data["value"].strip()
        if not fact:
            if typed:
                row.add_error("fact", _("Say which fact this value belongs to."))
            return None
        if op in {KNOWN, UNKNOWN}:
            return {"fact": PREFIX + fact, "op": Op.EXISTS.value, "value": op == KNOWN}
        if not typed:
            row.add_error("value", _("Say what it is compared with."))
            return None
        try:
            return {"fact": PREFIX + fact, "op": op, "value": self._value(fact, Op(op), typed)}
        except ValidationError as error:
            row.add_error("value", error)
            return None

    def _value(self, fact: str, op: Op, typed: str) -> Any:
        if op in LISTS:
            words = words_of(typed)
            if not words:
                raise ValidationError(_("Name at least one, with commas between."))
            return [self._scalar(fact, op, word) for word in words]
        return self._scalar(fact, op, typed)

    def _scalar(self, fact: str, op: Op, typed: str) -> Any:
        if len(typed) > 200:
            raise ValidationError(_("At most 200 characters."))
        if PREFIX + fact in MONEY_FACTS:
            return amount_of(typed, self.currency)
        number = _number(typed)
        if op in ORDERING and number is None and not ISO_DATE.fullmatch(typed):
            raise ValidationError(_("Only numbers and dates (YYYY-MM-DD) have an order."))
        if number is not None and (op in ORDERING or fact in self.numeric):
            return number
        if fact in self.numeric and op is not Op.HAS:
            raise ValidationError(_("This fact is a number."))
        return typed


def _number(typed: str) -> int | float | None:
    try:
        number = Decimal(typed)
    except ArithmeticError:
        return None
    if not number.is_finite() or abs(number) >= 10**15:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def rows_as_typed(audience: Any, currency: str) -> tuple[str, list[dict[str, Any]]] | None:
    """``all`` or ``any``, and the rows that say the same as ``audience``; ``None`` when they cannot."""
    if audience is None:
        return "all", []
    (quantifier, leaves), *others = audience.items() if isinstance(audience, dict) else [("", [])]
    if others or quantifier not in {"all", "any"} or len(leaves) > MOST_ROWS:
        return None
    rows = [_row(leaf, currency) for leaf in leaves]
    if any(row is None for row in rows):
        return None
    return quantifier, [row for row in rows if row is not None]


def _row(leaf: Mapping[str, Any], currency: str) -> dict[str, Any] | None:
    fact, op, value = leaf.get("fact", ""), leaf.get("op"), leaf.get("value")
    name = fact.removeprefix(PREFIX)
    if op == Op.EXISTS.value:
        return {"fact": name, "op": KNOWN if value in (True, None) else UNKNOWN, "value": ""}
    if op not in {value for value, _label in COMPARISONS} or not fact.startswith(PREFIX):
        return None
    values = value if isinstance(value, list) else [value]
    is_money = fact in MONEY_FACTS
    if any(isinstance(item, bool) or (is_money and not isinstance(item, int)) for item in values):
        return None
    texts = [amount_as_typed(item, currency) if is_money else str(item) for item in values]
    if isinstance(value, list) and words_of(", ".join(texts)) != texts:
        return None
    return {"fact": name, "op": op, "value": ", ".join(texts)}

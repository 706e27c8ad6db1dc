"""What an associate types at the till."""

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import queries as customer_queries
from customers.models import Customer, Store
from incentives_site.shared.money import CURRENCIES, minor_digits, parse_money
from incentives_site.shared.problems import Invalid

from .models import RedemptionLine

MOST_LINES = 200


class SaleForm(forms.Form):
    """Who buys, where, and the codes shown. ``customer`` becomes the customer, ``None`` when nothing was typed."""

    order_key = forms.UUIDField(widget=forms.HiddenInput)
    currency = forms.CharField(widget=forms.HiddenInput, max_length=3)
    store = forms.ModelChoiceField(Store.objects.none(), label=gettext_lazy("Store"), required=False, empty_label=None)
    customer = forms.CharField(
        label=gettext_lazy("Customer"),
        required=False,
        max_length=320,
        help_text=gettext_lazy("Loyalty card, e-mail or phone number"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    code = forms.CharField(
        label=gettext_lazy("Code"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Type it or scan the QR code"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )

    def __init__(self, *args: Any, stores: QuerySet[Store], is_bound_to_stores: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stores, self.is_bound_to_stores = stores, is_bound_to_stores
        self.fields["store"].queryset = stores  # type: ignore[attr-defined]

    def clean_store(self) -> Store | None:
        """The store of the sale: never none for people who are bound to some, whatever the form leaves out."""
        chosen: Store | None = self.cleaned_data["store"]
        if chosen is None and self.is_bound_to_stores:
            own = list(self.stores[:2])
            if len(own) != 1:
                raise forms.ValidationError(_("Choose the store you sell in."), code="store-missing")
            chosen = own[0]
        return chosen

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"])
        if currency not in CURRENCIES:
            raise forms.ValidationError(_("This currency is not known."), code="unknown-currency")
        return currency

    def clean_customer(self) -> Customer | None:
        typed = self.cleaned_data["customer"].strip()
        if not typed:
            return None
        found = customer_queries.at_counter(typed)
        if found is None:
            raise forms.ValidationError(_("Nobody is known by this. Check it, or leave it empty."), code="customer-unknown")
        return found


class LineForm(forms.Form):
    """One line of the basket. Amounts are typed in major units; ``price`` becomes minor units."""

    article = forms.CharField(label=gettext_lazy("Article"), max_length=100, required=False)
    category = forms.CharField(label=gettext_lazy("Category"), max_length=100, required=False)
    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), min_value=1, max_value=1_000_000, required=False)
    price = forms.CharField(
        label=gettext_lazy("Price each"), max_length=20, required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)

    def clean_price(self) -> int | None:
        typed = self.cleaned_data["price"].strip()
        if not typed:
            return None
        try:
            price = parse_money(typed, self.currency)
        except ValueError:
            words = {"digits": minor_digits(self.currency)}
            raise forms.ValidationError(_("A price such as 12.50, with at most %(digits)s decimals.") % words) from None
        if price < 0:
            raise forms.ValidationError(_("A price is not negative."))
        return price

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.is_blank:
            return data
        if not data.get("article") and "article" not in self.errors:
            self.add_error("article", _("Say what is bought."))
        if data.get("price") is None and "price" not in self.errors:
            self.add_error("price", _("Say what it costs."))
        return data

    @property
    def is_blank(self) -> bool:
        """Nothing was typed in this row; it is passed over."""
        return not any(str(self.data.get(self.add_prefix(name), "")).strip() for name in ("article", "category", "price"))


class TenderForm(forms.Form):
    """What a part is paid with beside money. Amounts are typed in major units and become minor units; empty: all there is."""

    use_points = forms.BooleanField(label=gettext_lazy("Pay with points"), required=False)
    points = forms.CharField(label=gettext_lazy("At most, in points' worth"), required=False, max_length=20)
    use_credit = forms.BooleanField(label=gettext_lazy("Pay with credit"), required=False)
    credit = forms.CharField(label=gettext_lazy("At most, of the credit"), required=False, max_length=20)
    card = forms.CharField(label=gettext_lazy("Gift card"), required=False, max_length=200)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)
        for name in ("points", "credit"):
            self.fields[name].widget.attrs |= {
                "inputmode": "decimal",
                "autocomplete": "off",
                "placeholder": _("all"),
            }
        self.fields["card"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}

    def _amount(self, name: str) -> int | None:
        typed = self.cleaned_data[name].strip()
        if not typed:
            return None
        try:
            amount = parse_money(typed, self.currency)
        except ValueError:
            amount = 0
        if amount < 1:
            raise forms.ValidationError(_("An amount such as 12.50, or nothing for as much as possible."), code="bad-amount")
        return amount

    def clean_points(self) -> int | None:
        return self._amount("points")

    def clean_credit(self) -> int | None:
        return self._amount("credit")


class ReturnForm(forms.Form):
    """How many of which line come back. The lines' fields are ``units-0``, ``units-1``, … in the order of the lines."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, rows: Sequence[RedemptionLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        for row in rows:
            left = row.quantity - row.returned
            self.fields[f"units-{row.position}"] = forms.IntegerField(
                label=_("Of “%(name)s” come back") % {"name": row.name or row.sku},
                required=False,
                min_value=0,
                max_value=1_000_000,
                disabled=left == 0,
                widget=forms.NumberInput(attrs={"max": left, "inputmode": "numeric"}),
            )

    @property
    def lines(self) -> list[tuple[RedemptionLine, int, forms.BoundField]]:
        """Each line with how many of it can still come back, and its field."""
        return [(row, row.quantity - row.returned, self[f"units-{row.position}"]) for row in self.rows]

    @property
    def units(self) -> dict[str, int]:
        """What is typed, by line; call it when the form is valid."""
        typed = {row.line: self.cleaned_data.get(f"units-{row.position}") for row in self.rows}
        return {line: units for line, units in typed.items() if units}

    def refuse(self, problem: Invalid) -> None:
        """Put what the operation refused beside the line it speaks of."""
        wanted = list(self.units)
        names = {row.line: f"units-{row.position}" for row in self.rows}
        for error in problem.errors:
            place = error.pointer.split("/")
            is_line = len(place) > 2 and place[2].isdigit() and int(place[2]) < len(wanted)
            self.add_error(names[wanted[int(place[2])]] if is_line else None, str(error.detail))


class AdjustForm(forms.Form):
    """So much more, or less, for a reason. ``amount`` becomes units of the account: points, or minor units."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    amount = forms.CharField(label=gettext_lazy("Amount"), max_length=20, help_text=gettext_lazy("With a minus to take away."))
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=200, help_text=gettext_lazy("It stays in the ledger for whoever reads it later.")
    )

    def __init__(self, *args: Any, unit: str, **kwargs: Any) -> None:
        self.unit = unit
        super().__init__(*args, **kwargs)

    def clean_amount(self) -> int:
        typed = str(self.cleaned_data["amount"]).strip().replace("−", "-")
        try:
            amount = int(typed) if self.unit == "points" else parse_money(typed, self.unit)
        except ValueError:
            raise forms.ValidationError(_("A number is expected, such as 250 points or 12.50.")) from None
        if amount == 0:
            raise forms.ValidationError(_("Nothing would change."))
        return amount


class GiftCardForm(forms.Form):
    """A new card. ``amount`` becomes minor units."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), choices=[(code, code) for code in sorted(CURRENCIES)])
    amount = forms.CharField(label=gettext_lazy("Amount"), max_length=20)
    last_usable_on = forms.DateField(
        label=gettext_lazy("Last usable day"),
        required=False,
        help_text=gettext_lazy("Empty: it does not end."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "amount" in data and "currency" in data:
            try:
                data["amount"] = parse_money(str(data["amount"]), data["currency"])
            except ValueError:
                self.add_error("amount", _("A number is expected, such as 12.50."))
        return data


def line_forms(data: Any, *, currency: str, at_least: int) -> list[LineForm]:
    """The rows of a posted basket, and blank ones to fill up to ``at_least``."""
    count = 0
    if data is not None:
        indexes = [int(name.split("-")[1]) for name in data if name.startswith("line-") and name.split("-")[1].isdigit()]
        count = min(max(indexes, default=-1) + 1, MOST_LINES)
    return [
        LineForm(data if data is not None and n < count else None, prefix=f"line-{n}", currency=currency, initial={"quantity": 1})
        for n in range(max(count, at_least))
    ]


def basket_of(rows: Sequence[LineForm]) -> dict[str, Any]:
    """The basket as the stacking language says it; call it when every row is valid."""
    lines = []
    for position, row in enumerate(rows, 1):
        if not row.is_bound or row.is_blank:
            continue
        line = row.cleaned_data
        lines.append(
            {
                "id": str(position),
                "sku": line["article"],
                "name": line["article"],
                "categories": [line["category"]] if line["category"] else [],
                "quantity": line["quantity"] or 1,
                "unit_price": line["price"],
            }
        )
    return {"lines": lines}


def new_order_key() -> str:
    """Names a sale from its first moment, so that a repeated click or a lost answer never redeems twice."""
    return str(uuid.uuid4())

"""What is typed on the preview of a campaign: goods, where and when, who, and up to two policies to compare."""

import datetime
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.forms.typed import amount_as_typed, amount_of, instant_of, percent_of, words_of
from campaigns.models import Campaign, Incentive
from customers.models import Channel, Purchase, Store

LOCAL = "%Y-%m-%dT%H:%M"
ROWS_AT_FIRST = 3
MOST_ROWS = 100
MOST_CODES = 30
IMAGINED, UNKNOWN, CERTAIN = "imagined", "unknown", "certain"


def _text(label: Any, *, length: int, **attributes: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=length,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attributes}),
    )


class RowForm(forms.Form):
    """One line of the basket. A row without article, category, brand and price does not count."""

    sku = _text(gettext_lazy("Article"), length=64, list="known-skus")
    categories = _text(gettext_lazy("Categories"), length=500, list="known-categories")
    brand = _text(gettext_lazy("Brand"), length=100)
    quantity = forms.IntegerField(
        label=gettext_lazy("Pieces"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        initial=1,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    price = _text(gettext_lazy("Price of one"), length=40, inputmode="decimal")

    def __init__(self, *args: Any, currency: str, number: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency, self.number = currency, number
        for field in self.fields.values():
            field.short = field.label  # type: ignore[attr-defined]
            field.label = _("%(label)s of line %(n)s") % {"label": field.label, "n": number}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        said = any(str(data.get(name) or "").strip() for name in ("sku", "categories", "brand", "price"))
        data["is_empty"] = not said and not self.errors
        if not said:
            return data
        try:
            data["price"] = amount_of(data["price"], self.currency) if data.get("price") else None
        except ValidationError as error:
            self.add_error("price", error)
            return data
        if data["price"] is None and "price" not in self.errors:
            self.add_error("price", _("Say what one piece costs."))
        return data

    @property
    def line(self) -> dict[str, Any]:
        """The line in the basket language."""
        data = self.cleaned_data
        line = {
            "id": str(self.number),
            "sku": data["sku"].strip() or _("article %(n)s") % {"n": self.number},
            "categories": words_of(data["categories"]),
            "quantity": data["quantity"] or 1,
            "unit_price": data["price"],
        }
        return {**line, "brand": data["brand"].strip()} if data["brand"].strip() else line


class PolicyForm(forms.Form):
    """One way to combine incentives; ``policy`` is it in the language of simulations."""

    choose = forms.ChoiceField(
        label=gettext_lazy("Choice"),
        required=False,
        choices=[
            ("in_order", gettext_lazy("in order")),
            ("best_for_customer", gettext_lazy("best for the customer")),
            ("least_cost", gettext_lazy("least cost")),
        ],
    )
    base = forms.ChoiceField(
        label=gettext_lazy("Percentages are taken of"),
        required=False,
        choices=[
            ("running", gettext_lazy("what earlier ones have left")),
            ("original", gettext_lazy("the original price")),
        ],
    )
    failure = forms.ChoiceField(
        label=gettext_lazy("When a code fails"),
        required=False,
        choices=[("partial", gettext_lazy("apply the rest")), ("all", gettext_lazy("apply nothing"))],
    )
    max_total_percent = _text(gettext_lazy("At most in all"), length=20, inputmode="decimal")

    def clean_max_total_percent(self) -> str:
        typed: str = self.cleaned_data["max_total_percent"]
        return percent_of(typed) if typed.strip() else ""

    @property
    def policy(self) -> dict[str, Any]:
        data = self.cleaned_data
        said = {name: data[name] for name in ("choose", "base", "failure") if data[name]}
        return {**said, "max_total_percent": data["max_total_percent"]} if data["max_total_percent"] else said


class PreviewForm(forms.Form):
    """The whole preview. ``rows`` are the lines, ``policies`` the first policy and the one it is compared with."""

    channel = forms.ChoiceField(label=gettext_lazy("Channel"), error_messages={"required": gettext_lazy("Choose a channel.")})
    store = forms.ChoiceField(label=gettext_lazy("Store"), required=False)
    at = forms.DateTimeField(
        label=gettext_lazy("Date and time"),
        required=False,
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )
    who = forms.ChoiceField(
        label=gettext_lazy("Who buys"),
        required=False,
        widget=forms.RadioSelect,
        choices=[
            (IMAGINED, gettext_lazy("somebody the campaign is meant for")),
            (UNKNOWN, gettext_lazy("nobody knows who")),
            (CERTAIN, gettext_lazy("a certain customer")),
        ],
        initial=IMAGINED,
    )
    customer = forms.CharField(
        label=gettext_lazy("Customer"),
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Card, e-mail address, name or number."),
    )
    codes = _text(gettext_lazy("Codes shown"), length=2000)
    shipping = _text(gettext_lazy("Shipping costs"), length=40, inputmode="decimal")
    own = forms.MultipleChoiceField(
        label=gettext_lazy("Incentives of this campaign that take part"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    compare = forms.BooleanField(label=gettext_lazy("Compare with a second policy"), required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        campaign: Campaign,
        own: Sequence[Incentive],
        channels: Sequence[Channel],
        stores: Sequence[Store],
        now: datetime.datetime,
        rows: Sequence[Mapping[str, Any]] = (),
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.campaign, self.zone = campaign, zoneinfo.ZoneInfo(campaign.time_zone)
        self.now = now
        begins = {
            "at": now.astimezone(self.zone).strftime(LOCAL),
            "own": [str(incentive.public_id) for incentive in own],
            "channel": channels[0].key if channels else "",
        }
        super().__init__(data, initial={**begins, **(initial or {})})
        self.channels = {channel.key: channel for channel in channels}
        self.stores = {store.key: store for store in stores}
        self.fields["channel"].choices = [(channel.key, channel.name) for channel in channels]  # type: ignore[attr-defined]
        self.fields["store"].choices = [  # type: ignore[attr-defined]
            ("", _("any")),
            *((store.key, f"{store.name} · {store.channel.name}") for store in stores),
        ]
        self.fields["own"].choices = [(str(incentive.public_id), incentive.name) for incentive in own]  # type: ignore[attr-defined]
        self.rows = self._rows(data, rows)
        self.policies = [
            PolicyForm(data, prefix="a", initial={"choose": "in_order", "base": "running"}),
            PolicyForm(data, prefix="b", initial={"choose": "best_for_customer", "base": "running"}),
        ]

    def _rows(self, data: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]) -> list[RowForm]:
        if data is None:
            padded = [*rows[:MOST_ROWS], *({} for _n in range(ROWS_AT_FIRST - len(rows)))]
            return [self._row(number, initial=row) for number, row in enumerate(padded, start=1)]
        given = data.get("rows", "")
        count = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0
        return [self._row(number, data=data) for number in range(1, min(count, MOST_ROWS) + 1)]

    def _row(self, number: int, *, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None) -> RowForm:
        return RowForm(data, prefix=f"line-{number}", initial=initial, currency=self.campaign.currency, number=number)

    @property
    def can_grow(self) -> bool:
        return len(self.rows) < MOST_ROWS

    def add_row(self) -> None:
        if self.can_grow:
            self.rows.append(self._row(len(self.rows) + 1))

    def is_valid(self) -> bool:
        """Every part is judged, so that all refusals are shown at once."""
        parts = [super().is_valid(), *(row.is_valid() for row in self.rows)]
        parts += [policy.is_valid() for policy in self.chosen_policies]
        if all(parts) and not self.lines:
            self.add_error(None, _("Put something into the basket: an article or a category, and what it costs."))
            return False
        return all(parts)

    @property
    def chosen_policies(self) -> list[PolicyForm]:
        return self.policies if self.data.get("compare") else self.policies[:1]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [row.line for row in self.rows if not row.cleaned_data["is_empty"]]

    def clean_at(self) -> datetime.datetime:
        typed = self.cleaned_data["at"]
        if typed is None:
            return self.now
        local = typed.replace(tzinfo=None)
        if not 1970 <= local.year <= 9000:
            raise ValidationError(_("This year is not believable."))
        return instant_of(local, self.zone)

    def clean_shipping(self) -> int:
        typed: str = self.cleaned_data["shipping"]
        return amount_of(typed, self.campaign.currency) if typed.strip() else 0

    def clean_codes(self) -> list[str]:
        found = words_of(self.cleaned_data["codes"])
        if len(found) > MOST_CODES:
            raise ValidationError(_("At most %(n)s codes.") % {"n": MOST_CODES})
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["who"] = data.get("who") or IMAGINED
        if data["who"] == CERTAIN and not (data.get("customer") or "").strip():
            self.add_error("customer", _("Say which customer."))
        store = self.stores.get(data.get("store") or "")
        if store is not None and data.get("channel") and store.channel.key != data["channel"]:
            self.add_error("store", _("This store belongs to another channel."))
        return data

    @property
    def basket(self) -> dict[str, Any]:
        shipping = self.cleaned_data["shipping"]
        return {
            "lines": self.lines,
            "shipping": [{"method": _("shipping"), "amount": shipping}] if shipping else [],
        }


def rows_of(purchase: Purchase, currency: str) -> tuple[list[dict[str, Any]], bool]:
    """A past basket as rows at the prices before discounts, and whether a price had to be rounded to whole pieces."""
    rows, is_rounded = [], False
    for line in purchase.lines.all()[:MOST_ROWS]:
        quantity = max(line.quantity, 1)
        price, rest = divmod(line.paid + line.discount, quantity)
        is_rounded = is_rounded or bool(rest)
        rows.append(
            {
                "sku": line.sku,
                "categories": line.category.replace(",", " "),
                "brand": line.brand,
                "quantity": quantity,
                "price": amount_as_typed(price + (1 if rest * 2 >= quantity else 0), currency),
            }
        )
    return rows, is_rounded

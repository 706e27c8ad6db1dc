"""What an incentive does, as fields: the type first, then only what belongs to it, as JSON of the effect language and back.

Fields are named by paths (``effect-include-skus``); a step of tiers or a part of several effects is an effect of its own
(``effect-parts-0-kind``). An effect that the fields cannot say (amounts in several currencies, say) is not taken apart:
``effect_as_typed`` answers ``None``.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.rules.effects import Allocation
from campaigns.rules.language import effect_of
from customers.rules.faults import Misunderstood

from .typed import amount_as_typed, amount_of, percent_of, words_of

PREFIX = "effect"
MOST_PARTS = 10
PARTS_AT_FIRST = 2
KINDS: list[tuple[str, Any]] = [
    ("percent_off", gettext_lazy("Percent off")),
    ("amount_off", gettext_lazy("Amount off")),
    ("fixed_price", gettext_lazy("Fixed price")),
    ("bundle_price", gettext_lazy("Bundle price")),
    ("buy_get", gettext_lazy("Buy some, get some")),
    ("free_item", gettext_lazy("Gift")),
    ("upgrade", gettext_lazy("Upgrade")),
    ("stored_value", gettext_lazy("Stored value")),
    ("tiers", gettext_lazy("Steps")),
    ("compound", gettext_lazy("Several at once")),
    ("awards_only", gettext_lazy("No discount")),
]
# What may stand inside steps and several effects: nothing that has parts of its own, and no payment.
INSIDE = [choice for choice in KINDS if choice[0] not in {"tiers", "compound", "stored_value", "awards_only"}]
FIELDS_OF_KIND = {
    "percent_off": ("percent", "max_amount"),
    "amount_off": ("amount", "allocation", "max_amount"),
    "fixed_price": ("amount", "max_amount"),
    "bundle_price": ("size", "amount", "repeat", "max_amount"),
    "buy_get": ("buy_quantity", "buy_amount", "get_quantity", "get_percent", "get_amount", "get_pick", "repeat", "max_amount"),
    "free_item": ("sku", "item_name", "quantity", "unit_price"),
    "upgrade": ("sku", "item_name", "unit_price", "max_units"),
    "stored_value": ("available", "rate", "max_amount"),
    "tiers": ("by",),
    "compound": (),
    "awards_only": (),
}
WITH_TARGET = frozenset({"percent_off", "amount_off", "fixed_price", "bundle_price", "tiers"})
FILTERS_OF_KIND = {"buy_get": ("buy", "get"), "upgrade": ("from",)}
PICKS = [
    ("cheapest", gettext_lazy("the cheapest")),
    ("dearest", gettext_lazy("the dearest")),
    ("first", gettext_lazy("as they stand in the basket")),
]


def _text(label: Any, help_text: Any = "", *, length: int = 60, **attributes: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attributes})
    return forms.CharField(label=label, required=False, max_length=length, widget=widget, help_text=help_text)


def _money(label: Any, help_text: Any = "") -> forms.CharField:
    return _text(label, help_text, inputmode="decimal")


def _number(label: Any, help_text: Any = "", *, low: int = 1, high: int = 1_000_000) -> forms.IntegerField:
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    return forms.IntegerField(label=label, required=False, min_value=low, max_value=high, widget=widget, help_text=help_text)


class PartForm(forms.Form):
    """A form over a part of what was typed. Amounts are read in the campaign's currency."""

    def __init__(self, typed: Mapping[str, Any], *, prefix: str, is_bound: bool, currency: str) -> None:
        self.currency = currency
        begins = {name: typed[f"{prefix}-{name}"] for name in self.base_fields if f"{prefix}-{name}" in typed}
        super().__init__(typed if is_bound else None, prefix=prefix, initial=begins)

    def complain(self, name: str, sentence: Any) -> None:
        if name not in self.errors:
            self.add_error(name if name in self.fields else None, sentence)

    def money(self, name: str, missing: Any = None) -> int | None:
        """The amount in minor units. ``missing`` is what is said when nothing was typed; without it the field may be empty."""
        typed = (self.cleaned_data.get(name) or "").strip()
        if not typed:
            if missing is not None:
                self.complain(name, missing)
            return None
        try:
            return amount_of(typed, self.currency)
        except ValidationError as error:
            self.complain(name, error)
            return None


class FilterForm(PartForm):
    """Which goods; ``said`` is the filter in the effect language, ``None`` for any."""

    categories = _text(gettext_lazy("Categories"), length=20_000)
    skus = _text(gettext_lazy("Articles"), length=20_000)
    brands = _text(gettext_lazy("Brands"), length=20_000)
    price_from = _money(gettext_lazy("Priced from"))
    price_to = _money(gettext_lazy("Priced to"))

    @property
    def has_anything(self) -> bool:
        return any(self[name].value() for name in self.fields)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        said: dict[str, Any] = {}
        for name in ("skus", "categories", "brands"):
            words = words_of(data.get(name) or "")
            if any(len(word) > 200 for word in words):
                self.complain(name, _("One of them is longer than 200 characters."))
            if words:
                said[name] = words
            elif (data.get(name) or "").strip():
                self.complain(name, _("Name at least one."))
        low, high = self.money("price_from"), self.money("price_to")
        if low is not None and high is not None and high < low:
            self.complain("price_to", _("No price lies between these: the second is less than the first."))
        price = {name: value for name, value in (("from", low), ("to", high)) if value is not None}
        self.said = {**said, "unit_price": price} if price else said or None
        return data


class TargetForm(PartForm):
    """What is lowered, and which pieces of it."""

    scope = forms.ChoiceField(
        label=gettext_lazy("Taken off"),
        required=False,
        choices=[
            ("order", gettext_lazy("The order as a whole")),
            ("lines", gettext_lazy("Each line by itself")),
            ("shipping", gettext_lazy("The shipping costs")),
        ],
    )
    methods = _text(gettext_lazy("Shipping methods"), gettext_lazy("Empty: any."), length=2000)
    undiscounted_only = forms.BooleanField(label=gettext_lazy("Only what nothing else has lowered"), required=False)
    pick = forms.ChoiceField(label=gettext_lazy("Pieces are looked at"), required=False, choices=PICKS)
    group_size = _number(gettext_lazy("Of every … pieces"), gettext_lazy("For example 3."))
    per_group = _number(gettext_lazy("so many"), gettext_lazy("For example 1."))
    max_groups = _number(gettext_lazy("at most … times"))
    max_per_line = _number(gettext_lazy("At most … of a line"))
    max_per_order = _number(gettext_lazy("At most … of the order"))
    skip = _number(gettext_lazy("Leave out the first …"))
    every = _number(gettext_lazy("Then every …th piece"))

    UNITS = ("group_size", "per_group", "max_groups", "max_per_line", "max_per_order", "skip", "every")

    @property
    def has_units(self) -> bool:
        return any(self[name].value() for name in (*self.UNITS, "undiscounted_only"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self.units = {name: data[name] for name in self.UNITS if data.get(name)}
        if self.units:
            self.units = {"pick": data.get("pick") or "cheapest", **self.units}
        for name in ("per_group", "max_groups"):
            if data.get(name) and not data.get("group_size"):
                self.complain("group_size", _("Say of how many pieces."))
        if data.get("per_group") and data.get("group_size") and data["per_group"] > data["group_size"]:
            self.complain("per_group", _("Not more than there are in a group."))
        if data.get("scope") == "shipping" and (self.units or data.get("undiscounted_only")):
            self.complain("scope", _("Pieces are picked of goods, not of shipping."))
        return data


class TypeForm(PartForm):
    """The type and what belongs to it alone."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What it does"),
        choices=KINDS,
        widget=forms.RadioSelect,
        initial="percent_off",
        error_messages={"required": gettext_lazy("Choose what it does.")},
    )
    percent = _text(gettext_lazy("Percent"), length=20, inputmode="decimal")
    amount = _money(gettext_lazy("Amount"))
    allocation = forms.ChoiceField(
        label=gettext_lazy("The amount is taken off"),
        required=False,
        choices=[
            (Allocation.BY_AMOUNT.value, gettext_lazy("once, shared out by price")),
            (Allocation.BY_QUANTITY.value, gettext_lazy("once, shared out by pieces")),
            (Allocation.EACH_LINE.value, gettext_lazy("on each line")),
            (Allocation.EACH_UNIT.value, gettext_lazy("on every piece")),
        ],
    )
    size = _number(gettext_lazy("Pieces in a bundle"), high=1000)
    buy_quantity = _number(gettext_lazy("Pieces to buy"), high=1000)
    buy_amount = _money(gettext_lazy("or to spend"))
    get_quantity = _number(gettext_lazy("Pieces to get"), high=1000)
    get_percent = _text(gettext_lazy("Percent off"), gettext_lazy("100: free."), length=20, inputmode="decimal")
    get_amount = _money(gettext_lazy("or amount off each"))
    get_pick = forms.ChoiceField(label=gettext_lazy("Which of them"), required=False, choices=PICKS)
    repeat = forms.ChoiceField(
        label=gettext_lazy("How often"),
        required=False,
        choices=[("yes", gettext_lazy("as often as it fits")), ("no", gettext_lazy("once on an order"))],
    )
    sku = _text(gettext_lazy("Article number"), length=200)
    item_name = _text(gettext_lazy("Its name"), gettext_lazy("As it stands on the receipt."), length=200)
    quantity = _number(gettext_lazy("Pieces"), high=1000)
    unit_price = _money(gettext_lazy("Price of one"))
    max_units = _number(gettext_lazy("For at most … pieces"))
    available = _number(gettext_lazy("What is stored"), gettext_lazy("In points, or in the smallest coin."), high=10**13)
    rate = _text(gettext_lazy("Worth of one"), gettext_lazy("In the smallest coin. Empty: 1."), length=20, inputmode="decimal")
    by = forms.ChoiceField(
        label=gettext_lazy("Steps go by"),
        required=False,
        choices=[("spend", gettext_lazy("what is spent")), ("quantity", gettext_lazy("how many pieces"))],
    )
    max_amount = _money(gettext_lazy("At most"), gettext_lazy("The largest discount on one order."))

    def __init__(self, typed: Mapping[str, Any], *, kind: str, is_inside: bool, **kwargs: Any) -> None:
        super().__init__(typed, **kwargs)
        for name in [name for name in self.fields if name != "kind" and name not in FIELDS_OF_KIND.get(kind, ())]:
            del self.fields[name]
        if is_inside:
            self.fields["kind"] = forms.ChoiceField(label=_("What it does"), choices=INSIDE)
        if kind == "fixed_price":
            self.fields["amount"].label = _("New price")
        elif kind == "bundle_price":
            self.fields["amount"].label = _("Price of the bundle")

    def percent_typed(self, name: str, missing: Any) -> str:
        typed = (self.cleaned_data.get(name) or "").strip()
        if not typed:
            self.complain(name, missing)
            return ""
        try:
            return percent_of(typed)
        except ValidationError as error:
            self.complain(name, error)
            return ""


class EffectForm:
    """All parts of one effect. ``effect`` (after ``is_valid``) is what they say in the effect language."""

    def __init__(
        self,
        typed: Mapping[str, Any] | None = None,
        *,
        currency: str,
        prefix: str = PREFIX,
        is_bound: bool = False,
        depth: int = 0,
        doing: str = "",
    ) -> None:
        """``doing`` is a button that was pressed: what was typed is shown again without judging it."""
        typed = typed or {}
        self.prefix, self.depth = prefix, depth
        self.is_bound = is_bound and not doing
        known = [name for name, _label in (INSIDE if depth else KINDS)]
        kind = typed.get(f"{prefix}-kind", "percent_off")
        self.kind = kind if kind in known else "percent_off"
        options: dict[str, Any] = {"is_bound": self.is_bound, "currency": currency}
        self.type = TypeForm(typed, prefix=prefix, kind=self.kind, is_inside=depth > 0, **options)
        self.target = TargetForm(typed, prefix=f"{prefix}-target", **options) if self.kind in WITH_TARGET else None
        if self.target is not None and self.kind == "tiers":
            self.target.fields["scope"].label = _("Counted on")
        self.filters: dict[str, FilterForm] = {}
        names = ("include", "exclude") if self.target else FILTERS_OF_KIND.get(self.kind, ())
        for name in names:
            self.filters[name] = FilterForm(typed, prefix=f"{prefix}-{name}", **options)
        self.parts: list[tuple[StepForm, EffectForm]] = []
        if self.kind in {"tiers", "compound"}:
            for n in range(self._count(typed, doing)):
                here = f"{prefix}-parts-{n}"
                start = StepForm(typed, prefix=here, is_bound=self.is_bound, currency=currency)
                inner = EffectForm(typed, currency=currency, prefix=here, is_bound=is_bound, depth=depth + 1, doing=doing)
                self.parts.append((start, inner))

    def _count(self, typed: Mapping[str, Any], doing: str) -> int:
        given = str(typed.get(f"{self.prefix}-parts", PARTS_AT_FIRST))
        count = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else PARTS_AT_FIRST
        count += {"more": 1, "less": -1}.get(doing, 0)
        return max(1, min(count, MOST_PARTS))

    @property
    def can_grow(self) -> bool:
        return len(self.parts) < MOST_PARTS

    @property
    def forms(self) -> list[PartForm]:
        found = [self.type, *([self.target] if self.target else []), *self.filters.values()]
        for start, inner in self.parts:
            found += [*([start] if self.kind == "tiers" else []), *inner.forms]
        return found

    def has_changed(self) -> bool:
        """Whether anything was typed beyond what the fields begin with."""
        return any(
            str(form.data.get(form.add_prefix(name)) or "").strip()
            for form in self.forms
            for name, found in form.fields.items()
            if not isinstance(found, forms.ChoiceField | forms.BooleanField)
        ) or any(
            isinstance(form, TypeForm) and form.data.get(form.add_prefix("kind"), "percent_off") != "percent_off"
            for form in self.forms[:1]
        )

    def is_valid(self) -> bool:
        valid = all([form.is_valid() for form in self.forms])  # noqa: C419 - every form is judged
        if not valid:
            return False
        self.effect = self._said()
        return not any(form.errors for form in self.forms)

    @property
    def errors(self) -> dict[str, list[str]]:
        """What is wrong, by the name of the field as it is sent."""
        return {form.add_prefix(name): list(map(str, found)) for form in self.forms for name, found in form.errors.items()}

    # --- Saying it ------------------------------------------------------------------------------------------------------

    def _said(self) -> dict[str, Any]:
        data, form = self.type.cleaned_data, self.type
        said: dict[str, Any] = {"type": self.kind}
        match self.kind:
            case "awards_only":
                return {}
            case "percent_off":
                said["percent"] = form.percent_typed("percent", _("Say how many percent."))
            case "amount_off":
                said["amount"] = self._positive("amount", _("Say how much."))
                said["allocation"] = data["allocation"] or Allocation.BY_AMOUNT.value
            case "fixed_price":
                said["amount"] = form.money("amount", _("Say the new price."))
            case "bundle_price":
                said["amount"] = form.money("amount", _("Say what the bundle costs."))
                said["size"] = self._needed("size", _("Say how many pieces make a bundle."))
            case "buy_get":
                said |= self._buy_get()
            case "free_item":
                said["sku"] = self._needed("sku", _("Say which article is added."))
                said |= {"quantity": data["quantity"] or 1, "unit_price": form.money("unit_price", _("Say what it is worth."))}
                said |= {"name": data["item_name"].strip()} if data["item_name"].strip() else {}
            case "upgrade":
                to = {"sku": self._needed("sku", _("Say which article is given instead."))}
                to["unit_price"] = form.money("unit_price", _("Say what it costs."))
                to |= {"name": data["item_name"].strip()} if data["item_name"].strip() else {}
                if not self.filters["from"].said:
                    self.filters["from"].complain("skus", _("Say what is replaced."))
                said |= {"from": self.filters["from"].said, "to": to}
                said |= {"max_units": data["max_units"]} if data["max_units"] else {}
            case "stored_value":
                said["available"] = self._needed("available", _("Say how much is stored."))
                said |= self._rate()
                if (most := form.money("max_amount")) is not None:
                    said["max"] = most
                return said
            case "tiers":
                said |= {"by": data["by"] or "spend", "tiers": self._tiers(data["by"] or "spend")}
            case "compound":
                said["effects"] = [inner._said() for _start, inner in self.parts]
        if data.get("repeat") == "no":
            said["repeat"] = False
        if self.target is not None:
            said["target"] = self._target(self.target)
        if "max_amount" in form.fields and (most := form.money("max_amount")) is not None:
            if most == 0:
                form.complain("max_amount", _("At most 0 would give nothing."))
            said["max_amount"] = most
        return said

    def _needed(self, name: str, missing: Any) -> Any:
        value = self.type.cleaned_data.get(name)
        value = value.strip() if isinstance(value, str) else value
        if not value:
            self.type.complain(name, missing)
        return value

    def _positive(self, name: str, missing: Any) -> int | None:
        amount = self.type.money(name, missing)
        if amount == 0:
            self.type.complain(name, _("A discount of 0 gives nothing."))
        return amount

    def _rate(self) -> dict[str, str]:
        typed = self.type.cleaned_data["rate"].strip()
        if not typed:
            return {}
        try:
            number = Decimal(typed)
        except ArithmeticError:
            number = Decimal(0)
        if not number.is_finite() or number <= 0 or number > 10**6 or number.normalize().as_tuple().exponent < -6:  # type: ignore[operator]
            self.type.complain("rate", _("Type a number above 0, such as 1 or 0.5."))
            return {}
        return {"rate": f"{number.normalize():f}"}

    def _buy_get(self) -> dict[str, Any]:
        data, form = self.type.cleaned_data, self.type
        buy: dict[str, Any] = {}
        spent = form.money("buy_amount")
        quantity, percent = data["buy_quantity"], data["get_percent"].strip()
        if (quantity is None) is (spent is None):
            form.complain(
                "buy_quantity", _("Say how many pieces have to be bought, or how much has to be spent: one of the two.")
            )
        buy |= {"quantity": quantity} if quantity else {"amount": spent}
        if spent == 0:
            form.complain("buy_amount", _("Spending 0 is no condition."))
        get: dict[str, Any] = {"quantity": data["get_quantity"] or 1}
        amount = form.money("get_amount")
        if bool(percent) is (amount is not None):
            form.complain("get_percent", _("Say how many percent are taken off, or how much of each: one of the two."))
        elif amount is not None:
            get["amount"] = amount
        else:
            get["percent"] = form.percent_typed("get_percent", "")
        if (data["get_pick"] or "cheapest") != "cheapest":
            get["pick"] = data["get_pick"]
        for name, part in (("buy", buy), ("get", get)):
            if self.filters[name].said:
                part["filter"] = self.filters[name].said
        return {"buy": buy, "get": get}

    def _tiers(self, by: str) -> list[dict[str, Any]]:
        steps, starts = [], set()
        for start, inner in self.parts:
            begins = start.start(by)
            if begins in starts:
                start.complain("from", _("Another step begins at the same place."))
            starts.add(begins)
            steps.append({"from": begins, "effect": inner._said()})
        return steps

    def _target(self, form: TargetForm) -> dict[str, Any]:
        data = form.cleaned_data
        include, exclude = self.filters["include"].said, self.filters["exclude"].said
        scope = data["scope"] or "order"
        said: dict[str, Any] = {"scope": scope}
        if scope == "shipping":
            if include or exclude:
                form.complain("scope", _("Shipping has no articles, categories, brands or prices: leave them empty."))
            if methods := words_of(data["methods"]):
                said["include"] = {"methods": methods}
            return said
        said |= {name: value for name, value in (("include", include), ("exclude", exclude)) if value}
        if form.units:
            said["units"] = form.units
        if data["undiscounted_only"]:
            said["undiscounted_only"] = True
        return said


class StepForm(PartForm):
    """Where a step of ``tiers`` begins."""

    def start(self, by: str) -> int:
        if by == "spend":
            return self.money("from", _("Say where this step begins.")) or 0
        typed = (self.cleaned_data.get("from") or "").strip()
        if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
            self.complain("from", _("Say where this step begins."))
            return 0
        return int(typed)


# “from” is a word of Python, so the field cannot be declared in the body of the class.
StepForm.base_fields = {"from": _text(gettext_lazy("From"), inputmode="decimal")}
StepForm.declared_fields = StepForm.base_fields


# --- Reading back -------------------------------------------------------------------------------------------------------


def effect_as_typed(effect: Mapping[str, Any], currency: str) -> dict[str, str] | None:
    """The fields that say the same as ``effect``, by their names; ``None`` when they cannot say it."""
    if not effect:
        return {f"{PREFIX}-kind": "awards_only"}
    try:
        meant = effect_of(effect)
        typed = _typed(effect, PREFIX, currency)
    except (Misunderstood, TypeError, ValueError, KeyError, AttributeError):
        return None
    form = EffectForm(typed, currency=currency, is_bound=True)
    if not form.is_valid():
        return None
    try:
        return typed if effect_of(form.effect) == meant else None
    except Misunderstood:
        return None


def _typed(effect: Mapping[str, Any], prefix: str, currency: str) -> dict[str, str]:
    kind = effect["type"]

    def money(value: Any) -> str:
        return "" if value is None else amount_as_typed(value, currency)

    typed: dict[str, Any] = {"kind": kind, "max_amount": money(effect.get("max_amount"))}
    if "repeat" in effect:
        typed["repeat"] = "yes" if effect["repeat"] else "no"
    match kind:
        case "percent_off":
            typed["percent"] = effect["percent"]
        case "amount_off" | "fixed_price":
            typed |= {"amount": money(effect["amount"]), "allocation": effect.get("allocation", "")}
        case "bundle_price":
            typed |= {"amount": money(effect["amount"]), "size": effect["size"]}
        case "buy_get":
            buy, get = effect["buy"], effect["get"]
            typed |= {"buy_quantity": buy.get("quantity"), "buy_amount": money(buy.get("amount"))}
            typed |= {
                "get_quantity": get.get("quantity"),
                "get_percent": get.get("percent"),
                "get_amount": money(get.get("amount")),
            }
            typed["get_pick"] = get.get("pick", "cheapest")
        case "free_item":
            typed |= {"sku": effect["sku"], "item_name": effect.get("name"), "quantity": effect.get("quantity")}
            typed["unit_price"] = money(effect["unit_price"])
        case "upgrade":
            to = effect["to"]
            typed |= {"sku": to["sku"], "item_name": to.get("name"), "unit_price": money(to["unit_price"])}
            typed["max_units"] = effect.get("max_units")
        case "stored_value":
            typed |= {"available": effect["available"], "rate": effect.get("rate"), "max_amount": money(effect.get("max"))}
        case "tiers":
            typed |= {"by": effect.get("by", "spend"), "parts": len(effect["tiers"])}
        case "compound":
            typed["parts"] = len(effect["effects"])
    found = {f"{prefix}-{name}": str(value) for name, value in typed.items() if value not in (None, "")}
    found |= _target_typed(effect.get("target") or {}, prefix, money) if kind in WITH_TARGET else {}
    if kind == "bundle_price" and not effect.get("target"):
        found[f"{prefix}-target-scope"] = "lines"
    for name, saved in (
        ("buy", (effect.get("buy") or {}).get("filter")),
        ("get", (effect.get("get") or {}).get("filter")),
        ("from", effect.get("from")),
    ):
        if name in FILTERS_OF_KIND.get(kind, ()):
            found |= _filter_typed(saved or {}, f"{prefix}-{name}", money)
    for n, tier in enumerate(effect["tiers"] if kind == "tiers" else []):
        start = tier["from"]
        found[f"{prefix}-parts-{n}-from"] = money(start) if effect.get("by", "spend") == "spend" else str(start)
        found |= _typed(tier["effect"], f"{prefix}-parts-{n}", currency)
    for n, part in enumerate(effect["effects"] if kind == "compound" else []):
        found |= _typed(part, f"{prefix}-parts-{n}", currency)
    return found


def _target_typed(target: Mapping[str, Any], prefix: str, money: Any) -> dict[str, str]:
    include = target.get("include") or {}
    found = {f"{prefix}-target-scope": target.get("scope", "order")}
    for name, value in (target.get("units") or {}).items():
        if value:
            found[f"{prefix}-target-{name}"] = str(value)
    if target.get("undiscounted_only"):
        found[f"{prefix}-target-undiscounted_only"] = "on"
    if include.get("methods"):
        found[f"{prefix}-target-methods"] = ", ".join(include["methods"])
    found |= _filter_typed(include, f"{prefix}-include", money)
    return found | _filter_typed(target.get("exclude") or {}, f"{prefix}-exclude", money)


def _filter_typed(saved: Mapping[str, Any], prefix: str, money: Any) -> dict[str, str]:
    found = {f"{prefix}-{name}": ", ".join(saved[name]) for name in ("skus", "categories", "brands") if saved.get(name)}
    price = saved.get("unit_price") or {}
    for name in ("from", "to"):
        if price.get(name) is not None:
            found[f"{prefix}-price_{name}"] = money(price[name])
    return found

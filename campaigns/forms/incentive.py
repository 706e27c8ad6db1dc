"""Second step: what is promised, and under which conditions.

``terms_of`` reads a saved incentive back into the form. What the form has no fields for (an effect on shipping, say, made through
the API) is left as it is: those fields are taken out of the form, and saving keeps the old data.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from campaigns import queries
from campaigns.models import Campaign, Claim, Incentive, Per
from campaigns.rules import codes
from campaigns.rules.effects import Allocation

from .typed import amount_as_typed, amount_of, percent_of, words_of

EFFECT_FIELDS = ("kind", "percent", "amount", "allocation", "scope", "names", "max_amount")
CONDITION_FIELDS = ("minimum_spend", "minimum_quantity", "quantity_category")
LIST_OF_SCOPE = {"categories": "categories", "brands": "brands", "skus": "skus"}
MINIMUM_SPEND = "basket.initial_total"
MINIMUM_QUANTITY = "basket.quantity"
OF_CATEGORY = "basket.category_quantity:"
POINTERS = {
    "/name": "name",
    "/claim": "claim",
    "/code": "code",
    "/effect/percent": "percent",
    "/effect/amount": "amount",
    "/effect/allocation": "allocation",
    "/effect/max_amount": "max_amount",
    "/effect/target": "names",
    "/effect": "kind",
    "/conditions": "minimum_spend",
    "/total_uses": "total_uses",
    "/uses_per_customer": "uses_per_customer",
    "/valid_days": "valid_days",
}


class IncentiveForm(forms.Form):
    """``terms`` is what ``operations.add_incentive`` and ``revise_incentive`` take, but for the stack group and the priority."""

    name = forms.CharField(
        label=_("Name"), max_length=200, help_text=_("As customers see it in their wallet and on the receipt.")
    )
    kind = forms.ChoiceField(
        label=_("What it does"),
        widget=forms.RadioSelect,
        choices=[
            ("percent_off", _("Percent off")),
            ("amount_off", _("Amount off")),
        ],
        initial="percent_off",
        error_messages={"required": _("Choose what it does.")},
    )
    percent = forms.CharField(
        label=_("Percent"), required=False, max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    amount = forms.CharField(
        label=_("Amount"), required=False, max_length=60, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    allocation = forms.ChoiceField(
        label=_("The amount is taken off"),
        required=False,
        choices=[
            (Allocation.BY_AMOUNT.value, _("once, shared out by price")),
            (Allocation.BY_QUANTITY.value, _("once, shared out by pieces")),
            (Allocation.EACH_LINE.value, _("on each line")),
            (Allocation.EACH_UNIT.value, _("on every piece")),
        ],
        initial=Allocation.BY_AMOUNT.value,
    )
    scope = forms.ChoiceField(
        label=_("Taken off"),
        widget=forms.RadioSelect,
        choices=[
            ("order", _("The whole order")),
            ("lines", _("Every line by itself")),
            ("categories", _("Articles of categories")),
            ("brands", _("Articles of brands")),
            ("skus", _("Certain articles")),
        ],
        initial="order",
    )
    names = forms.CharField(
        label=_("Which ones"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("Categories, brands or article numbers exactly as the shop names them, with commas between."),
    )
    max_amount = forms.CharField(
        label=_("At most"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text=_("The largest discount on one order."),
    )
    claim = forms.ChoiceField(
        label=_("What a customer shows"),
        widget=forms.RadioSelect,
        choices=[
            (Claim.AUTOMATIC.value, _("Nothing")),
            (Claim.CODE.value, _("A code everybody knows")),
            (Claim.GRANT.value, _("Their own wallet")),
        ],
        initial=Claim.AUTOMATIC.value,
    )
    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("3 to 40 letters or digits. Capitals, spaces and dashes make no difference when it is typed."),
    )
    valid_days = forms.IntegerField(
        label=_("Days in the wallet"), required=False, min_value=1, max_value=3660, help_text=_("Empty: until the campaign ends.")
    )
    minimum_spend = forms.CharField(
        label=_("Smallest order"), required=False, max_length=60, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    minimum_quantity = forms.IntegerField(label=_("Fewest pieces"), required=False, min_value=1, max_value=1_000_000)
    quantity_category = forms.CharField(
        label=_("of the category"), required=False, max_length=100, help_text=_("Empty: any articles.")
    )
    total_uses = forms.IntegerField(
        label=_("Uses in total"), required=False, min_value=1, max_value=10**12, help_text=_("Empty: no bound.")
    )
    uses_per_customer = forms.IntegerField(
        label=_("Uses per customer"), required=False, min_value=1, max_value=10**12, help_text=_("Empty: no bound.")
    )

    def __init__(self, *args: Any, campaign: Campaign, incentive: Incentive | None = None, **kwargs: Any) -> None:
        self.campaign, self.incentive = campaign, incentive
        effect, conditions = (incentive.effect, incentive.conditions) if incentive else (None, None)
        self.keeps_effect = effect is not None and effect_as_typed(effect, campaign.currency) is None
        self.keeps_conditions = conditions_as_typed(conditions, campaign.currency) is None
        if incentive is not None:
            kwargs["initial"] = {**terms_of(incentive), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        for kept, names in ((self.keeps_effect, EFFECT_FIELDS), (self.keeps_conditions, CONDITION_FIELDS)):
            for name in names if kept else ():
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.keeps_effect:
            self._clean_effect(data)
        if not self.keeps_conditions:
            data["minimum_spend"] = self._amount("minimum_spend")
            if data.get("quantity_category") and not data.get("minimum_quantity"):
                self._complain("minimum_quantity", _("Say how many pieces of the category."))
        if data.get("claim") != Claim.CODE:
            data["code"] = ""
        elif data.get("code") and not codes.GENERIC.fullmatch(codes.normalise(data["code"])):
            # A draft may wait for its code, and the launch asks for it; but a code that could never be one is said now.
            self._complain("code", _("A code has 3 to 40 letters, digits or underscores."))
        if data.get("claim") != Claim.GRANT:
            data["valid_days"] = None
        return data

    def _clean_effect(self, data: dict[str, Any]) -> None:
        kind, scope = data.get("kind"), data.get("scope")
        if kind == "percent_off":
            data["percent"] = self._percent()
        elif kind == "amount_off":
            if not data.get("amount"):
                self._complain("amount", _("Say how much."))
            data["amount"] = self._amount("amount")
            if data["amount"] == 0:
                self._complain("amount", _("A discount of 0 gives nothing."))
        data["max_amount"] = self._amount("max_amount")
        if data["max_amount"] == 0:
            self._complain("max_amount", _("At most 0 would give nothing."))
        names = data["names"] = words_of(data.get("names") or "")
        if scope in LIST_OF_SCOPE and not names:
            self._complain("names", _("Name at least one."))
        if any(len(name) > 200 for name in names):
            self._complain("names", _("One of them is longer than 200 characters."))

    def _complain(self, name: str, sentence: Any) -> None:
        if name not in self.errors:
            self.add_error(name, sentence)

    def _percent(self) -> str:
        typed = self.cleaned_data.get("percent")
        if not typed:
            self._complain("percent", _("Say how many percent."))
            return ""
        try:
            return percent_of(typed)
        except ValidationError as error:
            self.add_error("percent", error)
            return ""

    def _amount(self, name: str) -> int | None:
        typed = self.cleaned_data.get(name)
        if not typed:
            return None
        try:
            return amount_of(typed, self.campaign.currency)
        except ValidationError as error:
            self.add_error(name, error)
            return None

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "name": data["name"].strip(),
            "effect": self.incentive.effect if self.keeps_effect and self.incentive else self._effect(),
            "conditions": self.incentive.conditions if self.keeps_conditions and self.incentive else self._conditions(),
            "claim": data["claim"],
            "code": data["code"],
            "valid_days": data["valid_days"],
            "total_uses": data["total_uses"],
            "uses_per_customer": data["uses_per_customer"],
        }

    def _effect(self) -> dict[str, Any]:
        data, scope = self.cleaned_data, self.cleaned_data["scope"]
        target: dict[str, Any] = {"scope": "order" if scope == "order" else "lines"}
        if scope in LIST_OF_SCOPE:
            target["include"] = {LIST_OF_SCOPE[scope]: data["names"]}
        effect: dict[str, Any] = {"type": data["kind"]}
        if data["kind"] == "percent_off":
            effect["percent"] = data["percent"]
        else:
            effect |= {"amount": data["amount"], "allocation": data["allocation"] or Allocation.BY_AMOUNT.value}
        effect["target"] = target
        if data["max_amount"] is not None:
            effect["max_amount"] = data["max_amount"]
        return effect

    def _conditions(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        leaves = []
        if data["minimum_spend"]:
            leaves.append({"fact": MINIMUM_SPEND, "op": ">=", "value": data["minimum_spend"]})
        if data["minimum_quantity"]:
            category = data["quantity_category"].strip()
            fact = OF_CATEGORY + category if category else MINIMUM_QUANTITY
            leaves.append({"fact": fact, "op": ">=", "value": data["minimum_quantity"]})
        return {"all": leaves} if leaves else None


def key_for(campaign: Campaign, name: str) -> str:
    """A key that the campaign does not use yet, made from the incentive's name."""
    taken = set(campaign.incentives.values_list("key", flat=True))
    stem = slugify(name)[:56] or "incentive"
    return next(key for n in range(1, len(taken) + 2) if (key := stem if n == 1 else f"{stem}-{n}") not in taken)


# --- Reading back -------------------------------------------------------------------------------------------------------


def terms_of(incentive: Incentive) -> dict[str, Any]:
    """The incentive as the form shows it; parts it has no fields for are left out."""
    currency = incentive.campaign.currency
    return {
        "name": incentive.name,
        "claim": incentive.claim,
        "code": queries.generic_code(incentive),
        "valid_days": incentive.valid_days,
        **limits_as_terms(incentive),
        **(effect_as_typed(incentive.effect, currency) or {}),
        **(conditions_as_typed(incentive.conditions, currency) or {}),
    }


def limits_as_terms(incentive: Incentive) -> dict[str, int | None]:
    """How often the incentive may be used, by the names the operations give it."""
    limits = {limit.per: limit.maximum for limit in queries.limits_of(incentive)}
    return {"total_uses": limits.get(Per.TOTAL), "uses_per_customer": limits.get(Per.CUSTOMER)}


def effect_as_typed(effect: Mapping[str, Any], currency: str) -> dict[str, Any] | None:
    """The fields of the form that say the same as ``effect``; ``None`` when they cannot."""
    target = effect.get("target") or {"scope": "order"}
    include = target.get("include") or {}
    scope = target.get("scope", "order")
    if effect.get("type") not in {"percent_off", "amount_off"} or set(target) - {"scope", "include"}:
        return None
    if scope not in {"order", "lines"} or (scope == "order" and include):
        return None
    names: list[str] = []
    if include:
        (kind, names), *others = include.items()
        # Names with a comma or at odds with how they are typed would not come back as they are.
        if others or kind not in LIST_OF_SCOPE.values() or words_of(", ".join(names)) != list(names):
            return None
        scope = kind
    typed = {
        "kind": effect["type"],
        "percent": effect.get("percent", ""),
        "amount": amount_as_typed(effect.get("amount"), currency),
        "allocation": effect.get("allocation", Allocation.BY_AMOUNT.value),
        "scope": scope,
        "names": ", ".join(names),
    }
    return {**typed, "max_amount": amount_as_typed(effect.get("max_amount"), currency)}


def conditions_as_typed(conditions: Mapping[str, Any] | None, currency: str) -> dict[str, Any] | None:
    """The fields of the form that say the same as ``conditions``; ``None`` when they cannot."""
    if conditions is None:
        return {}
    if set(conditions) != {"all"}:
        return None
    typed: dict[str, Any] = {}
    for leaf in conditions["all"]:
        fact, value = leaf.get("fact", ""), leaf.get("value")
        if leaf.get("op") != ">=" or not isinstance(value, int):
            return None
        if fact == MINIMUM_SPEND and "minimum_spend" not in typed:
            typed["minimum_spend"] = amount_as_typed(value, currency)
        elif (fact == MINIMUM_QUANTITY or fact.startswith(OF_CATEGORY)) and "minimum_quantity" not in typed:
            typed |= {"minimum_quantity": value, "quantity_category": fact.partition(":")[2]}
        else:
            return None
    return typed

"""Second step: what is promised, and under which conditions.

The effect and the conditions are built by forms of their own. What those have no fields for (made through the API) is shown in
words and left as it is: saving keeps the old data.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from campaigns import operations, queries
from campaigns.models import WHEN_SHORT, Campaign, Claim, Incentive, Measure
from campaigns.rules import codes
from campaigns.rules.candidates import OnShort
from campaigns.rules.language import conditions_of, effect_of
from customers.rules.faults import Misunderstood
from incentives_site.shared.problems import Invalid, Problem

from .awards import AwardsForm, are_the_same, awards_as_typed
from .conditions import ConditionsForm
from .effects import EffectForm, effect_as_typed
from .placing import place_errors
from .sentences import SentencesForm, sentences_as_typed
from .typed import amount_as_typed, amount_of

POINTERS = {
    "/name": "name",
    "/claim": "claim",
    "/code": "code",
    "/total_uses": "total_uses",
    "/uses_per_customer": "uses_per_customer",
    "/uses_per_customer_day": "uses_per_customer_day",
    "/uses_per_customer_week": "uses_per_customer_week",
    "/uses_per_customer_month": "uses_per_customer_month",
    "/uses_per_store": "uses_per_store",
    "/total_units": "total_units",
    "/units_per_customer": "units_per_customer",
    "/total_discount": "total_discount",
    "/discount_per_customer": "discount_per_customer",
    "/total_order_value": "total_order_value",
    "/order_value_per_customer": "order_value_per_customer",
    "/total_points": "total_points",
    "/points_per_customer": "points_per_customer",
    "/when_short": "when_short",
    "/valid_days": "valid_days",
}


LIMITS = (*(name for name, _measure, _per in operations.LIMITS), "when_short")
# Those that are typed as amounts of the campaign's currency.
AMOUNTS = tuple(name for name, measure, _per in operations.LIMITS if measure in {Measure.DISCOUNT, Measure.ORDER_VALUE})
# Those few people need, shown when one of them is used or asked for.
RARE = (*AMOUNTS, "total_points", "points_per_customer")


def _bound(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=10**12, help_text=_("Empty: no bound."))


def _bound_amount(label: Any, help_text: Any = "") -> forms.CharField:
    typed = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    said = help_text or _("Empty: no bound.")
    return forms.CharField(label=label, required=False, max_length=60, widget=typed, help_text=said)


class IncentiveForm(forms.Form):
    """``terms`` is what ``operations.add_incentive`` and ``revise_incentive`` take, but for the stack group and the priority."""

    name = forms.CharField(
        label=_("Name"), max_length=200, help_text=_("As customers see it in their wallet and on the receipt.")
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
    total_uses = _bound(_("Uses in total"))
    uses_per_customer = _bound(_("Uses per customer"))
    uses_per_customer_day = _bound(_("… each day"))
    uses_per_customer_week = _bound(_("… each week"))
    uses_per_customer_month = _bound(_("… each month"))
    uses_per_store = _bound(_("Uses per store"))
    total_units = forms.IntegerField(
        label=_("Pieces in total"),
        required=False,
        min_value=1,
        max_value=10**12,
        help_text=_("That are lowered. Empty: no bound."),
    )
    units_per_customer = _bound(_("Pieces per customer"))
    total_discount = _bound_amount(_("Discount in total"))
    discount_per_customer = _bound_amount(_("Discount per customer"))
    total_order_value = _bound_amount(
        _("Value of orders in total"), _("What their goods cost before discounts, without shipping. Empty: no bound.")
    )
    order_value_per_customer = _bound_amount(_("Value of orders per customer"))
    total_points = _bound(_("Points in total"))
    points_per_customer = _bound(_("Points per customer"))
    when_short = forms.ChoiceField(
        label=_("When less is left than it would give"), required=False, choices=WHEN_SHORT, initial=OnShort.REFUSE.value
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        campaign: Campaign,
        incentive: Incentive | None = None,
        effect_doing: str = "",
        conditions_doing: str = "",
        awards_doing: str = "",
        sentences_doing: str = "",
    ) -> None:
        """``…_doing`` are buttons that change a builder: nothing is judged then."""
        self.campaign, self.incentive = campaign, incentive
        is_shown_again = bool(effect_doing or conditions_doing or awards_doing or sentences_doing)
        again = "update" if is_shown_again else ""
        saved = incentive.effect if incentive else None
        typed = effect_as_typed(saved, campaign.currency) if saved is not None else {}
        self.keeps_effect = typed is None
        self.effect = EffectForm(
            data if data is not None else typed,
            currency=campaign.currency,
            is_bound=data is not None,
            doing=effect_doing or again,
        )
        given = awards_as_typed(incentive.awards, campaign) if incentive else {}
        self.keeps_awards = given is None
        self.awards = AwardsForm(
            data if data is not None else given or {},
            campaign=campaign,
            incentive=incentive,
            is_bound=data is not None,
            doing=awards_doing or again,
        )
        self.sentences = SentencesForm(
            data if data is not None else sentences_as_typed(incentive.sentences if incentive else {}),
            is_bound=data is not None,
            doing=sentences_doing or again,
        )
        self.sentences.is_open = bool(sentences_doing)
        self.conditions = ConditionsForm(
            data,
            condition=incentive.conditions if incentive else None,
            currency=campaign.currency,
            doing=conditions_doing or again,
        )
        self.keeps_conditions = not self.conditions.can_say_saved
        begins = terms_of(incentive) if incentive is not None else {}
        begins |= {name: amount_as_typed(begins[name], campaign.currency) for name in AMOUNTS if name in begins}
        if is_shown_again and data is not None:
            begins = {**begins, **{name: data[name] for name in self.base_fields if name in data}}
        super().__init__(None if is_shown_again else data, initial=begins)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("claim") != Claim.CODE:
            data["code"] = ""
        elif data.get("code") and not codes.GENERIC.fullmatch(codes.normalise(data["code"])):
            # A draft may wait for its code, and the launch asks for it; but a code that could never be one is said now.
            self.add_error("code", _("A code has 3 to 40 letters, digits or underscores."))
        if data.get("claim") != Claim.GRANT:
            data["valid_days"] = None
        for name in AMOUNTS:
            data[name] = self._amount(name, data.get(name) or "")
        return data

    def _amount(self, name: str, typed: str) -> int | None:
        if not typed:
            return None
        try:
            amount = amount_of(typed, self.campaign.currency)
        except ValidationError as error:
            self.add_error(name, error)
            return None
        if not amount:
            self.add_error(name, _("A bound is more than nothing. Leave it empty for none."))
        return amount

    @property
    def has_rare_limits(self) -> bool:
        return any(self[name].value() or self[name].errors for name in RARE)

    def is_valid(self) -> bool:
        """Every part is judged, so that all refusals are shown at once."""
        parts = [super().is_valid()]
        parts += [] if self.keeps_effect else [self.effect.is_valid()]
        parts += [] if self.keeps_conditions else [self.conditions.is_valid()]
        parts += [] if self.keeps_awards else [self.awards.is_valid()]
        parts.append(self.sentences.is_valid())
        if all(parts) and not self.keeps_effect and not self.effect.effect and not self.built_awards:
            self.awards.rows[0].complain("kind", _("Without a discount it has to give something else."))
            return False
        return all(parts)

    @property
    def built_awards(self) -> list[dict[str, Any]]:
        """The awards as they would be saved; what means the same as before stays as it was written."""
        saved = self.incentive.awards if self.incentive else []
        if self.keeps_awards or are_the_same(self.awards.awards, saved):
            return list(saved)
        return self.awards.awards

    def place(self, problem: Problem) -> None:
        """What an operation refused, each beside the field it belongs to."""
        left = []
        for error in problem.errors:
            placed = self.awards.place(error.pointer, str(error.detail)) or self.sentences.place(error.pointer, str(error.detail))
            left += [] if placed else [error]
        if left or not problem.errors:
            place_errors(self, Invalid(problem.detail, errors=left), POINTERS)

    @property
    def is_refused(self) -> bool:
        return self.is_bound and bool(
            self.errors or self.effect_errors or self.conditions.errors or self.awards.errors or self.sentences.errors
        )

    @property
    def effect_errors(self) -> dict[str, list[str]]:
        return {} if self.keeps_effect else self.effect.errors

    def has_changed(self) -> bool:
        """Whether anything was typed: what merely stands in the fields at the beginning does not count."""
        said = any(row.row.fact or row.row.value for row in self.conditions.rows)
        has_rows = self.awards.has_anything or self.sentences.has_anything
        return said or has_rows or self.effect.has_changed() or super().has_changed()

    @property
    def built(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Effect and conditions as they would be saved; what means the same as before stays as it was written."""
        saved = self.incentive
        if saved is None:
            return self.effect.effect, self.conditions.condition
        effect, conditions = saved.effect, saved.conditions
        if not self.keeps_effect and not _same_effect(self.effect.effect, effect):
            effect = self.effect.effect
        if not self.keeps_conditions and conditions_of(self.conditions.condition) != conditions_of(conditions):
            conditions = self.conditions.condition
        return effect, conditions

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        effect, conditions = self.built
        return {
            "name": data["name"].strip(),
            "effect": effect,
            "awards": self.built_awards,
            "conditions": conditions,
            "sentences": self.sentences.sentences,
            "claim": data["claim"],
            "code": data["code"],
            "valid_days": data["valid_days"],
            **{name: data[name] for name in LIMITS if name != "when_short"},
            "when_short": data["when_short"] or OnShort.REFUSE.value,
        }


def _same_effect(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    try:
        return bool(effect_of(one) == effect_of(other))
    except Misunderstood:
        return False


def key_for(campaign: Campaign, name: str) -> str:
    """A key that the campaign does not use yet, made from the incentive's name."""
    taken = set(campaign.incentives.values_list("key", flat=True))
    stem = slugify(name)[:56] or "incentive"
    return next(key for n in range(1, len(taken) + 2) if (key := stem if n == 1 else f"{stem}-{n}") not in taken)


# --- Reading back -------------------------------------------------------------------------------------------------------


def terms_of(incentive: Incentive) -> dict[str, Any]:
    """The incentive as the form shows it, without what the builders show."""
    saved = operations.terms_of(incentive)
    return {
        "name": incentive.name,
        "claim": incentive.claim,
        "code": queries.generic_code(incentive),
        "valid_days": incentive.valid_days,
        **{name: saved[name] for name in LIMITS},  # type: ignore[literal-required]
    }

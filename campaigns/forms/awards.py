"""What an incentive gives beside the price, as rows of fields: the kind first, then only what belongs to it.

Fields are named ``award-<row>-<field>``. Buttons add and take away rows on the server. Awards that the fields cannot say (amounts
in several currencies, made through the API) are not taken apart: ``awards_as_typed`` answers ``None``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import queries
from campaigns.models import Campaign, Incentive
from campaigns.rules.awards import Rounding
from campaigns.rules.expiry import RoundUp
from campaigns.rules.facts import BASKET_FACTS
from campaigns.rules.language import MOST_AWARDS, Reader, read_awards
from campaigns.wording.promises import fact_in_words
from customers import queries as customer_queries
from customers.rules.conditions import FactType

from .effects import PartForm, _money, _number, _text
from .typed import amount_as_typed, percent_of

PREFIX = "award"
MOST_FACTS = 200
KINDS: list[tuple[str, Any]] = [
    ("", gettext_lazy("nothing")),
    ("points", gettext_lazy("Points")),
    ("credit", gettext_lazy("Credit")),
    ("contest_entry", gettext_lazy("Entries to a contest")),
    ("access", gettext_lazy("Access to something exclusive")),
    ("grant", gettext_lazy("Another incentive for the wallet")),
]
VALIDITY = ("valid_months", "until_end_of")
FIELDS_OF_KIND = {
    "points": ("points", "per", "rounding", "multiplier", *VALIDITY),
    "credit": ("credit", "percent", *VALIDITY),
    "contest_entry": ("contest", "entries"),
    "access": ("to",),
    "grant": ("incentive",),
}
# The fields of the language by ours, where an error of the one belongs to the other.
FIELD_OF_POINTER = {
    "type": "kind", "points": "points", "per": "per", "rounding": "rounding", "multiplier_fact": "multiplier", "amount": "credit",
    "percent": "percent", "contest": "contest", "entries": "entries", "key": "to", "incentive": "incentive",
    "valid_months": "valid_months", "round_up_to_end_of": "until_end_of",
}  # fmt: skip


class AwardForm(PartForm):
    """One award; ``said`` (after ``is_valid``) is it in the language, ``None`` for an empty row."""

    kind = forms.ChoiceField(label=gettext_lazy("It gives"), required=False, choices=KINDS)
    points = _number(gettext_lazy("Points"), high=1_000_000)
    per = _money(gettext_lazy("For every"), gettext_lazy("Of what is paid. Empty: once on an order."))
    rounding = forms.ChoiceField(
        label=gettext_lazy("Parts of it are"),
        required=False,
        choices=[
            (Rounding.DOWN.value, gettext_lazy("left out")),
            (Rounding.HALF_UP.value, gettext_lazy("rounded")),
            (Rounding.UP.value, gettext_lazy("rounded up")),
        ],
    )
    multiplier = forms.ChoiceField(label=gettext_lazy("Multiplied by"), required=False)
    credit = _money(gettext_lazy("Amount"))
    percent = _text(gettext_lazy("or percent of what is paid"), length=20, inputmode="decimal")
    valid_months = _number(gettext_lazy("Months it can be used"), gettext_lazy("Empty: without an end."), high=1200)
    until_end_of = forms.ChoiceField(
        label=gettext_lazy("Then on to the end of"),
        required=False,
        choices=[
            ("", gettext_lazy("that day")),
            (RoundUp.MONTH.value, gettext_lazy("the month")),
            (RoundUp.QUARTER.value, gettext_lazy("the quarter")),
            (RoundUp.HALF_YEAR.value, gettext_lazy("the half year")),
            (RoundUp.YEAR.value, gettext_lazy("the year")),
        ],
    )
    contest = _text(gettext_lazy("Contest"), length=200)
    entries = _number(gettext_lazy("Entries"), high=1000)
    to = _text(gettext_lazy("Access to"), gettext_lazy("The name under which a shop or an event knows it."), length=200)
    incentive = forms.ChoiceField(
        label=gettext_lazy("Incentive"),
        required=False,
        help_text=gettext_lazy("Those that are kept in wallets."),
    )

    def __init__(self, typed: Mapping[str, Any], *, number: int, choices: Mapping[str, list[Any]], **kwargs: Any) -> None:
        super().__init__(typed, **kwargs)
        self.number = number
        chosen = typed.get(self.add_prefix("kind"), "")
        self.chosen_kind = chosen if chosen in FIELDS_OF_KIND else ""
        for name in [name for name in self.fields if name != "kind" and name not in FIELDS_OF_KIND.get(self.chosen_kind, ())]:
            del self.fields[name]
        for name, offered in choices.items():
            if name in self.fields:
                self.fields[name].choices = offered  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self.said: dict[str, Any] | None = None
        match self.chosen_kind:
            case "points":
                self.said = {"type": "points", "points": self._needed("points", _("Say how many points."))}
                if (per := self.money("per")) is not None:
                    self.said["per"] = per
                    if per == 0:
                        self.complain("per", _("More than 0, or empty: once on an order."))
                if (data.get("rounding") or Rounding.DOWN.value) != Rounding.DOWN.value:
                    self.said["rounding"] = data["rounding"]
                if data.get("multiplier"):
                    self.said["multiplier_fact"] = data["multiplier"]
                self.said |= self._validity(data)
            case "credit":
                self.said = {"type": "credit", **self._credit(data), **self._validity(data)}
            case "contest_entry":
                self.said = {"type": "contest_entry", "contest": self._needed("contest", _("Say which contest."))}
                self.said["entries"] = data.get("entries") or 1
            case "access":
                self.said = {"type": "access", "key": self._needed("to", _("Say what it gives access to."))}
            case "grant":
                self.said = {"type": "grant", "incentive": self._needed("incentive", _("Choose an incentive."))}
        return data

    def _needed(self, name: str, missing: Any) -> Any:
        value = self.cleaned_data.get(name)
        value = value.strip() if isinstance(value, str) else value
        if not value:
            self.complain(name, missing)
        return value

    def _credit(self, data: Mapping[str, Any]) -> dict[str, Any]:
        typed, amount = (data.get("percent") or "").strip(), self.money("credit")
        if bool(typed) is (amount is not None):
            self.complain("credit", _("Say how much credit: an amount, or a percentage of what is paid."))
        elif amount is not None:
            return {"amount": amount}
        try:
            return {"percent": percent_of(typed)} if typed else {}
        except ValidationError as error:
            self.complain("percent", error)
            return {}

    def _validity(self, data: Mapping[str, Any]) -> dict[str, Any]:
        months, period = data.get("valid_months"), data.get("until_end_of")
        if period and not months:
            self.complain("valid_months", _("Say after how many months."))
        said = {"valid_months": months, "round_up_to_end_of": period}
        return {name: value for name, value in said.items() if value}


class AwardsForm:
    """All rows. ``awards`` (after ``is_valid``) is what they say in the language."""

    def __init__(
        self,
        typed: Mapping[str, Any],
        *,
        campaign: Campaign,
        incentive: Incentive | None,
        is_bound: bool = False,
        doing: str = "",
    ) -> None:
        """``doing`` is a button that was pressed: what was typed is shown again without judging it."""
        self.is_bound = is_bound and not doing
        count = _count(typed)
        rows = [n for n in range(count) if doing != f"remove:{n}"]
        if doing == "more" and count < MOST_AWARDS:
            rows.append(count)
        # Rows are numbered anew, so that the fields of one that was taken away are not found again.
        shown = {
            f"{PREFIX}-{place}-{name}": typed[f"{PREFIX}-{n}-{name}"]
            for place, n in enumerate(rows)
            for name in AwardForm.base_fields
            if f"{PREFIX}-{n}-{name}" in typed
        }
        choices = _choices(campaign, incentive, shown)
        self.rows = [
            AwardForm(
                shown,
                number=place + 1,
                choices=choices,
                prefix=f"{PREFIX}-{place}",
                is_bound=self.is_bound,
                currency=campaign.currency,
            )
            for place in range(max(1, len(rows)))
        ]

    @property
    def can_grow(self) -> bool:
        return len(self.rows) < MOST_AWARDS

    @property
    def has_anything(self) -> bool:
        return any(row.chosen_kind for row in self.rows)

    def is_valid(self) -> bool:
        if not all([row.is_valid() for row in self.rows]):  # noqa: C419 - every row is judged
            return False
        self.given = [(row, row.said) for row in self.rows if row.said is not None]
        self.awards = [said for _row, said in self.given]
        return not any(row.errors for row in self.rows)

    @property
    def errors(self) -> dict[str, list[str]]:
        """What is wrong, by the name of the field as it is sent."""
        return {row.add_prefix(name): list(map(str, found)) for row in self.rows for name, found in row.errors.items()}

    def place(self, pointer: str, sentence: str) -> bool:
        """Put what an operation refused beside its field; whether there is one."""
        position, _slash, rest = pointer.removeprefix("/awards/").partition("/")
        given = getattr(self, "given", [])
        if not pointer.startswith("/awards/") or not position.isdigit() or int(position) >= len(given):
            return False
        field = FIELD_OF_POINTER.get(rest.partition("/")[0], "kind")
        given[int(position)][0].complain(field, sentence)
        return True


def _count(typed: Mapping[str, Any]) -> int:
    given = str(typed.get(f"{PREFIX}-n", 1))
    count = int(given) if given.isascii() and given.isdigit() and len(given) < 3 else 1
    return min(count, MOST_AWARDS)


def _choices(campaign: Campaign, incentive: Incentive | None, typed: Mapping[str, Any]) -> dict[str, list[Any]]:
    facts = [name for name in BASKET_FACTS.names if BASKET_FACTS.type_of(name) is FactType.NUMBER]
    facts += [f"customer.{name}" for name in sorted(customer_queries.numeric_facts())[:MOST_FACTS]]
    facts += [value for name, value in typed.items() if name.endswith("-multiplier") and value and value not in facts]
    chosen = {str(value) for name, value in typed.items() if name.endswith("-incentive")}
    offered: list[Any] = [("", _("choose …"))]
    for row in queries.givable(campaign, chosen, but=incentive):
        offered.append((str(row.public_id), row.name if row.campaign_id == campaign.pk else f"{row.name} ({row.campaign.name})"))
    return {"multiplier": [("", _("nothing")), *((fact, fact_in_words(fact)) for fact in facts)], "incentive": offered}


# --- Reading back -------------------------------------------------------------------------------------------------------


def awards_as_typed(awards: Sequence[Mapping[str, Any]], campaign: Campaign) -> dict[str, str] | None:
    """The fields that say the same as ``awards``, by their names; ``None`` when they cannot say it."""
    typed: dict[str, str] = {f"{PREFIX}-n": str(max(1, len(awards)))}
    try:
        for n, award in enumerate(awards):
            found = {ours: award.get(theirs) for theirs, ours in FIELD_OF_POINTER.items()}
            found["per"] = amount_as_typed(award.get("per"), campaign.currency)
            found["credit"] = amount_as_typed(award.get("amount"), campaign.currency)
            typed |= {f"{PREFIX}-{n}-{name}": str(value) for name, value in found.items() if value not in (None, "")}
    except (TypeError, ValueError, AttributeError, ArithmeticError):
        return None
    form = AwardsForm(typed, campaign=campaign, incentive=None, is_bound=True)
    return typed if form.is_valid() and are_the_same(form.awards, awards) else None


def are_the_same(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    reader = Reader()
    return read_awards(list(one), reader=reader) == read_awards(list(other), reader=reader) and not reader.faults

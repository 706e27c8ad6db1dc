"""First step: what the campaign is for, when, and how much it may cost."""

import datetime
import zoneinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from campaigns.models import WHEN_SHORT, Campaign, Goal
from campaigns.rules.candidates import OnShort
from incentives_site.shared.money import CURRENCIES

from .typed import amount_as_typed, amount_of, instant_of

LOCAL = "%Y-%m-%dT%H:%M"
POINTERS = {
    "/name": "name",
    "/promise": "promise",
    "/goal": "goal",
    "/currency": "currency",
    "/time_zone": "time_zone",
    "/starts_at": "starts",
    "/ends_at": "ends",
    "/budget": "budget",
    "/when_short": "when_short",
}


class GoalForm(forms.Form):
    """``fields_of_campaign`` and ``minor_budget`` are what the operations take."""

    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("For you and your colleagues; customers do not see it."))
    promise = forms.CharField(
        label=_("Promise"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What customers are told, in a sentence or two."),
    )
    goal = forms.ChoiceField(
        label=_("Goal"), choices=Goal.choices, widget=forms.RadioSelect, error_messages={"required": _("Choose a goal.")}
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in sorted(CURRENCIES)])
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Begin, end and days are counted there, such as Europe/Rome."),
    )
    starts = forms.DateTimeField(
        label=_("Starts"),
        required=False,
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        help_text=_("Empty: as soon as it is launched."),
    )
    ends = forms.DateTimeField(
        label=_("Ends"),
        required=False,
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        help_text=_("Empty: when somebody ends it."),
    )
    budget = forms.CharField(
        label=_("Budget"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("The most it may give away in discounts. Empty: no bound."),
    )
    when_short = forms.ChoiceField(
        label=_("When less is left of the budget than wanted"),
        required=False,
        choices=WHEN_SHORT,
        initial=OnShort.REFUSE.value,
    )

    def __init__(self, *args: Any, saved: Campaign | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.saved = saved

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"].strip()
        if zone not in zoneinfo.available_timezones():
            raise ValidationError(_("This is not a time zone. Choose one from the list, such as Europe/Rome."))
        return zone

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if zone := data.get("time_zone"):
            for name in ("starts", "ends"):
                if data.get(name) is not None:
                    self._read_instant(name, zoneinfo.ZoneInfo(zone))
            starts, ends = data.get("starts"), data.get("ends")
            if starts and ends and ends <= starts and not self.errors:
                self.add_error("ends", _("It must end after it starts."))
        if data.get("budget") and data.get("currency"):
            try:
                data["budget"] = amount_of(data["budget"], data["currency"])
                if data["budget"] == 0:
                    self.add_error("budget", _("A budget is more than nothing. Leave it empty for no bound."))
            except ValidationError as error:
                self.add_error("budget", error)
        return data

    def _read_instant(self, name: str, zone: zoneinfo.ZoneInfo) -> None:
        # Django has read the typed time as UTC; what was meant is the wall clock of the campaign's zone.
        local = self.cleaned_data[name].replace(tzinfo=None)
        try:
            if not 1970 <= local.year <= 9000:
                raise ValidationError(_("This year is not believable."))
            self.cleaned_data[name] = self._saved_instant(name, local, zone) or instant_of(local, zone)
        except ValidationError as error:
            self.add_error(name, error)

    def _saved_instant(self, name: str, local: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime | None:
        """The campaign's own instant when nobody changed it: the form shows minutes, but a launch is to the microsecond."""
        instant: datetime.datetime | None = getattr(self.saved, f"{name}_at", None)
        if instant is None or instant.astimezone(zone).strftime(LOCAL) != local.strftime(LOCAL):
            return None
        return instant

    @property
    def fields_of_campaign(self) -> dict[str, Any]:
        data = self.cleaned_data
        fields = {name: data[name] for name in ("name", "promise", "goal", "currency", "time_zone")}
        return {**fields, "name": data["name"].strip(), "starts_at": data["starts"], "ends_at": data["ends"]}

    @property
    def chosen_when_short(self) -> str:
        return self.cleaned_data["when_short"] or OnShort.REFUSE.value

    @property
    def minor_budget(self) -> int | None:
        return self.cleaned_data["budget"] or None


def initial_of(campaign: Campaign, budget: int | None, when_short: str) -> dict[str, Any]:
    """The campaign as this form shows it."""
    zone = zoneinfo.ZoneInfo(campaign.time_zone)

    def local(instant: datetime.datetime | None) -> str:
        return "" if instant is None else instant.astimezone(zone).strftime(LOCAL)

    return {
        "name": campaign.name,
        "promise": campaign.promise,
        "goal": campaign.goal,
        "currency": campaign.currency,
        "time_zone": campaign.time_zone,
        "starts": local(campaign.starts_at),
        "ends": local(campaign.ends_at),
        "budget": amount_as_typed(budget, campaign.currency),
        "when_short": when_short,
    }

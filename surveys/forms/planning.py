"""How a survey is set up: for whom, under which promise, when."""

import zoneinfo
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Claim, Incentive, Status
from incentives_site.shared.problems import Invalid

from ..models import Department, Mode, Survey
from ..rules.visibility import DEFAULT_K, LARGEST_K, SMALLEST_K

MODES = [
    (Mode.ANONYMOUS.value, _("Anonymous: nobody can join a person and an answer, not even who has the database.")),
    (Mode.CONFIDENTIAL.value, _("Confidential: the join is kept, but shown to nobody; results as for anonymous surveys.")),
    (Mode.NAMED.value, _("With name: HR sees who answered what.")),
]
OFTEN = [
    ("", _("Once")),
    ("weekly", _("Every week")),
    ("fortnightly", _("Every second week")),
    ("monthly", _("Every month")),
    ("quarterly", _("Every quarter (three months)")),
    ("thirteen_weeks", _("Every thirteen weeks")),
]
SCALES = [("0-10", _("0 to 10, as most ask it")), ("1-10", _("1 to 10"))]


class ScheduleForm(forms.Form):
    """When it is asked. Read by itself where only the next dates are wanted."""

    every = forms.ChoiceField(label=_("How often"), choices=OFTEN, required=False)
    anchor_on = forms.DateField(
        label=_("First date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    opens_at = forms.TimeField(
        label=_("Opens at"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Invitations go out then, Monday to Friday."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    open_days = forms.IntegerField(label=_("Open for days"), min_value=1, max_value=60, initial=7)

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"].strip()
        if zone not in zoneinfo.available_timezones():
            raise ValidationError(_("Choose a time zone from the list, such as Europe/Rome."))
        return zone


class PlanForm(ScheduleForm):
    """``fields_of_survey`` is what the operations take. ``answered``: mode is fixed."""

    k = forms.TypedChoiceField(
        label=_("Smallest group shown"),
        coerce=int,
        choices=[(k, str(k)) for k in range(SMALLEST_K, LARGEST_K + 1)],
        initial=DEFAULT_K,
        help_text=_("No figure is shown of fewer people. It can be raised at any time, lowered only before the first answer."),
    )
    mode = forms.ChoiceField(label=_("Promise"), choices=MODES, widget=forms.RadioSelect, initial=Mode.ANONYMOUS.value)
    hides_few_changes = forms.BooleanField(
        label=_("Hide what a few joiners or leavers changed"),
        required=False,
        initial=True,
        help_text=_(
            "Someone who compares two waves learns nothing about a few people who joined or left. Without it more small teams "
            "are shown from the second wave on."
        ),
    )
    hides_uniform = forms.BooleanField(
        label=_("Hide groups that agree"),
        required=False,
        initial=True,
        help_text=_(
            "Where everyone in a group gave the same kind of answer, the figure would reveal each answer. Without it such groups "
            "are shown, and so are full distributions."
        ),
    )
    audience = forms.MultipleChoiceField(
        label=_("Departments"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("With all inside them. None: everybody who is active."),
    )
    reminds = forms.BooleanField(
        label=_("Remind after three and five days whoever has not answered"), required=False, initial=True
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages"), choices=settings.LANGUAGES, widget=forms.CheckboxSelectMultiple, initial=["en"]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tree = sorted(Department.objects.all(), key=lambda row: row.path)
        self.fields["audience"].choices = [(row.key, " › ".join([*["…"] * (len(row.path) - 1), row.name])) for row in tree]  # type: ignore[attr-defined]

    @property
    def fields_of_survey(self) -> dict[str, Any]:
        data = self.cleaned_data
        names = ("every", "anchor_on", "opens_at", "time_zone", "open_days", "k", "mode", "audience", "reminds", "languages")
        return {name: data[name] for name in (*names, "hides_uniform", "hides_few_changes")}


class EnpsForm(PlanForm):
    """An eNPS in one page."""

    scale = forms.ChoiceField(label=_("Scale"), choices=SCALES, widget=forms.RadioSelect, initial="0-10")


class PulseForm(PlanForm):
    is_live = forms.BooleanField(
        label=_("Show the company's score while it is open"),
        required=False,
        help_text=_(
            "In steps of at least as many people as the smallest group shown; the last few of an incomplete step are in no "
            "figure. Those who answer are told. Without it all results appear at the close. It holds from the next wave on."
        ),
    )
    incentive = forms.ModelChoiceField(
        label=_("Thank-you for answering"),
        queryset=Incentive.objects.none(),
        required=False,
        empty_label=_("None"),
        help_text=_(
            "Everybody who answered gets it in the wallet of their e-mail address: all at once after the close, whatever was "
            "answered. Who manages the campaign sees who took part. It holds from the next wave on."
        ),
    )
    is_one_page = forms.BooleanField(label=_("All questions on one page"), required=False)
    rotates = forms.IntegerField(
        label=_("Questions from the bank in each wave"), min_value=0, max_value=10, initial=0, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.initial.get("incentive")
        is_running = Q(claim=Claim.GRANT, campaign__status__in=[Status.SCHEDULED, Status.LIVE, Status.PAUSED])
        offered = Incentive.objects.filter(is_running | Q(pk=getattr(chosen, "pk", None)))
        self.fields["incentive"].queryset = offered.select_related("campaign").order_by("campaign__name", "name")  # type: ignore[attr-defined]

    @property
    def fields_of_survey(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            **super().fields_of_survey,
            "is_one_page": data["is_one_page"],
            "rotates": data["rotates"] or 0,
            "incentive": data["incentive"],
            "is_live": data["is_live"],
        }


def initial_of(survey: Survey) -> Mapping[str, Any]:
    names = [
        *ScheduleForm.base_fields,
        "k",
        "mode",
        "hides_uniform",
        "hides_few_changes",
        "audience",
        "reminds",
        "languages",
        "is_one_page",
        "rotates",
        "incentive",
        "is_live",
    ]
    return {name: getattr(survey, name) for name in names}


def place_errors(form: forms.Form, problem: Invalid) -> None:
    """What an operation refused, beside its field."""
    for error in problem.errors:
        name = error.pointer.strip("/").split("/")[0]
        form.add_error(name if name in form.fields else None, str(error.detail))

"""The preference page's form; those by which staff record what a customer has said, and erase one."""

import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from .. import queries
from ..models import Customer
from ..operations import UNCHANGED, Choice, Wanted
from ..rules.consent import ALL, IncentiveKind, Purpose

PER_WEEK = ("1", "2", "3", "5", "7")


def kind_labels() -> list[tuple[str, str | Promise]]:
    return [
        (IncentiveKind.DISCOUNTS.value, _("Discounts and vouchers")),
        (IncentiveKind.POINTS.value, _("Points")),
        (IncentiveKind.CREDIT.value, _("Credit")),
        (IncentiveKind.CONTESTS.value, _("Prize draws")),
        (IncentiveKind.ACCESS.value, _("Exclusive content, events and products")),
    ]


class PreferencesForm(forms.Form):
    """Filled with what holds; ``wanted`` says what was chosen."""

    channels = forms.MultipleChoiceField(
        label=_("Where may we write to you?"), required=False, widget=forms.CheckboxSelectMultiple
    )
    kinds = forms.MultipleChoiceField(
        label=_("What are you interested in?"), required=False, choices=kind_labels, widget=forms.CheckboxSelectMultiple
    )
    research = forms.BooleanField(label=_("You may ask me for my opinion in surveys"), required=False)
    per_week = forms.TypedChoiceField(
        label=_("Messages a week at most"), required=False, coerce=int, empty_value=None, choices=[("", _("No limit"))]
    )
    paused_until = forms.DateField(
        label=_("Pause until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=_("No advertising before this day. Leave it empty for no pause."),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, data: Any = None, *, customer: Customer, today: datetime.date) -> None:
        held = queries.preferences_of(customer)
        channels = queries.channels_to_choose(queries.wishes_of(customer))
        super().__init__(
            data,
            initial={
                "channels": [key for key, is_wanted in held.channels.items() if is_wanted],
                "kinds": [key for key, is_wanted in held.kinds.items() if is_wanted],
                "research": held.research,
                "per_week": held.per_week,
                "paused_until": held.paused_until if held.paused_until and held.paused_until > today.isoformat() else None,
                "language": held.language.partition("-")[0],
            },
        )
        self.fields["channels"].choices = [(channel.key, channel.name) for channel in channels]  # type: ignore[attr-defined]
        if not channels:
            del self.fields["channels"]
        numbers = {*PER_WEEK, *([str(held.per_week)] if held.per_week is not None else [])}
        self.fields["per_week"].choices = [("", _("No limit")), *((n, n) for n in sorted(numbers, key=int))]  # type: ignore[attr-defined]
        self.fields["paused_until"].widget.attrs["min"] = (today + datetime.timedelta(days=1)).isoformat()
        languages = [(code, get_language_info(code)["name_local"].capitalize()) for code, _name in settings.LANGUAGES]
        self.fields["language"].choices = [("", _("As my device says")), *languages]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Wanted:
        data = self.cleaned_data
        shown = [key for key, _label in self.fields["channels"].choices] if "channels" in self.fields else []  # type: ignore[attr-defined]
        return Wanted(
            channels={key: key in data["channels"] for key in shown},
            kinds={kind.value: kind.value in data["kinds"] for kind in IncentiveKind},
            research=data["research"],
            per_week=data["per_week"],
            paused_until=data["paused_until"],
            # A language that came from elsewhere and is not offered here stays, until another is chosen.
            language=data["language"] if "language" in self.changed_data else UNCHANGED,
        )


class ConsentForm(forms.Form):
    """What a customer has said to somebody of the staff: about what, yes or no, and how it was said."""

    about = forms.ChoiceField(label=_("About"))
    said = forms.ChoiceField(
        label=_("The customer"), choices=[("no", _("does not want it")), ("yes", _("agrees"))], widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("How it was said"), max_length=200, help_text=_("For example: on the phone, at the counter, by letter of 3 May.")
    )

    def __init__(self, data: Any = None, *, customer: Customer) -> None:
        super().__init__(data)
        channels = queries.channels_to_choose(queries.wishes_of(customer))
        self.fields["about"].choices = [  # type: ignore[attr-defined]
            ("all", _("All marketing")),
            *((f"channel:{channel.key}", _("Marketing by %(channel)s") % {"channel": channel.name}) for channel in channels),
            *((f"kind:{key}", label) for key, label in kind_labels()),
            ("research", _("Surveys")),
        ]

    @property
    def choice(self) -> Choice:
        what, _colon, key = self.cleaned_data["about"].partition(":")
        is_given = self.cleaned_data["said"] == "yes"
        if what == "research":
            return Choice(is_given, purpose=Purpose.RESEARCH)
        return Choice(is_given, channel=key if what == "channel" else ALL, kind=key if what == "kind" else ALL)


class DataRequestForm(forms.Form):
    """Asking for a copy of one's data, or to be forgotten: who asks types what only they and we know."""

    typed = forms.CharField(label=_("Your e-mail address, phone number, card or customer number"), max_length=320)

    def __init__(self, data: Any = None, *, customer: Customer, kind: str) -> None:
        super().__init__(data, prefix=kind)
        self.fields["typed"].help_text = _("One by which we know you: so that nobody else can ask this for you.")
        self.fields["typed"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        if not queries.telling_kinds_of(customer):
            del self.fields["typed"]


class SettlementForm(forms.Form):
    """Why a request is refused."""

    reason = forms.CharField(label=_("Why it is refused"), max_length=300)


class ErasureForm(forms.Form):
    """What cannot be undone is typed."""

    name = forms.CharField(label=_("Type the customer's name as it is written above"), max_length=200)

    def __init__(self, data: Any = None, *, customer: Customer) -> None:
        super().__init__(data)
        self.customer = customer
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_name(self) -> str:
        typed: str = self.cleaned_data["name"]
        if " ".join(typed.split()) != " ".join(str(self.customer).split()):
            raise forms.ValidationError(_("This is not the name. Nothing was erased."))
        return typed

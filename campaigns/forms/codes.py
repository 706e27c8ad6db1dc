"""Batches of codes as they are typed: to be made, or to be imported."""

import datetime
import zoneinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from campaigns.rules import codes
from campaigns.rules.codes import Shape

from .goal import LOCAL
from .typed import instant_of

POINTERS = {
    "/name": "name",
    "/count": "count",
    "/pattern": "pattern",
    "/alphabet": "alphabet",
    "/uses_per_code": "uses_per_code",
    "/expires_at": "expires",
    "/file": "file",
}


class _TermsForm(forms.Form):
    """What batches share. ``terms`` are what the operations take."""

    name = forms.CharField(label=_("Name"), max_length=100, required=False, help_text=_("For you and your colleagues."))
    uses_per_code = forms.IntegerField(label=_("Uses per code"), min_value=1, max_value=codes.MOST, initial=1)
    expires = forms.DateTimeField(
        label=_("Codes expire"),
        required=False,
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )
    forgets_texts = forms.BooleanField(
        label=_("Forget the texts after the export"),
        required=False,
        help_text=_("A day after the first export only keyed hashes are kept: nobody can read the codes here any more."),
    )

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zoneinfo.ZoneInfo(zone)
        self.fields["expires"].help_text = _("In the campaign's time zone, %(zone)s. Empty: with the campaign.") % {"zone": zone}

    def clean_expires(self) -> datetime.datetime | None:
        typed = self.cleaned_data["expires"]
        try:
            return instant_of(typed.replace(tzinfo=None), self.zone) if typed else None
        except OverflowError:
            raise ValidationError(_("This time is too far away to be meant.")) from None

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {name: data[name] for name in ("name", "uses_per_code", "forgets_texts")} | {"expires_at": data["expires"]}


class BatchForm(_TermsForm):
    field_order = ["name", "count", "pattern", "has_check", "alphabet", "uses_per_code", "expires", "forgets_texts"]

    count = forms.IntegerField(label=_("How many codes"), min_value=1, max_value=codes.MOST, initial=1000)
    pattern = forms.CharField(
        label=_("Pattern"),
        max_length=codes.LONGEST,
        initial="####-####-####",
        help_text=_("# is a character drawn by chance; letters, digits and _ stay as they are, dashes only separate."),
    )
    has_check = forms.BooleanField(
        label=_("With a check character"),
        required=False,
        initial=True,
        help_text=_("The last # is worked out of the others, so that typing errors are told from codes that do not exist."),
    )
    alphabet = forms.CharField(
        label=_("Characters"), max_length=60, initial=codes.ALPHABET, help_text=_("Without those that look alike.")
    )

    @property
    def shape(self) -> Shape | None:
        """What is typed so far; ``None`` while it cannot be understood."""
        data = self.cleaned_data
        if not all(data.get(name) for name in ("pattern", "alphabet")):
            return None
        alphabet = "".join(data["alphabet"].split()).upper()
        return Shape(data["pattern"].strip().upper(), alphabet, data.get("has_check", False))

    @property
    def terms(self) -> dict[str, Any]:
        return {**super().terms, **{name: self.cleaned_data[name] for name in ("count", "pattern", "alphabet", "has_check")}}


class ImportForm(_TermsForm):
    field_order = ["file", "name", "uses_per_code", "expires", "forgets_texts"]

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv,text/plain"}),
        help_text=_("The column “code”, else the first one; in UTF-8, at most 20 MB."),
    )

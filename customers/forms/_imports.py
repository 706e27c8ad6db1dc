"""A file of customers, and what its columns mean."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from ..models import Channel, IdentityKind
from ..rules import importing
from ..wording import kind_in_words


class CustomerFileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or Excel file"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,text/csv"}),
        help_text=_("The first line holds the heads of the columns. At most 200 MB; CSV in UTF-8."),
    )


class MeaningsForm(forms.Form):
    """One field for each column, and what was agreed to where a column says that somebody agreed."""

    wording = forms.CharField(
        label=_("What the customers have agreed to, and where"),
        required=False,
        max_length=100,
        help_text=_("Needed when a column says who agreed. It is kept with the consent: for example “Fair 2026, card 3”."),
    )

    def __init__(self, data: Any = None, *, columns: Sequence[str], meanings: Sequence[str], wording: str = "") -> None:
        super().__init__(data, initial={"wording": wording})
        choices = self._choices()
        self.names = [f"column-{position}" for position in range(len(columns))]
        for name, column, meaning in zip(self.names, columns, meanings, strict=True):
            trait = f"trait:{importing.trait_name(column)}"
            own = [*choices, (_g("Said about the customer"), [(trait, _g("Said: “%(name)s”") % {"name": trait[6:]})])]
            self.fields[name] = forms.ChoiceField(label=column or name, choices=own, required=False, initial=meaning)

    def _choices(self) -> list[Any]:
        kinds = [*IdentityKind.objects.exclude(key="external").order_by("rank").values_list("key", flat=True)]
        channels = Channel.objects.filter(can_message=True, is_active=True).order_by("name")
        return [
            ("", _g("– leave out –")),
            (_g("Who it is"), [(f"identity:{kind}", kind_in_words(kind).capitalize()) for kind in kinds]),
            (
                _g("What it is called"),
                [("name", _g("Name")), ("firstName", _g("First name")), ("lastName", _g("Last name")),
                 ("language", _g("Language")), ("time_zone", _g("Time zone"))],
            ),
            (
                _g("What it agreed to (yes or no)"),
                [
                    ("consent:", _g("Agreed to marketing in every channel")),
                    *((f"consent:{row.key}", _g("Agreed to marketing: %(channel)s") % {"channel": row.name}) for row in channels),
                ],
            ),
        ]  # fmt: skip

    @property
    def meanings(self) -> list[str]:
        return [self.cleaned_data[name] for name in self.names]

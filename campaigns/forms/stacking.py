"""How each incentive goes together with others."""

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import StackGroup

POINTERS = {"/group": "group", "/priority": "priority"}


class StackingForm(forms.Form):
    """One of these for each incentive, told apart by its prefix."""

    group = forms.ChoiceField(
        label=_("How it goes together with other incentives"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how it combines.")},
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        required=False,
        min_value=-1000,
        max_value=1000,
        help_text=_("Higher ones are applied first among incentives of the same kind. Usually 0."),
    )

    def __init__(self, *args: object, offered: Sequence[StackGroup], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.offered = {group.key: group for group in offered}
        self.fields["group"].choices = [(group.key, group.name) for group in offered]  # type: ignore[attr-defined]

    @property
    def stack_group(self) -> StackGroup:
        return self.offered[self.cleaned_data["group"]]

    @property
    def priority_given(self) -> int:
        return self.cleaned_data["priority"] or 0

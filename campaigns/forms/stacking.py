"""How each incentive goes together with others."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from campaigns.models import BASES, ELIGIBILITIES, PICK_SCOPES, PICKS, StackGroup

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


GROUP_POINTERS = {
    f"/{name}": name for name in ("name", "eligibility", "pick", "scope", "limit", "base", "consume_without_effect")
}


class GroupForm(forms.Form):
    """A stack group of one's own; ``terms`` is what ``operations.define_group`` takes, but for the key."""

    name = forms.CharField(label=_("Name"), max_length=200)
    eligibility = forms.ChoiceField(label=_("Beside other groups"), choices=ELIGIBILITIES)
    pick = forms.ChoiceField(label=_("Taken of the group"), choices=PICKS)
    scope = forms.ChoiceField(
        label=_("Picked"), choices=PICK_SCOPES, help_text=_("Means something only where one of the group is picked.")
    )
    limit = forms.IntegerField(
        label=_("At most on one order"), required=False, min_value=1, max_value=1000, help_text=_("Empty: no limit.")
    )
    base = forms.ChoiceField(label=_("Percentages are taken of"), required=False, choices=[("", _("as usual")), *BASES])
    consume_without_effect = forms.BooleanField(label=_("It counts as used even when it takes nothing off"), required=False)

    @property
    def terms(self) -> dict[str, Any]:
        return {**self.cleaned_data, "name": self.cleaned_data["name"].strip()}


def group_key_for(name: str) -> str:
    """A key that no group uses yet, made from its name."""
    taken = set(StackGroup.objects.values_list("key", flat=True))
    stem = slugify(name)[:56] or "group"
    return next(key for n in range(1, len(taken) + 2) if (key := stem if n == 1 else f"{stem}-{n}") not in taken)

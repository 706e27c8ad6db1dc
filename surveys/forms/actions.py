"""What is done about results: by whom, by when."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import queries
from ..models import ActionPlan, ActionState, Survey
from ..operations import LONGEST_NOTES


class ActionForm(forms.Form):
    """``fields_of_action`` is what the operations take. What it may be about are questions and groups of the newest wave."""

    title = forms.CharField(label=_("What is done"), max_length=200)
    owner = forms.CharField(label=_("Owner"), max_length=200, help_text=_("Who sees to it."))
    due_on = forms.DateField(label=_("Due"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    state = forms.ChoiceField(label=_("State"), choices=ActionState.choices, initial=ActionState.OPEN.value)
    question = forms.ChoiceField(label=_("About the question"), required=False)
    group = forms.ChoiceField(label=_("About the group"), required=False)
    notes = forms.CharField(label=_("Notes"), required=False, max_length=LONGEST_NOTES, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, survey: Survey, action: ActionPlan | None = None, language: str = "en", **kwargs: Any) -> None:
        if action is not None:
            names = ("title", "owner", "due_on", "state", "question", "notes")
            group = f"{action.dimension}:{action.group}" if action.group else ""
            kwargs["initial"] = {**{name: getattr(action, name) for name in names}, "group": group}
        super().__init__(*args, **kwargs)
        groups = queries.groups_to_choose(survey)
        kept = self.initial.get("group", "")
        if action is not None and kept and kept not in dict(groups):
            groups.append((kept, action.group))  # it was shown when the action was planned
        self.fields["question"].choices = [("", _("All of it")), *queries.questions_to_choose(survey, language)]  # type: ignore[attr-defined]
        self.fields["group"].choices = [("", _("Everybody")), *groups]  # type: ignore[attr-defined]

    @property
    def fields_of_action(self) -> dict[str, Any]:
        data = self.cleaned_data
        dimension, _colon, group = data["group"].partition(":")
        names = ("title", "owner", "due_on", "state", "question", "notes")
        return {**{name: data[name] for name in names}, "dimension": dimension, "group": group}

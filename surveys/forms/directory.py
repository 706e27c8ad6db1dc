"""A file of employees as it is sent: only its size is looked at here, what is in it by the worker."""

from django import forms
from django.utils.translation import gettext_lazy as _


class DirectoryForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_(
            "The first line holds the column names: key, name, email, department, manager, location, language, started_on. "
            "At most 30 MB, in UTF-8."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )
    deactivates_missing = forms.BooleanField(label=_("Deactivate employees who are not in the file"), required=False)

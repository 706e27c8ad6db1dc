"""A file of employees."""

import csv
import io
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..operations import COLUMNS, NEEDED

LARGEST = 30 * 1024 * 1024


class DirectoryForm(forms.Form):
    """``rows`` are those of the file."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("With a line of names: key, name, email, department, manager, location, language, started_on."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )
    deactivates_missing = forms.BooleanField(label=_("Whoever is not in the file is no longer asked"), required=False)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise ValidationError(_("A file of at most 30 MB can be read."))
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValidationError(_("This is not text in UTF-8. Save the table as “CSV UTF-8”.")) from None
        head = text.partition("\n")[0]
        separator = ";" if head.count(";") > head.count(",") else ","
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
        names = [(name or "").strip().lower() for name in reader.fieldnames or []]
        if missing := [name for name in NEEDED if name not in names]:
            raise ValidationError(_("These columns are missing: %(names)s.") % {"names": ", ".join(missing)})
        reader.fieldnames = names
        try:
            self.rows = [{name: row.get(name) for name in COLUMNS} for row in reader]
        except csv.Error:
            raise ValidationError(_("This is no table that can be read.")) from None
        if not self.rows:
            raise ValidationError(_("There is no row below the names."))
        return file

"""Refusals of an operation, each beside the field it belongs to."""

from collections.abc import Mapping

from django import forms

from incentives_site.shared.problems import Problem


def place_errors(form: forms.Form, problem: Problem, fields: Mapping[str, str]) -> None:
    """Adds what ``problem`` says to ``form``. ``fields`` names the field of a JSON pointer (or of a beginning of one).

    What belongs to no field stands above the form.
    """
    if not problem.errors:
        form.add_error(None, str(problem.detail))
    for error in problem.errors:
        fitting = [pointer for pointer in fields if error.pointer == pointer or error.pointer.startswith(pointer + "/")]
        field = fields[max(fitting, key=len)] if fitting else None
        form.add_error(field if field in form.fields else None, str(error.detail))

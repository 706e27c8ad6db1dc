"""Refusals that several verbs share."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from customers.rules.faults import Fault, Misunderstood
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem


class WrongStatus(Problem):
    code = "wrong-status"
    title = _("The campaign's status does not allow this")
    kind = Kind.CONFLICT


def invalid(faults: Iterable[Fault]) -> Invalid:
    """The refusal of data that a rule could not understand."""
    faults = tuple(faults)
    return Invalid(faults[0].detail if len(faults) == 1 else "", errors=[FieldError(f.pointer, f.code, f.detail) for f in faults])


def understood(error: Misunderstood) -> Invalid:
    return invalid(error.faults)

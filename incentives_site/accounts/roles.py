"""Who may open which door. A role is a Django group of that name; doors name the roles they admit."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import Kind, Problem

View = Callable[..., HttpResponse]


class Role(models.TextChoices):
    MARKETER = "marketer", _("Marketer")
    ANALYST = "analyst", _("Analyst")
    STORE = "store", _("Store associate")
    HR = "hr", _("HR")
    MANAGER = "manager", _("Manager")
    OPERATOR = "operator", _("Operator")


class WrongRole(Problem):
    code = "wrong-role"
    title = _("This page is not part of your role")
    kind = Kind.FORBIDDEN


def for_roles(*roles: Role) -> Callable[[View], View]:
    """A page for signed-in people in one of ``roles``; strangers are sent to sign in, others are refused by ``WrongRole``.

    The admitted roles are kept on the view as ``admitted_roles``, where the test that walks every URL reads them.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not set(roles) & request.user.roles:  # type: ignore[union-attr]
                raise WrongRole(_("Ask an operator if you should have access to it."))
            return view(request, *args, **kwargs)

        guarded.admitted_roles = frozenset(roles)  # type: ignore[attr-defined]
        return guarded

    return decorate


# Everybody who signs in.
ANY_ROLE = tuple(Role)

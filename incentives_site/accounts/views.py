"""Pages of a person's own account that allauth does not bring."""

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .models import RoleRequirement
from .roles import Role


@login_required
def second_factor_required(request: HttpRequest) -> HttpResponse:
    """Why no other page opens, and the two ways to change that."""
    if not getattr(request.user, "owes_second_factor", False):
        return redirect("mfa_index")
    roles = set(request.user.roles) | ({Role.OPERATOR} if request.user.is_staff else set())  # type: ignore[union-attr]
    asking = RoleRequirement.objects.filter(second_factor=True, role__in=roles)
    return render(request, "account/second_factor_required.html", {"roles": [str(row) for row in asking]})


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out one of the person's own browsers."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    if session.is_current():
        return redirect("account_logout")
    session.end()
    messages.success(request, _("That browser is signed out."))
    return redirect("usersessions_list")

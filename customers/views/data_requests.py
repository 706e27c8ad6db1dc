"""What customers have asked for about their data: the list an operator works through."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from incentives_site.accounts.roles import Role, for_roles

from .. import operations, queries
from ..forms import SettlementForm
from ..models import DataRequestState
from .admission import actor, named_actors


@for_roles(Role.OPERATOR)
def data_requests(request: HttpRequest) -> HttpResponse:
    """Open requests, the one to answer first on top, and what became of the latest others."""
    return _shown(request)


def _form(pk: int, data: Any = None) -> SettlementForm:
    return SettlementForm(data, auto_id=f"id_%s_{pk}")


def _shown(request: HttpRequest, wrong: int = 0, form: SettlementForm | None = None, status: int = 200) -> HttpResponse:
    waiting, settled = queries.data_requests(today=timezone.now().date())
    people = named_actors([row.settled_by for row in settled])
    context = {
        "crumbs": [{"label": _("Customers"), "url": reverse("customers:search")}, {"label": _("Requests about data")}],
        "waiting": [{"asked": one, "form": form if form and wrong == one.row.pk else _form(one.row.pk)} for one in waiting],
        "settled": [
            {"row": row, "by": _("the customer") if row.settled_by == "customer" else people[row.settled_by]} for row in settled
        ],
    }
    return render(request, "customers/data_requests.html", context, status=status)


@for_roles(Role.OPERATOR)
@require_POST
def settle_data_request(request: HttpRequest, public_id: str) -> HttpResponse:
    """Carried out, or refused with a reason."""
    row = queries.data_request(public_id)
    refuses = request.POST.get("does") == "refuse"
    form = _form(row.pk, request.POST)
    if refuses and not form.is_valid():
        return _shown(request, row.pk, form, status=422)
    state = DataRequestState.REFUSED if refuses else DataRequestState.DONE
    reason = form.cleaned_data["reason"] if refuses else ""
    operations.settle_data_request(row=row, state=state, by=actor(request), now=timezone.now(), reason=reason)
    messages.success(request, _("The request is settled."))
    return redirect("customers:data-requests")

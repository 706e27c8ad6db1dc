"""All surveys, the newest first."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from incentives_site.accounts.roles import Role, for_roles

from ..models import Survey


@for_roles(Role.HR, Role.MANAGER)
def surveys(request: HttpRequest) -> HttpResponse:
    page = Paginator(Survey.objects.exclude(kind="feedback").order_by("-id"), 25).get_page(request.GET.get("page"))
    return render(request, "surveys/list.html", {"page": page, "is_hr": Role.HR in request.user.roles})  # type: ignore[union-attr]

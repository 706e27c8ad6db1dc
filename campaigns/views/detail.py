"""One campaign."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaigns import queries
from incentives_site.accounts.roles import for_roles

from .lists import READERS


@for_roles(*READERS)
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return render(request, "campaigns/detail.html", {"campaign": queries.campaign_by_public_id(public_id)})

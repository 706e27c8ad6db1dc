"""The list of campaigns."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaigns import queries
from incentives_site.accounts.roles import Role, for_roles

READERS = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)


@for_roles(*READERS)
def campaign_list(request: HttpRequest) -> HttpResponse:
    return render(request, "campaigns/list.html", {"campaigns": queries.campaigns()})

"""The till."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from incentives_site.accounts.roles import Role, for_roles

CASHIERS = (Role.STORE, Role.MARKETER, Role.OPERATOR)


@for_roles(*CASHIERS)
def till(request: HttpRequest) -> HttpResponse:
    return render(request, "redemptions/till.html", {})

"""Campaign pages and the public wallet."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from incentives_site.accounts.roles import Role, for_roles

from . import queries

READERS = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)


@for_roles(*READERS)
def campaign_list(request: HttpRequest) -> HttpResponse:
    return render(request, "campaigns/list.html", {"campaigns": queries.campaigns()})


@for_roles(*READERS)
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return render(request, "campaigns/detail.html", {"campaign": queries.campaign_by_public_id(public_id)})


def wallet(request: HttpRequest, token: str) -> HttpResponse:
    customer = queries.customer_of_wallet(token)
    items = queries.wallet(customer, now=timezone.now())
    return render(request, "campaigns/wallet.html", {"customer": customer, "items": items})

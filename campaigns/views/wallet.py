"""The public wallet: what a customer holds, opened by a signed link."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from campaigns import queries


def wallet(request: HttpRequest, token: str) -> HttpResponse:
    customer = queries.customer_of_wallet(token)
    items = queries.wallet(customer, now=timezone.now())
    return render(request, "campaigns/wallet.html", {"customer": customer, "items": items})

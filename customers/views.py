"""Pages about customers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from incentives_site.accounts.roles import Role, for_roles

from . import queries

READERS = (Role.MARKETER, Role.ANALYST, Role.STORE, Role.OPERATOR)


@for_roles(*READERS)
def search(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "")
    return render(request, "customers/search.html", {"words": words, "customers": queries.search(words)[:50]})


@for_roles(*READERS)
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return render(request, "customers/detail.html", {"customer": queries.by_public_id(public_id)})

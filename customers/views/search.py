"""Find a customer."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.htmx import page_or_fragment

from .. import queries
from ..wording import kind_in_words
from .admission import READERS, doors

MOST_FOUND = 500
MOST_NAMED = 3


@for_roles(*READERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find a customer by name, card, address or id; without words, the newest are shown to begin with."""
    words = request.GET.get("q", "")
    found = queries.search(words) if words.strip() else queries.newest()
    page = Paginator(found[:MOST_FOUND], 25).get_page(request.GET.get("page"))
    for customer in page:
        named = list(customer.identities.all())[:MOST_NAMED]
        customer.named = [(kind_in_words(identity.kind), identity.value) for identity in named]  # type: ignore[attr-defined]
    template = page_or_fragment(request, page="customers/search.html", fragment="customers/_found.html")
    return render(request, template, {"words": words, "page": page, "most_found": MOST_FOUND, **doors(request)})

"""What a link to a wallet or to preferences says that has ended: why, and how its owner gets a new one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from campaigns import operations
from customers.models import Customer

from .public import in_language_of, private


def ended_link(request: HttpRequest, customer: Customer) -> HttpResponse:
    """410, and nothing about the customer but the language. A POST sends new links to the customer's e-mail addresses.

    The answer is the same whether there is an address or not: whoever holds an old link learns nothing.
    """
    is_done = request.method == "POST"
    if is_done:
        operations.ask_for_links(customer=customer, now=timezone.now())
    with in_language_of(request, customer) as menu:
        return private(render(request, "wallet/ended_link.html", {**menu, "is_done": is_done}, status=410), has_form=True)

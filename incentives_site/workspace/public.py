"""What the pages share that a signed link opens: the customer's language, and headers that keep the address to itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import get_language_info

from customers.models import Customer


@contextmanager
def in_language_of(request: HttpRequest, customer: Customer) -> Iterator[dict[str, Any]]:
    """Speak the customer's language inside: the one that was chosen, else ``?lang``, else the browser's. Gives the menu's
    variables.

    There is nothing to choose in the menu where the customer has chosen: the preference page changes that.
    """
    offered = {code for code, _name in settings.LANGUAGES}
    asked = request.GET.get("lang", "")
    chosen = customer.language.partition("-")[0]
    language = next((code for code in (chosen, asked) if code in offered), translation.get_language_from_request(request))
    menu = [] if chosen in offered else [get_language_info(code) for code, _name in settings.LANGUAGES]
    with translation.override(language):
        yield {"languages": menu, "language_links": True, "lang": asked if menu and asked in offered else ""}


def private(response: HttpResponse, *, has_form: bool = False) -> HttpResponse:
    """With the headers of such a page; call it while its language is spoken.

    ``has_form``: the address is told to ourselves alone, instead of to nobody. Without any referrer a browser sends ``Origin:
    null`` with a form, and the protection against forms from elsewhere would refuse it.
    """
    # The address is the key: it must not travel on to other sites, nor into search engines. What keeps it out of caches is
    # ``shared.middleware.PrivateAnswers``.
    response["Referrer-Policy"] = "same-origin" if has_form else "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return response

"""In which language a page speaks that a link opens, and which headers it has: who answers is nobody else's business."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import get_language_info


@contextmanager
def spoken(request: HttpRequest, wished: str = "") -> Iterator[dict[str, Any]]:
    """The language asked for with ``?lang``, else the one that is wished, else the browser's. Gives the menu's variables."""
    offered = [code for code, _name in settings.LANGUAGES]
    asked = request.GET.get("lang", "")
    known = [code for code in (asked, wished.partition("-")[0]) if code in offered]
    menu = [get_language_info(code) for code in offered]
    with translation.override(known[0] if known else translation.get_language_from_request(request)):
        yield {"languages": menu, "language_links": True, "lang": asked if asked in offered else ""}


def private(response: HttpResponse) -> HttpResponse:
    """Call it while the language is spoken. The address is the key: it travels to nobody else, nor into shared caches."""
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    response["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return response

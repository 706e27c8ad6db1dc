"""One view, one context: the page for a browser, the fragment for a swap."""

from django.http import HttpRequest


def wants_fragment(request: HttpRequest) -> bool:
    """True for an htmx request that swaps a part; a boosted request and a history restore want the whole page."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_fragment(request: HttpRequest, *, page: str, fragment: str) -> str:
    """The template to render for this request."""
    return fragment if wants_fragment(request) else page

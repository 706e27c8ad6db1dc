"""What the frame around every page shows: the navigation a person's roles open, the brand, the theme."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

BRAND = "Incentives"
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the sidebar. No ``roles`` means everybody who is signed in."""

    label: str | Promise
    url_name: str
    icon: str
    roles: frozenset[str] = frozenset()


SECTIONS = (
    Section(_("Home"), "home", "home"),
    Section(
        _("Campaigns"),
        "campaigns:list",
        "speakerphone",
        frozenset({"marketer", "analyst", "operator"}),
    ),
    Section(
        _("Customers"),
        "customers:search",
        "users",
        frozenset({"marketer", "analyst", "store", "operator"}),
    ),
    Section(
        _("Segments"),
        "customers:segments",
        "users-group",
        frozenset({"marketer", "analyst", "operator"}),
    ),
    Section(
        _("Till"),
        "redemptions:till",
        "scan",
        frozenset({"store", "marketer", "operator"}),
    ),
    Section(
        _("API documents"),
        "api-docs",
        "api",
        frozenset({"operator", "marketer", "analyst"}),
    ),
    Section(_("Back office"), "admin:index", "tools", frozenset({"operator"})),
    Section(_("Surveys"), "surveys:list", "message", frozenset({"hr", "manager"})),
    Section(_("Feedback"), "surveys:feedback", "star", frozenset({"marketer", "analyst", "operator"})),
    Section(_("One-on-ones"), "surveys:one-on-ones", "users"),
)


def address_of(name: str) -> str | None:
    """The path of a named page, or ``None`` when this installation leaves that part out."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def items(path: str, roles: Set[str]) -> list[dict[str, Any]]:
    """The entries these roles may open, as ``{label, url, icon, active}``; the longest address that leads to `path` is active."""
    entries: list[dict[str, Any]] = []
    for section in SECTIONS:
        if section.roles and not section.roles & roles:
            continue
        if (url := address_of(section.url_name)) is not None:
            entries.append(
                {
                    "label": section.label,
                    "url": url,
                    "icon": section.icon,
                    "active": False,
                }
            )
    home = address_of("home")
    leading = [entry for entry in entries if path == entry["url"] or (entry["url"] != home and path.startswith(entry["url"]))]
    if leading:
        max(leading, key=lambda entry: len(entry["url"]))["active"] = True
    return entries


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Roles are looked up only when a template asks, so fragments and the back office pay nothing.

    ``page_frame`` is the template a refusal extends: the workspace for people who are signed in, the quiet page for others.
    ``languages`` are those the workspace can be read in; pages for customers set their own.
    ``theme`` is ``light`` or ``dark`` when the person chose one in this browser, otherwise ``auto``.
    """

    def navigation() -> list[dict[str, Any]]:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        return items(request.path, user.roles)

    def page_frame() -> str:
        user = getattr(request, "user", None)
        return "base.html" if user is not None and user.is_authenticated else "base_public.html"

    theme = request.COOKIES.get("theme", "")
    return {
        "languages": [get_language_info(code) for code in settings.WORKSPACE_LANGUAGES],
        "navigation": SimpleLazyObject(navigation),
        "brand": BRAND,
        "theme": theme if theme in THEMES else "auto",
    }

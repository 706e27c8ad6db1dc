"""Tags and filters of the components in ``templates/_components`` (``docs/components.md``). None of them runs a query."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from django import forms, template
from django.conf import settings
from django.core.paginator import Page
from django.forms.boundfield import BoundField, BoundWidget
from django.template import Context
from django.templatetags.static import static
from django.utils import formats
from django.utils.functional import Promise
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy

from incentives_site.shared.money import format_money, minor_digits

register = template.Library()

ICONS = "vendor/tabler-icons-3.51.0/icons.svg"


@cache
def icon_names() -> frozenset[str]:
    """The icons of the vendored sprite."""
    sprite = (settings.BASE_DIR / "static" / ICONS).read_text()
    return frozenset(re.findall(r'<symbol id="([^"]+)"', sprite))


@register.inclusion_tag("_components/icon.html")
def icon(name: str, classes: str = "", label: str = "") -> dict[str, str]:
    """``{% icon "ticket" %}``: from the sprite, decorative unless it has a ``label``. An unknown name draws a dashed circle."""
    return {"href": f"{static(ICONS)}#{name if name in icon_names() else 'circle-dashed'}", "classes": classes, "label": label}


@register.filter
def money(amount: int | None, currency: str) -> str:
    """``{{ 123450|money:"EUR" }}``: minor units for reading; nothing known is a dash."""
    return "–" if amount is None else format_money(amount, currency)


@register.filter
def initials(user: Any) -> str:
    """Two letters for the round mark of a person."""
    words = re.split(r"[\s._-]+", user.get_full_name() or user.email.split("@")[0])
    return "".join(word[0] for word in words if word)[:2].upper()


# --- Messages -------------------------------------------------------------------------------------------------------
_ALERTS = {"success": "success", "warning": "warning", "error": "danger", "info": "info", "debug": "info"}
_ALERT_ICONS = {"success": "circle-check", "warning": "alert-triangle", "error": "alert-circle"}


@register.filter
def alert_level(level_tag: str) -> str:
    return _ALERTS.get(level_tag, "info")


@register.filter
def alert_icon(level_tag: str) -> str:
    return _ALERT_ICONS.get(level_tag, "info-circle")


@register.simple_tag
def script_texts() -> SafeString:
    """The sentences that app.js says, as data."""
    return json_script(
        {
            "network": gettext("No connection. Check the network and try again."),
            "failed": gettext("Something went wrong on our side. Try again in a moment."),
            "refused": gettext("This was refused."),
            "slower": gettext("Too many requests at once. Wait a moment and try again."),
            "request": gettext("Request"),
            "close": gettext("Close"),
            "cancel": gettext("Cancel"),
            "confirm": gettext("Yes, go on"),
            "copied": gettext("Copied."),
            "notCopied": gettext("Could not copy; select the text and copy it by hand."),
            "chartFailed": gettext("The chart could not be drawn; the figures are in the table below."),
        },
        "app-texts",
    )


# --- States ---------------------------------------------------------------------------------------------------------
_GOOD, _WAIT, _STOP, _QUIET, _INFO = "bg-green-lt", "bg-yellow-lt", "bg-red-lt", "bg-secondary-lt", "bg-blue-lt"
STATUSES: dict[str, tuple[str, str | Promise]] = {
    "draft": (_QUIET, pgettext_lazy("state", "Draft")),
    "scheduled": (_INFO, pgettext_lazy("state", "Scheduled")),
    "live": (_GOOD, pgettext_lazy("state", "Live")),
    "paused": (_WAIT, pgettext_lazy("state", "Paused")),
    "ended": (_QUIET, pgettext_lazy("state", "Ended")),
    "archived": (_QUIET, pgettext_lazy("state", "Archived")),
    "held": (_GOOD, pgettext_lazy("state", "Held")),
    "available": (_GOOD, pgettext_lazy("state", "Available")),
    "reserved": (_WAIT, pgettext_lazy("state", "Reserved")),
    "used": (_INFO, pgettext_lazy("state", "Used")),
    "redeemed": (_INFO, pgettext_lazy("state", "Redeemed")),
    "completed": (_GOOD, pgettext_lazy("state", "Completed")),
    "confirmed": (_GOOD, pgettext_lazy("state", "Confirmed")),
    "committed": (_GOOD, pgettext_lazy("state", "Completed")),
    "expired": (_QUIET, pgettext_lazy("state", "Expired")),
    "withdrawn": (_STOP, pgettext_lazy("state", "Withdrawn")),
    "cancelled": (_QUIET, pgettext_lazy("state", "Cancelled")),
    "released": (_QUIET, pgettext_lazy("state", "Released")),
    "reversed": (_STOP, pgettext_lazy("state", "Reversed")),
    "returned": (_STOP, pgettext_lazy("state", "Returned")),
    "active": (_GOOD, pgettext_lazy("state", "Active")),
    "inactive": (_QUIET, pgettext_lazy("state", "Inactive")),
    "open": (_GOOD, pgettext_lazy("state", "Open")),
    "closed": (_QUIET, pgettext_lazy("state", "Closed")),
    "pending": (_WAIT, pgettext_lazy("state", "Pending")),
    "sent": (_INFO, pgettext_lazy("state", "Sent")),
    "delivered": (_GOOD, pgettext_lazy("state", "Delivered")),
    "failed": (_STOP, pgettext_lazy("state", "Failed")),
    "refused": (_STOP, pgettext_lazy("state", "Refused")),
    "suppressed": (_QUIET, pgettext_lazy("state", "Held back")),
    "done": (_GOOD, pgettext_lazy("state", "Done")),
    "applied": (_GOOD, pgettext_lazy("state", "Applied")),
    "inapplicable": (_QUIET, pgettext_lazy("state", "Does not apply")),
    "skipped": (_WAIT, pgettext_lazy("state", "Left out")),
}


@register.filter
def status_class(status: Any) -> str:
    return STATUSES.get(str(status).lower(), (_QUIET, ""))[0]


@register.filter
def status_label(status: Any) -> str:
    """The usual word for a state; a state nobody named is shown as it is written."""
    known = STATUSES.get(str(status).lower())
    return str(known[1]) if known else str(status).replace("_", " ").replace("-", " ").capitalize()


@register.simple_tag
def trend_class(direction: str = "", good: str = "") -> str:
    """Green for the welcome direction, red for the other, quiet when nothing moved."""
    if direction not in ("up", "down"):
        return "text-secondary"
    return "text-green" if direction == (good or "up") else "text-red"


# --- Form fields ----------------------------------------------------------------------------------------------------
@register.filter
def widget_kind(field: BoundField) -> str:
    """Which markup a field needs: ``checkbox``, ``choices`` (several inputs), ``select``, or ``input``."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxSelectMultiple | forms.RadioSelect):
        return "choices"
    if isinstance(widget, forms.CheckboxInput):
        return "checkbox"
    return "select" if isinstance(widget, forms.Select) else "input"


@register.filter
def described_by(field: BoundField) -> str:
    """The ids of the sentences below a control."""
    ids = []
    if field.errors:
        ids.append(f"{field.auto_id}_error")
    if field.help_text:
        ids.append(f"{field.auto_id}_help")
    return " ".join(ids)


@register.filter
def focus_id(field: BoundField) -> str:
    """The id a link to a field must name."""
    return str(field.auto_id) if widget_kind(field) == "choices" else str(field.id_for_label)


_CLASS_OF_KIND = {"checkbox": "form-check-input", "select": "form-select", "input": "form-control", "choices": "form-check-input"}


@register.simple_tag(takes_context=True)
def widget(context: Context, field: BoundField) -> SafeString:
    """The control of a field, with our classes and the ties to its error and help."""
    classes = [
        field.field.widget.attrs.get("class", ""),
        _CLASS_OF_KIND[widget_kind(field)],
        "is-invalid" if field.errors else "",
    ]
    attrs: dict[str, str | bool] = {"class": " ".join(filter(None, classes))}
    if isinstance(field.field.widget, forms.Textarea) and field.field.widget.attrs.get("rows") == "10":
        attrs["rows"] = "4"  # Django's own default is taller than any text asked for here
    ids = described_by(field)
    if context.get("help") and not field.help_text:
        ids = f"{ids} {field.auto_id}_help".strip()
    if ids:
        attrs["aria-describedby"] = ids
    if field.errors:
        attrs["aria-invalid"] = "true"
    return field.as_widget(attrs=attrs)


@register.simple_tag
def choice_input(choice: BoundWidget, field: BoundField) -> SafeString:
    """One radio button or check box of a field with several, without its label."""
    data = choice.data
    attrs = {**data["attrs"], "class": "form-check-input" + (" is-invalid" if field.errors else "")}
    if data["selected"]:
        attrs["checked"] = True
    pairs = [format_html(" {}", name) if value is True else format_html(' {}="{}"', name, value)
             for name, value in attrs.items() if value is not False and value is not None]  # fmt: skip
    return format_html(
        '<input type="{}" name="{}" value="{}"{}>', data["type"], data["name"], data["value"], SafeString("".join(pairs))
    )


# --- Lists ----------------------------------------------------------------------------------------------------------
@register.simple_tag
def page_numbers(page: Page) -> list[int | str]:
    """The page numbers worth showing, with the paginator's ellipsis between."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))


@register.simple_tag(takes_context=True)
def page_link(context: Context, number: int, param: str = "page", target: str = "") -> SafeString:
    """``href`` of another page of this list, and the htmx attributes when a part is to be swapped."""
    request = context["request"]
    query = request.GET.copy()
    query[param] = str(number)
    url = f"{request.path}?{query.urlencode()}"
    if not target:
        return format_html('href="{}"', url)
    return format_html('href="{}" hx-get="{}" hx-target="{}" hx-push-url="true"', url, url, target)


# --- Lines and charts -----------------------------------------------------------------------------------------------
@register.inclusion_tag("_components/sparkline.svg.html")
def sparkline(
    numbers: Sequence[float | int | None], label: str = "", width: int = 120, height: int = 32, floor: int | None = None
) -> dict[str, Any]:
    """A small line of at least two numbers; gaps are bridged. It stands on the lowest of them, or on ``floor``."""
    known = [(index, float(number)) for index, number in enumerate(numbers) if number is not None]
    if len(known) < 2:
        return {"points": ""}
    low, high = min(value for _index, value in known), max(value for _index, value in known)
    if floor is not None:
        low, high = min(low, floor), max(high, floor)
    step = width / (len(numbers) - 1)
    inner = height - 4

    def y(value: float) -> float:
        return height / 2 if high == low else 2 + inner * (1 - (value - low) / (high - low))

    points = " ".join(f"{index * step:.1f},{y(value):.1f}" for index, value in known)
    area = f"{known[0][0] * step:.1f},{height} {points} {known[-1][0] * step:.1f},{height}"
    return {"points": points, "area": area, "label": label, "width": width, "height": height}


def _number(value: float) -> str:
    """As the person's language writes it, thousands apart, at most two digits after the point."""
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return str(formats.number_format(text, use_l10n=True, force_grouping=True))


def _figure(value: Any, figures: Mapping[str, Any]) -> str:
    """A number as a person reads it, by the chart's ``format``: ``number``, ``percent`` (of 0..1) or ``money`` (minor units)."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    kind = figures.get("format", "number")
    if kind == "percent":
        return f"{_number(round(value * 100, 1))} %"
    if kind == "money":
        return format_money(round(value), figures["currency"])
    return _number(value)


def _label(value: Any) -> str:
    return str(formats.date_format(value, "j M Y")) if isinstance(value, date | datetime) else str(value)


def chart_table(figures: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The columns and rows that say the same as the chart."""
    kind = figures["kind"]
    if kind == "sankey":
        columns = [gettext("From"), gettext("To"), figures.get("value_label") or gettext("Number")]
        return columns, [[_label(link["from"]), _label(link["to"]), _figure(link["value"], figures)] for link in figures["links"]]
    if kind == "heatmap":
        columns = [figures.get("label_title", ""), *(_label(column) for column in figures["columns"])]
        rows = zip(figures["labels"], figures["rows"], strict=True)
        return columns, [[_label(label), *(_figure(value, figures) for value in row)] for label, row in rows]
    columns = [figures.get("label_title", "")]
    for series in figures["series"]:
        columns.append(_label(series["name"]))
        if series.get("low") is not None:
            columns += [gettext("lowest likely"), gettext("highest likely")]
    body = []
    for index, label in enumerate(figures["labels"]):
        row = [_label(label)]
        for series in figures["series"]:
            row.append(_figure(series["values"][index], figures))
            if series.get("low") is not None:
                row += [_figure(series["low"][index], figures), _figure(series["high"][index], figures)]
        body.append(row)
    return columns, body


@register.inclusion_tag("_components/chart.html")
def chart(
    id: str, title: str, figures: Mapping[str, Any], summary: str = "", height: str = "md", open: bool = False
) -> dict[str, Any]:
    """A chart with its table. ``figures`` is described in ``docs/components.md``; ``height`` is ``sm``, ``md`` or ``lg``."""
    columns, rows = chart_table(figures)
    data = {**figures, "title": str(title), "summary": str(summary)}
    for axis in ("labels", "columns"):
        if axis in data:
            data[axis] = [_label(value) for value in data[axis]]
    if data.get("format") == "money":
        data["digits"] = minor_digits(data["currency"])
    return {
        "id": id, "script_id": f"{id}-figures", "title": title, "summary": summary, "figures": data,
        "columns": columns, "rows": rows, "height": height, "open": open,
    }  # fmt: skip

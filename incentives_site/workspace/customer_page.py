"""One customer: profile, behaviour, wallet, redemptions and timeline on a page."""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns import queries as campaign_queries
from customers import operations as customer_operations
from customers import queries as customer_queries
from customers.forms import ConsentForm, kind_labels
from customers.models import Consent, Customer, Event
from customers.rules.consent import How, Purpose
from customers.rules.timeline import OWN_SOURCES, EventType, name_from
from customers.views import READERS
from customers.wording import kind_in_words
from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.htmx import wants_fragment
from incentives_site.shared.money import format_money, minor_digits, round_half_up
from redemptions.models import Redemption

from .customer_picture import picture
from .statement_page import STATEMENT_READERS, balances, usual_currency

ON_A_PAGE = 25
WALLET_SHOWN = 50
LARGEST_TOLD = 10**12
SEGMENT_READERS = {Role.MARKETER, Role.ANALYST, Role.OPERATOR}
MOST_IDENTITIES = 25
CONSENT_WRITERS = (Role.STORE, Role.MARKETER, Role.OPERATOR)
SELLERS = {Role.STORE, Role.MARKETER, Role.OPERATOR}
ICONS = {
    EventType.BOUGHT: "shopping-cart",
    EventType.GRANTED: "gift",
    EventType.REDEEMED: "ticket",
    EventType.RETURNED: "arrow-back-up",
    EventType.WITHDRAWN: "x",
    EventType.EXPIRED: "clock",
    EventType.SEEN: "eye",
    EventType.CLICKED: "target",
    EventType.OPTED_OUT: "bell-off",
    EventType.UNVERIFIED: "alert-circle",
}
LEVELS = {
    EventType.REDEEMED: "success",
    EventType.RETURNED: "warning",
    EventType.WITHDRAWN: "warning",
    EventType.OPTED_OUT: "warning",
}


@for_roles(*READERS)
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    customer = customer_queries.by_public_id(public_id)
    return render(request, "customers/detail.html", {**_profile(request, customer), **_timeline(request, customer)})


@for_roles(*CONSENT_WRITERS)
def consent(request: HttpRequest, public_id: str) -> HttpResponse:
    """Record what a customer has said to somebody of the staff."""
    customer = customer_queries.by_public_id(public_id)
    form = ConsentForm(request.POST or None, customer=customer)
    if request.method == "POST" and form.is_valid():
        customer_operations.record_consent(
            customer=customer,
            choices=[form.choice],
            how=How.STAFF,
            by=f"user:{request.user.pk}",
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("Written down. It holds everywhere from now on."))
        return redirect("customers:detail", public_id=customer.public_id)
    context = {
        "customer": customer,
        "crumbs": [
            {"label": _("Customers"), "url": reverse("customers:search")},
            {"label": str(customer), "url": reverse("customers:detail", args=[customer.public_id])},
            {"label": _("Consent")},
        ],
        "form": form,
        "history": [_statement(row) for row in customer_queries.consent_history(customer)[:200]],
    }
    return render(request, "customers/consent.html", context, status=422 if request.method == "POST" else 200)


@for_roles(*READERS)
def timeline(request: HttpRequest, public_id: str) -> HttpResponse:
    """The timeline alone, for a swap; a browser without scripts gets the whole page."""
    customer = customer_queries.by_public_id(public_id)
    if wants_fragment(request):
        template = "customers/_timeline_events.html" if "before" in request.GET else "customers/_timeline.html"
        return render(request, template, _timeline(request, customer))
    return render(request, "customers/detail.html", {**_profile(request, customer), **_timeline(request, customer)})


def _receipts(request: HttpRequest) -> QuerySet[Redemption]:
    """Those that this person may read: an associate bound to stores those of these stores, also in a summary."""
    stores = request.user.receipt_stores  # type: ignore[union-attr]
    return Redemption.objects.all() if stores is None else Redemption.objects.filter(store__key__in=stores)


def _not_to_read(request: HttpRequest, events: Sequence[Event]) -> set[int]:
    """The ids of events about receipts that this person may not read."""
    if request.user.receipt_stores is None:  # type: ignore[union-attr]
        return set()
    about = {event.pk: str(event.properties["redemption"]) for event in events if event.properties.get("redemption")}
    found = _receipts(request).filter(public_id__in=set(about.values())).values_list("public_id", flat=True)
    own = {str(public_id) for public_id in found}
    return {pk for pk, receipt in about.items() if receipt not in own}


def _profile(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    now, currency = timezone.now(), usual_currency()
    redeemed = _receipts(request).filter(customer=customer).select_related("store", "channel").order_by("-redeemed_at", "-id")
    return {
        "customer": customer,
        "crumbs": [{"label": _("Customers"), "url": reverse("customers:search")}, {"label": str(customer)}],
        "identities": [
            {"kind": kind_in_words(row.kind), "value": row.value} for row in customer.identities.all()[:MOST_IDENTITIES]
        ],
        "traits": [{"label": _word(name), "value": _said(value)} for name, value in sorted(customer.traits.items())],
        "claims": [{"label": _word(name), "value": _said(value)} for name, value in sorted(customer.claims.items())],
        "figures": _figures(customer, currency),
        "picture": picture(customer, now),
        **_wallet(customer, now),
        "segments": _segments(customer),
        "may_read_segments": bool(SEGMENT_READERS & request.user.roles),  # type: ignore[union-attr]
        "wallet_url": campaign_queries.wallet_url(customer),
        "preferences_url": customer_queries.preferences_url(customer),
        "consent": _consent(customer),
        "may_see_data": Role.OPERATOR in request.user.roles,  # type: ignore[union-attr]
        "may_record_consent": bool(set(CONSENT_WRITERS) & request.user.roles),  # type: ignore[union-attr]
        "redemptions": redeemed[:10],
        "may_sell": bool(SELLERS & request.user.roles),  # type: ignore[union-attr]
        "may_read_statement": bool(set(STATEMENT_READERS) & request.user.roles),  # type: ignore[union-attr]
        "till_url": _till_url(customer),
        **balances(customer, currency),
    }


def _wallet(customer: Customer, now: datetime.datetime) -> dict[str, Any]:
    """What can be used lies open; what is used, expired or withdrawn is there for those who ask."""
    held = campaign_queries.wallet(customer, now=now, most=WALLET_SHOWN)
    return {"wallet": [item for item in held if item.is_usable], "wallet_past": [item for item in held if not item.is_usable]}


def _segments(customer: Customer) -> list[tuple[str, str]]:
    """``(name, address)`` of those the customer is in."""
    keys = customer_queries.segments_of(customer)
    found = customer_queries.segments().filter(key__in=keys) if keys else []
    return [(row.name, reverse("customers:segment", args=[row.public_id])) for row in found]


def _consent(customer: Customer) -> dict[str, Any]:
    """What holds now, and the latest statements."""
    wishes = customer_queries.wishes_of(customer)
    rows = []
    if wishes.per_week is not None:
        rows.append({"label": _("Messages a week"), "value": _("at most %(n)s") % {"n": wishes.per_week}})
    if wishes.paused_until is not None and wishes.paused_until > timezone.now().date():
        rows.append({"label": _("Paused until"), "value": date_format(wishes.paused_until, "DATE_FORMAT")})
    if customer.language:
        rows.append({"label": _("Language"), "value": customer.language})
    history = customer_queries.consent_history(customer)[:6]
    return {"opted_out": wishes.has_opted_out, "rows": rows, "history": [_statement(row) for row in history]}


def _statement(row: Consent) -> dict[str, Any]:
    """One line of the ledger in words: about what, said how, by whom."""
    labels = {key: str(label) for key, label in kind_labels()}
    purposes = {Purpose.MARKETING: _("marketing"), Purpose.SERVICE: _("service messages"), Purpose.RESEARCH: _("surveys")}
    about = [
        str(purposes[Purpose(row.purpose)]),
        labels.get(row.kind, row.kind),
        _("by %(channel)s") % {"channel": row.channel.name} if row.channel else "",
    ]
    if not row.channel and not row.kind:
        about[0] = _("all %(purpose)s") % {"purpose": about[0]}
    hows = {
        How.PREFERENCE_PAGE: _("on the preference page"),
        How.ONE_CLICK: _("by one click in a message"),
        How.API: _("through a partner"),
        How.IMPORT: _("imported"),
        How.STAFF: _("told the staff"),
        How.EVENT: _("by an event"),
        How.MERGE: _("kept when two profiles were merged"),
    }
    return {
        "at": row.said_at,
        "is_given": row.is_given,
        "about": ", ".join(part for part in about if part),
        "how": hows[How(row.how)],
        "reason": row.reason,
        "wording": row.wording,
        "actor": row.actor,
    }


def _till_url(customer: Customer) -> str:
    return f"{reverse('redemptions:till')}?customer={customer.public_id}"


def _figures(customer: Customer, currency: str) -> list[dict[str, Any]]:
    """What the timeline shows, in words; only what is known."""
    facts = customer.facts
    known = [
        (_("Orders"), facts.get("orders")),
        (_("Spent"), _amount(facts.get("spend"), currency)),
        (_("Average order"), _amount(facts.get("average_order"), currency)),
        (_("Last purchase"), facts.get("last_purchase_on")),
        (_("Bought on discount"), _percent(facts.get("discount_share"))),
        (_("Incentives used"), _percent(facts.get("redemption_rate"))),
    ]
    return [{"label": label, "value": value} for label, value in known if value not in (None, "")]


def _percent(value: Any) -> str | None:
    return f"{value} %" if isinstance(value, int | float) else None


def _amount(value: Any, currency: str) -> str | None:
    return format_money(value, currency) if isinstance(value, int) else None


def _said(value: Any) -> Any:
    """A trait as people read it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(str(part) for part in value) if isinstance(value, list) else value


def _word(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _timeline(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in ("type", "channel", "name")}
    events = customer_queries.timeline(customer)
    if asked["type"] in set(EventType):
        events = events.filter(type=asked["type"])
    if asked["channel"]:
        events = events.filter(channel__key=asked["channel"])
    if asked["name"]:
        events = events.filter(name__icontains=asked["name"])
    piece, place = customer_queries.timeline_piece(events, after=_place(request.GET.get("before", "")), most=ON_A_PAGE)
    wanted = {name: value for name, value in asked.items() if value}
    hidden = _not_to_read(request, piece)
    more = {}
    if place:
        query = urlencode({**wanted, "before": f"{place[0].isoformat()}~{place[1]}"})
        more = {
            "older": f"{reverse('customers:detail', args=[customer.public_id])}?{query}#timeline-title",
            "older_fragment": f"{reverse('customers:timeline', args=[customer.public_id])}?{query}",
        }
    return {
        "customer": customer,
        "asked": asked,
        "types": [(kind.value, _labels().get(kind, _word(kind.value))) for kind in EventType],
        "events": [_happening(event, is_hidden=event.pk in hidden) for event in piece],
        **more,
    }


def _place(typed: str) -> tuple[datetime.datetime, int] | None:
    """Where on the timeline a link to older events stands; ``None`` for the beginning, and for what makes no sense."""
    at, _tilde, pk = typed.partition("~")
    try:
        instant, number = datetime.datetime.fromisoformat(at), int(pk[:18])
    except ValueError:
        return None
    return (instant, number) if instant.tzinfo is not None else None


def _labels() -> dict[EventType, str]:
    return {
        EventType.BOUGHT: _("Bought"),
        EventType.GRANTED: _("Granted"),
        EventType.REDEEMED: _("Redeemed"),
        EventType.RETURNED: _("Returned"),
        EventType.WITHDRAWN: _("Withdrawn"),
        EventType.OPTED_OUT: _("Opted out"),
        EventType.UNVERIFIED: _("Unverified"),
    }


def _happening(event: Event, *, is_hidden: bool) -> dict[str, Any]:
    """One entry. ``is_hidden``: that it happened may be read, and not what was bought, for how much or on which receipt."""
    kind = EventType(event.type)
    label = _labels().get(kind, _word(event.type))
    # Also of a server's key, and of a time when public keys could use these names: it shows who says so.
    name = name_from(event.source, event.name) if kind is EventType.TRACK and event.source not in OWN_SOURCES else event.name
    properties = event.properties
    redemption = properties.get("redemption")
    return {
        "at": event.occurred_at,
        "title": (name if kind is EventType.TRACK else f"{label}: {name}") if name else label,
        "text": "" if is_hidden else " · ".join(_notes(kind, properties, event.context)),
        "icon": ICONS.get(kind, "point"),
        "level": LEVELS.get(kind, ""),
        "badge": event.channel.name if event.channel else "",
        "url": reverse("redemptions:receipt", args=[redemption]) if redemption and not is_hidden else "",
    }


def _in_major_units(total: float, currency: str) -> str:
    """As a source writes amounts; what no amount is that large stays as it was written."""
    if abs(total) > LARGEST_TOLD:
        return f"{total} {currency}"
    return format_money(round_half_up(Decimal(str(total)).scaleb(minor_digits(currency))), currency)


def _notes(kind: EventType, properties: dict[str, Any], context: dict[str, Any]) -> list[str]:
    """The few facts of an event worth reading; amounts as amounts."""
    currency = str(properties.get("currency") or "")
    identity = context.get("identity")
    if kind is EventType.IDENTIFY and isinstance(identity, dict) and identity.get("proof"):
        return [_("unverified attributes")]  # anyone may have sent them
    if kind in (EventType.TRACK, EventType.UNVERIFIED):  # as its source wrote it, in major units
        total = properties.get("total", properties.get("value"))
        return [_in_major_units(total, currency)] if isinstance(total, int | float) and currency else []
    notes = []
    for name, sentence in (
        ("paid", _("paid %(value)s")),
        ("discount", _("discount %(value)s")),
        ("payable", _("paid %(value)s")),
        ("amount", _("paid back %(value)s")),
    ):
        value = properties.get(name)
        if isinstance(value, int) and currency:
            notes.append(sentence % {"value": format_money(value, currency)})
    if kind is EventType.OPTED_OUT:
        labels = {key: str(label) for key, label in kind_labels()}
        wanted_less = str(properties.get("kind") or "")
        notes.append(labels.get(wanted_less, wanted_less) or _("all kinds of incentives"))
    if store := properties.get("store"):
        notes.append(_("store %(value)s") % {"value": store})
    if campaign := properties.get("campaign"):
        notes.append(str(campaign))
    if coupons := properties.get("coupons"):
        notes.append(_("%(value)s coupons") % {"value": coupons})
    return notes

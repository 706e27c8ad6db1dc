"""Events as they come in: what arrived, whom it was about and why, what was refused, what waits. For who connects a source."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.htmx import wants_fragment
from incentives_site.shared.problems import Problem

from .. import operations, queries
from ..models import Customer, Event, Rejection, Source
from ..queries import WantedEvents
from ..rules.timeline import EventType
from ..wording import kind_in_words, why_not_used, why_refused
from .admission import WATCHERS

MOST_SHOWN = 300  # a page left open for a day does not grow without end: it is loaded anew
FILTERS = ("source", "type", "name", "who", "any_time")


@for_roles(*WATCHERS)
def live_events(request: HttpRequest) -> HttpResponse:
    """The newest events; an htmx request with ``after`` gets those that are newer, and the figures beside them."""
    now = timezone.now()
    wanted, unknown = _wanted(request)
    after = _number(request.GET.get("after", ""))
    is_more = wants_fragment(request) and "after" in request.GET
    newest = queries.newest_number()
    events = [] if unknown else queries.live_events(wanted, now=now, after=after if is_more else 0)
    shown = _number(request.GET.get("shown", "")) + len(events) if is_more else len(events)
    if is_more and shown > MOST_SHOWN:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {
        **_state(request, wanted, now),
        "events": [_event(event) for event in events],
        "newest": max([newest, *(event.pk for event in events)]) if wanted.customer is None else _latest(events, after),
        "shown": shown,
        "is_more": is_more,
    }
    if not is_more:
        context |= _frame(request, unknown, bool(events))
    context["is_changed"] = not is_more or request.GET.get("state") != context["state"]
    response = render(request, "customers/_live_more.html" if is_more else "customers/events.html", context)
    if is_more and events:
        sentence = ngettext("%(n)s new event", "%(n)s new events", len(events)) % {"n": len(events)}
        response["HX-Trigger"] = json.dumps({"announce": sentence})
    return response


def _latest(events: list[Event], after: int) -> int:
    return max([after, *(event.pk for event in events)])


@for_roles(Role.OPERATOR)
@require_POST
def send_again(request: HttpRequest) -> HttpResponse:
    """Send a refused event again: it is judged anew, in its turn."""
    wanted = request.POST.get("rejection", "")
    rejection = Rejection.objects.select_related("source").filter(pk=int(wanted[:18]) if wanted.isdecimal() else 0).first()
    if rejection is not None and operations.replay(rejection=rejection, now=timezone.now()):
        messages.success(request, _("Sent again. It is judged anew in a moment."))
    else:
        messages.warning(request, _("It was sent again before."))
    return redirect(f"{reverse('customers:events')}?{_query(request.POST)}")


def _number(typed: str) -> int:
    return int(typed[:18]) if typed.isascii() and typed.isdecimal() else 0


def _query(values: Any) -> str:
    return urlencode({name: values.get(name) for name in FILTERS if values.get(name)})


def _wanted(request: HttpRequest) -> tuple[WantedEvents, bool]:
    """What the filters ask for, and whether they name somebody whom nobody knows."""
    values = {name: request.GET.get(name, "").replace("\x00", "").strip()[:320] for name in FILTERS}
    customer = _customer(values["who"]) if values["who"] else None
    wanted = WantedEvents(
        source=values["source"][:64],
        type=values["type"] if values["type"] in set(EventType) else "",
        name=values["name"][:200],
        customer=customer,
        is_any_time=bool(values["any_time"]),
    )
    return wanted, bool(values["who"]) and customer is None


def _customer(typed: str) -> Customer | None:
    """By ``kind:value``, or by a value of whatever kind."""
    kind, colon, value = typed.partition(":")
    if colon:
        try:
            return queries.by_identity(kind.strip(), value)
        except (Problem, ValueError):
            pass
    for kind in ("anonymous_id", "device_id"):
        try:
            return queries.by_identity(kind, typed)
        except (Problem, ValueError):
            continue
    return queries.at_counter(typed)


def _state(request: HttpRequest, wanted: WantedEvents, now: Any) -> dict[str, Any]:
    """What stands beside the events and changes with them."""
    minutes = queries.per_minute(now=now)
    waiting = queries.waiting()
    query = _query(request.GET)
    here = reverse("customers:events")
    refused = queries.rejections(wanted.source)
    # Figures that are as they were stay in the page: what somebody has opened or chosen there is left alone.
    said = [minutes, waiting, [(row.pk, row.replayed_at) for row in refused]]
    return {
        "state": hashlib.sha256(repr(said).encode()).hexdigest()[:16],
        "minutes": [(date_format(timezone.localtime(minute), "H:i"), count) for minute, count in minutes],
        "last_minute": minutes[-2][1],
        "waiting": waiting,
        "is_stuck": waiting.since is not None and (now - waiting.since).total_seconds() > 60,
        "rejections": [{"is": row, "why": why_refused(row.reason)} for row in refused],
        "may_send_again": Role.OPERATOR in request.user.roles,  # type: ignore[union-attr]
        "filters": [(name, request.GET[name]) for name in FILTERS if request.GET.get(name)],
        "query": query,
        "here": f"{here}?{query}" if query else here,
        "paused": bool(request.GET.get("paused")),
        "paused_url": f"{here}?{query}&paused=1" if query else f"{here}?paused=1",
    }


def _frame(request: HttpRequest, unknown: bool, has_events: bool) -> dict[str, Any]:
    sources = list(Source.objects.select_related("channel").order_by("name"))
    is_operator = Role.OPERATOR in request.user.roles  # type: ignore[union-attr]
    chosen = next((row for row in sources if row.key == request.GET.get("source")), sources[0] if sources else None)
    return {
        "crumbs": [{"label": _("Customers"), "url": reverse("customers:search")}, {"label": _("Live events")}],
        "sources": sources,
        "types": [kind.value for kind in EventType],
        "values": {name: request.GET.get(name, "") for name in FILTERS},
        "unknown": unknown,
        "is_filtered": any(request.GET.get(name) for name in FILTERS),
        "chosen": chosen,
        "unchosen": [row for row in sources if not row.is_trust_chosen] if is_operator else [],
        "write_key": chosen.write_key if chosen and is_operator else "",
        "host": settings.BASE_URL,
        "host_and_path": settings.BASE_URL.partition("://")[2] + "/v1",
        "is_operator": is_operator,
        "open_setup": not has_events and not request.GET.get("who") and not request.GET.get("name"),
    }


def _event(event: Event) -> dict[str, Any]:
    identity = event.context.get("identity")
    identity = identity if isinstance(identity, dict) else {}
    owner, received = event.customer.forwarded_to or event.customer, timezone.localtime(event.received_at)
    dropped = [item for item in _triples(identity.get("dropped")) if len(item) == 3]
    unused = {(kind, value) for kind, value, _reason in dropped}
    named = [
        {"kind": kind_in_words(item[0]), "value": item[1]}
        for item in _triples(identity.get("named"))
        if len(item) == 2 and (item[0], item[1]) not in unused
    ]
    whole = {
        "id": str(event.public_id),
        "type": event.type,
        "name": event.name,
        "source": event.source,
        "channel": event.channel.key if event.channel else None,
        "messageId": event.message_id,
        "occurred_at": event.occurred_at.isoformat(),
        "received_at": event.received_at.isoformat(),
        "properties": event.properties,
        "context": {name: value for name, value in event.context.items() if name != "identity"},
    }
    return {
        "is": event,
        "customer": owner,
        "who": owner.display_name or (f"{named[0]['kind']} {named[0]['value']}" if named else str(owner.public_id)[:8]),
        "when": date_format(received, "H:i:s")
        if received.date() == timezone.localdate()
        else date_format(received, "j M, H:i:s"),
        "named": named,
        "claimed": [
            {"kind": kind_in_words(item[0]), "value": item[1]} for item in _triples(identity.get("claimed")) if len(item) == 2
        ],
        "token": identity.get("token", ""),
        "dropped": [
            {"kind": kind_in_words(kind), "value": value, "why": why_not_used(reason, kind)} for kind, value, reason in dropped
        ],
        "json": json.dumps(whole, indent=2, ensure_ascii=False),
    }


def _triples(found: Any) -> list[list[str]]:
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, list) and all(isinstance(part, str) for part in row)]

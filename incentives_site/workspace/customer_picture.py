"""A customer's behaviour as a picture: where it stands, what it buys where and when; from facts and the last year's purchases."""

import datetime
from typing import Any

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Channel, Customer
from customers.rules.insight import Engagement, Stage

MOST_PURCHASES = 500  # the newest, however many somebody makes
WEEKS = 53
MOST_BARS = 5

_PURCHASES = """
WITH newest AS MATERIALIZED (
    SELECT id, placed_at, channel_id FROM customers_purchase
    WHERE customer_id = %(who)s AND placed_at > %(since)s ORDER BY placed_at DESC LIMIT %(most)s)
SELECT 'week', floor(EXTRACT(epoch FROM placed_at - %(since)s::timestamptz) / 604800)::int::text, count(*)
    FROM newest GROUP BY 2
UNION ALL SELECT 'channel', channel_id::text, count(*) FROM newest GROUP BY 2
UNION ALL SELECT 'category', l.category, sum(l.quantity)
    FROM newest JOIN customers_purchaseline l ON l.purchase_id = newest.id WHERE l.category <> '' GROUP BY 2
"""


def picture(customer: Customer, now: datetime.datetime) -> dict[str, Any]:
    """For ``customers/_behaviour.html``. Two queries."""
    facts = customer.facts
    since = now - datetime.timedelta(weeks=WEEKS)
    with connection.cursor() as cursor:
        cursor.execute(_PURCHASES, {"who": customer.pk, "since": since, "most": MOST_PURCHASES})
        counted: dict[str, dict[str, int]] = {"week": {}, "channel": {}, "category": {}}
        for what, word, count in cursor.fetchall():
            counted[what][word] = int(count)
    channels = {str(row.pk): row for row in Channel.objects.all()}
    by_channel = {str(channels[pk]): count for pk, count in counted["channel"].items() if pk in channels}
    weeks = [
        (
            date_format((since + datetime.timedelta(weeks=week)).date(), "j M Y"),
            counted["week"].get(str(week), 0),
        )
        for week in range(WEEKS)
    ]
    return {
        "stage": _stage(str(facts.get("stage", ""))),
        "engagement": _engagement(facts),
        "scores": [
            {"label": label, "score": facts[name]}
            for label, name in (
                (_("Recency"), "recency_score"),
                (_("Frequency"), "frequency_score"),
                (_("Value"), "value_score"),
            )
            if isinstance(facts.get(name), int)
        ],
        "categories": _ranked(counted["category"]),
        "channels": _ranked(by_channel),
        "reacts_in": next((str(row) for row in channels.values() if row.key == facts.get("reacts_in")), ""),
        "weeks": weeks if any(count for _week, count in weeks) else [],
        "rhythm": _rhythm(facts),
        "channel_choices": sorted(((row.key, row.name) for row in channels.values()), key=lambda pair: pair[1]),
    }


def _ranked(counts: dict[str, int]) -> list[tuple[str, int, str]]:
    best = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_BARS]
    return [(name, count, str(count)) for name, count in best]


def _stage(stage: str) -> dict[str, str] | None:
    words = {
        Stage.NEW: (_("New"), "info", _("Within the first weeks of the first purchase.")),
        Stage.ACTIVE: (_("Active"), "success", _("Buys as usual.")),
        Stage.GROWING: (_("Growing"), "success", _("Spends clearly more than in the months before.")),
        Stage.AT_RISK: (_("At risk"), "warning", _("Silent for longer than usual.")),
        Stage.LAPSED: (_("Lapsed"), "danger", _("Silent for so long that it may not come back by itself.")),
        Stage.WON_BACK: (_("Won back"), "success", _("Has bought again after a long silence.")),
    }
    found = next((said for one, said in words.items() if one.value == stage), None)
    return {"label": found[0], "level": found[1], "text": found[2]} if found else None


def _engagement(facts: dict[str, Any]) -> dict[str, str] | None:
    words = {
        Engagement.HIGH: _("High"),
        Engagement.MEDIUM: _("Medium"),
        Engagement.LOW: _("Low"),
        Engagement.NONE: _("None"),
    }
    label = next((label for one, label in words.items() if one.value == facts.get("engagement")), None)
    days = facts.get("active_days_30d")
    if label is None:
        return None
    text = ""
    if isinstance(days, int):
        text = ngettext("active on %(n)s of 30 days", "active on %(n)s of 30 days", days) % {"n": days}
    return {"label": label, "text": text}


def _rhythm(facts: dict[str, Any]) -> dict[str, str] | None:
    """How often it buys, and whether it is time again."""
    gap, due = facts.get("purchase_gap_days"), facts.get("purchase_due")
    if not isinstance(gap, int | float) or gap < 1:
        return None
    days = round(gap)
    text = ngettext("Usually buys every day.", "Usually buys every %(n)s days.", days) % {"n": days}
    expected = _day(facts.get("next_purchase_on"))
    match due:
        case "late":
            return {"text": text, "level": "danger", "due": _("Late: expected %(day)s") % {"day": expected}}
        case "due":
            return {"text": text, "level": "warning", "due": _("Due since %(day)s") % {"day": expected}}
        case "not_yet":
            return {"text": text, "level": "", "due": _("Next expected %(day)s") % {"day": expected}}
    return {"text": text, "level": "", "due": ""}


def _day(value: Any) -> str:
    try:
        return str(date_format(datetime.date.fromisoformat(str(value)), "DATE_FORMAT"))
    except ValueError:
        return str(value or "–")

"""Keep what is known of customers fresh: counted from purchases and timeline by a few statements for many customers at once."""

import datetime
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson
from django.db import connection, transaction

from ..models import Channel, Customer, CustomerScale, JourneyStages, Store
from ..rules.insight import Bought, Done, Scale, StageRule, insight
from ..rules.timeline import EventType

WINDOWS = (30, 90, 365)
AT_ONCE = 1_000
MOST_FAVOURITES = 5

# Names by which the Segment clients' own plugins and the mail providers call what became of a message.
OPENED = ("Email Opened", "Push Notification Opened", "Message Opened")
CLICKED = ("Email Link Clicked", "Push Notification Tapped", "Message Link Clicked")
SENT = ("Email Delivered", "Email Sent", "Push Notification Received", "Message Sent")

_BOUGHT = """
SELECT p.customer_id, count(*), sum(p.paid - p.refunded), min(p.placed_at), max(p.placed_at),
    (array_agg(p.placed_at ORDER BY p.placed_at DESC))[2],
    count(*) FILTER (WHERE p.discount > 0),
    count(*) FILTER (WHERE p.placed_at > %(d30)s), COALESCE(sum(p.paid - p.refunded) FILTER (WHERE p.placed_at > %(d30)s), 0),
    count(*) FILTER (WHERE p.placed_at > %(d90)s), COALESCE(sum(p.paid - p.refunded) FILTER (WHERE p.placed_at > %(d90)s), 0),
    count(*) FILTER (WHERE p.placed_at > %(d365)s), COALESCE(sum(p.paid - p.refunded) FILTER (WHERE p.placed_at > %(d365)s), 0),
    COALESCE(sum(p.paid - p.refunded) FILTER (WHERE p.placed_at > %(d180)s AND p.placed_at <= %(d90)s), 0),
    mode() WITHIN GROUP (ORDER BY p.channel_id), mode() WITHIN GROUP (ORDER BY p.store_id)
FROM customers_purchase p WHERE p.customer_id = ANY(%(ids)s) AND p.placed_at <= %(now)s GROUP BY p.customer_id
"""
_FAVOURITES = """
SELECT customer_id, what, (array_agg(word ORDER BY units DESC, word))[1:%(most)s] FROM (
    SELECT p.customer_id, w.what, w.word, sum(l.quantity) AS units
    FROM customers_purchase p JOIN customers_purchaseline l ON l.purchase_id = p.id
    CROSS JOIN LATERAL (VALUES ('c', l.category), ('b', l.brand)) AS w (what, word)
    WHERE p.customer_id = ANY(%(ids)s) AND p.placed_at > %(d365)s AND w.word <> ''
    GROUP BY 1, 2, 3
) AS counted GROUP BY 1, 2
"""
_DONE = """
SELECT customer_id,
    count(*) FILTER (WHERE type IN ('page', 'screen') AND occurred_at > %(d30)s),
    count(DISTINCT (occurred_at AT TIME ZONE 'UTC')::date) FILTER (WHERE occurred_at > %(d30)s AND NOT type = ANY(%(ours)s)),
    count(*) FILTER (WHERE name = ANY(%(sent)s)),
    count(*) FILTER (WHERE name = ANY(%(opened)s)),
    count(*) FILTER (WHERE name = ANY(%(clicked)s) OR type = 'clicked'),
    count(*) FILTER (WHERE type = 'granted'),
    COALESCE(sum(COALESCE((properties ->> 'grants')::int, 1)) FILTER (WHERE type = 'redeemed'), 0),
    max(occurred_at) FILTER (WHERE NOT type = ANY(%(ours)s)),
    mode() WITHIN GROUP (ORDER BY CASE
        WHEN name = ANY(%(opened)s) OR name = ANY(%(clicked)s) OR type IN ('page', 'screen', 'clicked', 'redeemed')
        THEN channel_id END),
    count(*) FILTER (WHERE type = 'redeemed'), max(occurred_at) FILTER (WHERE type = 'redeemed')
FROM customers_event WHERE customer_id = ANY(%(ids)s) AND occurred_at > %(d365)s AND occurred_at <= %(now)s GROUP BY customer_id
"""
_LIKED = """
SELECT customer_id, (array_agg(kind ORDER BY times DESC, kind))[1:%(most)s] FROM (
    SELECT customer_id, kind, count(*) AS times
    FROM customers_event, jsonb_array_elements_text(
        CASE jsonb_typeof(properties -> 'kinds') WHEN 'array' THEN properties -> 'kinds' ELSE '[]' END) AS kind
    WHERE customer_id = ANY(%(ids)s) AND type = 'redeemed' AND occurred_at > %(d365)s GROUP BY 1, 2
) AS counted GROUP BY 1
"""
# What becomes unknown is forgotten; facts of others (a tier, what a partner told) stay.
_WRITE = """
UPDATE customers_customer c SET facts = jsonb_strip_nulls(c.facts || f.facts)
FROM jsonb_to_recordset(%s::jsonb) AS f (id bigint, facts jsonb) WHERE c.id = f.id
"""
# What the company did, as opposed to what the customer did.
OURS = [
    EventType.GRANTED,
    EventType.WITHDRAWN,
    EventType.EXPIRED,
    EventType.MERGED,
    EventType.SPLIT,
    EventType.ENTERED,
    EventType.LEFT,
    EventType.IMPORTED,
]


def refresh_insight(*, customers: Collection[int], now: datetime.datetime) -> None:
    """Count anew what is known of these customers, by their ids, and write it. Joins the caller's transaction."""
    if not customers:
        return
    rule, scale = _rule(), _scale()
    ids = sorted(customers)
    bought, done = _bought(ids, now), _done(ids, now)
    rows = []
    for pk, first_seen_at in (
        Customer.objects.filter(pk__in=ids, forwarded_to=None, erased_at=None).order_by("pk").values_list("pk", "first_seen_at")
    ):
        known = insight(
            bought.get(pk, Bought()), done.get(pk, Done()), first_seen_at=first_seen_at, now=now, rule=rule, scale=scale
        )
        rows.append({"id": pk, "facts": known})
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [orjson.dumps(rows).decode()])


def refresh_all(*, now: datetime.datetime) -> int:
    """Count the scale and every customer anew, as time passes also where nothing happens; how many customers."""
    _count_scale(now)
    done = 0
    for ids in _in_pieces():
        with transaction.atomic():
            # In the order of ids, as everybody locks customers.
            list(Customer.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
            refresh_insight(customers=ids, now=now)
        done += len(ids)
    return done


def _in_pieces() -> Iterator[list[int]]:
    last = 0
    while True:
        alive = Customer.objects.filter(pk__gt=last, forwarded_to=None, erased_at=None)
        ids = list(alive.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _times(ids: list[int], now: datetime.datetime) -> dict[str, Any]:
    ago = {f"d{days}": now - datetime.timedelta(days=days) for days in (30, 90, 180, 365)}
    return {"ids": ids, "now": now, "most": MOST_FAVOURITES, **ago}


def _bought(ids: list[int], now: datetime.datetime) -> dict[int, Bought]:
    values = _times(ids, now)
    with connection.cursor() as cursor:
        cursor.execute(_BOUGHT, values)
        rows = cursor.fetchall()
        words: dict[tuple[int, str], list[str]] = {}
        if rows:
            cursor.execute(_FAVOURITES, values | {"ids": [row[0] for row in rows]})
            words = {(pk, what): found for pk, what, found in cursor.fetchall()}
    channels, stores = _keys(Channel, {row[14] for row in rows}), _keys(Store, {row[15] for row in rows})
    return {
        row[0]: Bought(
            orders=row[1],
            spend=int(row[2]),
            first_at=row[3],
            last_at=row[4],
            before_last_at=row[5],
            with_discount=row[6],
            windows={days: (row[7 + 2 * n], int(row[8 + 2 * n])) for n, days in enumerate(WINDOWS)},
            spend_before_90=int(row[13]),
            channel=channels.get(row[14], ""),
            store=stores.get(row[15], ""),
            categories=words.get((row[0], "c"), ()),
            brands=words.get((row[0], "b"), ()),
        )
        for row in rows
    }


def _done(ids: list[int], now: datetime.datetime) -> dict[int, Done]:
    values: Mapping[str, Any] = {
        **_times(ids, now),
        "sent": list(SENT),
        "opened": list(OPENED),
        "clicked": list(CLICKED),
        "ours": [kind.value for kind in OURS],
    }
    with connection.cursor() as cursor:
        cursor.execute(_DONE, values)
        rows = cursor.fetchall()
        redeemers = [row[0] for row in rows if row[7]]
        liked: dict[int, list[str]] = {}
        if redeemers:
            cursor.execute(_LIKED, {**values, "ids": redeemers})
            liked = dict(cursor.fetchall())
    channels = _keys(Channel, {row[9] for row in rows})
    return {
        row[0]: Done(
            visits_30=row[1],
            active_days_30=row[2],
            sent=row[3],
            opened=row[4],
            clicked=row[5],
            granted=row[6],
            redeemed=row[7],
            last_at=row[8],
            reacts_in=channels.get(row[9], ""),
            liked=liked.get(row[0], ()),
            redemptions=row[10],
            redeemed_at=row[11],
        )
        for row in rows
    }


def _keys(model: type[Channel] | type[Store], ids: set[int | None]) -> dict[int | None, str]:
    wanted = [pk for pk in ids if pk is not None]
    return dict(model._default_manager.filter(pk__in=wanted).values_list("pk", "key")) if wanted else {}


def _rule() -> StageRule:
    row = JourneyStages.objects.first()
    if row is None:
        return StageRule()
    return StageRule(row.new_days, row.at_risk_days, row.lapsed_days, row.at_risk_gaps, row.lapsed_gaps, row.growing_percent)


def _scale() -> Scale:
    row = CustomerScale.objects.first()
    return Scale(row.recency, row.frequency, row.value) if row else Scale()


_SCALE = """
SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY recency),
       percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY orders),
       percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY spend)
FROM (SELECT -extract(day FROM %(now)s - max(placed_at))::float AS recency,
             count(*) FILTER (WHERE placed_at > %(d365)s)::float AS orders,
             COALESCE(sum(paid - refunded) FILTER (WHERE placed_at > %(d365)s), 0)::float AS spend
      FROM customers_purchase WHERE customer_id IS NOT NULL AND placed_at <= %(now)s GROUP BY customer_id) AS counted
"""


def _count_scale(now: datetime.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SCALE, {"now": now, "d365": now - datetime.timedelta(days=365)})
        recency, frequency, value = cursor.fetchone()
    if recency is not None:
        CustomerScale.objects.create(counted_at=now, recency=recency, frequency=frequency, value=value)
        CustomerScale.objects.filter(counted_at__lt=now).delete()

"""Write an order that incentives were used on, in one statement: redemption, lines, what applied, the customer's timeline, who is
to be told, and what is used of limits.

Others wait for what it locks, and each round trip to the database costs more than what it writes. For an order that uses
nothing but limits the statement is the whole transaction (``docs/decisions/0009-most-orders-are-one-statement.md``).
"""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError

from campaigns.models import Incentive
from campaigns.operations import Demand, as_parameter, consuming
from customers.operations import NOTED
from customers.rules.timeline import EventType
from incentives_site.integrations.operations import announcing, told
from incentives_site.shared.json_text import json_text
from incentives_site.shared.prepared import array_text, prepared_cursor
from incentives_site.shared.rows import row_written

from ..models import Redemption
from ._announce import redeemed_as_told
from ._quote import Quote

# The event is what ``customers.operations.track`` writes, with the note that the customer has to be judged anew; its message is
# as new as the redemption. Nothing is written when the source's order is there already; whoever writes it at the same time is
# waited for.
_WRITTEN = f"""
WITH redemption AS (
    INSERT INTO redemptions_redemption (public_id, source, order_key, customer_id, channel_id, store_id, currency, basket,
        decision, initial, discount, stored_value, payable, surroundings, placed_at, redeemed_at, actor)
    VALUES (%(public_id)s::uuid, %(source)s::text, %(order_key)s::text, %(customer)s::bigint, %(channel)s::bigint,
        %(store)s::bigint, %(currency)s::text, %(basket)s::jsonb, %(decision)s::jsonb, %(initial)s::bigint, %(discount)s::bigint,
        %(stored_value)s::bigint, %(payable)s::bigint, %(surroundings)s::jsonb, %(placed_at)s::timestamptz, %(now)s::timestamptz,
        %(actor)s::text)
    ON CONFLICT (source, order_key) DO NOTHING RETURNING id
), lines AS (
    INSERT INTO redemptions_redemptionline (redemption_id, position, line, sku, name, quantity, unit_price, discount,
        stored_value, payable, returned)
    SELECT redemption.id, l.position, l.line, l.sku, l.name, l.quantity, l.unit_price, l.discount, l.stored_value, l.payable, 0
    FROM redemption CROSS JOIN json_to_recordset(%(lines)s::json) AS l (position int, line text, sku text, name text,
        quantity int, unit_price bigint, discount bigint, stored_value bigint, payable bigint)
), applied AS (
    INSERT INTO redemptions_appliedincentive (redemption_id, position, incentive_id, campaign_id, grant_id, code_id, amount,
        consumed, terms, clawed_back)
    SELECT redemption.id, a.position, a.incentive, a.campaign, a.held, a.code, a.amount, a.consumed, a.terms, 0
    FROM redemption CROSS JOIN json_to_recordset(%(applied)s::json) AS a (position int, incentive bigint, campaign bigint,
        held bigint, code bigint, amount bigint, consumed jsonb, terms jsonb)
), targeted AS (
    INSERT INTO campaigns_targetedcustomer (campaign_id, customer_id, targeted_at)
    SELECT campaign, %(customer)s::bigint, %(now)s::timestamptz
    FROM redemption CROSS JOIN unnest(%(campaigns)s::bigint[]) AS campaign
    WHERE %(customer)s::bigint IS NOT NULL ON CONFLICT DO NOTHING
), event AS (
    INSERT INTO customers_event (public_id, customer_id, type, name, channel_id, occurred_at, received_at, source, message_id,
        properties)
    SELECT gen_random_uuid(), %(customer)s::bigint, %(type)s::text, %(name)s::text, %(channel)s::bigint, %(now)s::timestamptz,
        %(now)s::timestamptz, 'redemptions', 'redeemed:' || %(public_id)s::text, %(properties)s::jsonb
    FROM redemption WHERE %(customer)s::bigint IS NOT NULL
), changed AS (
    {NOTED} SELECT %(customer)s::bigint, %(now)s::timestamptz
    FROM redemption WHERE %(customer)s::bigint IS NOT NULL
), counted AS (
    {consuming("redemption")}
)"""  # noqa: S608  (put together from fixed pieces; every value is a parameter)
_ID = "CASE WHEN (SELECT count(*) FROM counted) = %(counters)s::bigint THEN id ELSE redemptions_does_not_fit() END"
_RECORD = f"{_WRITTEN} SELECT {_ID}, 0 FROM redemption"  # noqa: S608
# Where somebody is told of it. What a statement could do costs it time also where it has nothing to do.
_RECORD_AND_TELL = f"{_WRITTEN}, {announcing('redemption')} SELECT {_ID}, (SELECT count(*) FROM delivery) FROM redemption"  # noqa: S608
DOES_NOT_FIT = "RD001"


class DoesNotFit(Exception):
    """Something that was to be counted does not fit into its limit: the statement has written nothing."""


def record(
    quoted: Quote,
    *,
    planned: Sequence[Sequence[Demand]],
    counted: Sequence[Demand],
    source: str,
    order_key: str,
    placed_at: datetime.datetime,
    by: str,
    now: datetime.datetime,
) -> Redemption | None:
    """The redemption, written in the caller's transaction; ``None`` when this order of the source was redeemed before.

    ``planned`` is what each incentive uses of limits, as it is kept with the order; ``counted`` of that, one demand of each
    count, is used up here. Raises ``DoesNotFit``, after which a transaction must be rolled back.
    """
    request, decision, totals = quoted.request, quoted.decision, quoted.decision.totals
    customer, channel, store = quoted.customer, quoted.channel, quoted.store
    redemption = row_written(
        Redemption,
        {
            "public_id": uuid.uuid4(),
            "source": source,
            "order_key": order_key,
            "customer_id": customer.pk if customer else None,
            "channel_id": channel.pk,
            "store_id": store.pk if store else None,
            "currency": decision.currency,
            "basket": {**request.basket, "currency": request.currency, "codes": quoted.stored_codes},
            # The row in memory has the codes for the answer to who sent them; the table has them masked.
            "decision": quoted.data,
            "initial": totals.initial,
            "discount": totals.discount,
            "stored_value": totals.stored_value,
            "payable": totals.payable,
            "surroundings": dict(quoted.surroundings),
            "placed_at": placed_at,
            "redeemed_at": now,
            "actor": by,
        },
        {"customer": customer, "channel": channel, "store": store},
    )
    values = {
        **_order(redemption),
        "decision": json_text(quoted.stored(redemption.decision)),
        **_lines(quoted),
        **_applied(quoted, planned),
        **_event(quoted, redemption),
        **as_parameter(counted),
        "counters": len(counted),
    }
    if quoted.is_told:
        values |= redeemed_as_told(redemption)
    try:
        with prepared_cursor() as cursor:
            cursor.execute(_RECORD_AND_TELL if quoted.is_told else _RECORD, values)
            row = cursor.fetchone()
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") == DOES_NOT_FIT:
            raise DoesNotFit from None
        raise
    if row is None:
        return None
    redemption.pk = row[0]
    told(row[1])
    return redemption


def _order(redemption: Redemption) -> dict[str, Any]:
    return {
        "public_id": redemption.public_id,
        "source": redemption.source,
        "order_key": redemption.order_key,
        "customer": redemption.customer_id,
        "channel": redemption.channel_id,
        "store": redemption.store_id,
        "currency": redemption.currency,
        "basket": json_text(redemption.basket),
        "initial": redemption.initial,
        "discount": redemption.discount,
        "stored_value": redemption.stored_value,
        "payable": redemption.payable,
        "surroundings": json_text(redemption.surroundings),
        "placed_at": redemption.placed_at,
        "now": redemption.redeemed_at,
        "actor": redemption.actor,
    }


def _lines(quoted: Quote) -> dict[str, str]:
    lines = [
        {
            "position": position,
            "line": bought.id,
            "sku": bought.sku,
            "name": bought.name,
            "quantity": bought.quantity,
            "unit_price": bought.unit_price,
            "discount": paid.discount,
            "stored_value": paid.stored_value,
            "payable": paid.payable,
        }
        for position, (bought, paid) in enumerate(zip(quoted.basket.lines, quoted.decision.lines, strict=True))
    ]
    return {"lines": json_text(lines)}


def _applied(quoted: Quote, planned: Sequence[Sequence[Demand]]) -> dict[str, str]:
    applied = []
    for position, (item, demands) in enumerate(zip(quoted.incentives, planned, strict=True)):
        row = quoted.sources[item.incentive]
        applied.append(
            {
                "position": position,
                "incentive": row.incentive.pk,
                "campaign": row.incentive.campaign_id,
                "held": row.grant.pk if row.grant else None,
                "code": row.code_id,
                "amount": item.amount,
                "consumed": [[demand.limit_id, demand.subject, demand.amount] for demand in demands],
                "terms": terms_of(row.incentive),
            }
        )
    # In one order for all, for those who come at the same time.
    campaigns = sorted({quoted.source_of(item).incentive.campaign_id for item in quoted.incentives})
    return {"applied": json_text(applied), "campaigns": array_text(campaigns)}


def _event(quoted: Quote, redemption: Redemption) -> dict[str, str]:
    properties = {
        "redemption": str(redemption.public_id),
        "order": redemption.order_key,
        "currency": redemption.currency,
        "discount": redemption.discount,
        "payable": redemption.payable,
        "store": quoted.store.key if quoted.store else None,
        # What a segment asks by: "redeemed X", whatever else was used on the same order.
        "incentives": [
            {"key": source.key, "name": source.name, "campaign": str(source.campaign.public_id)}
            for source in (quoted.sources[item.incentive].incentive for item in quoted.incentives)
        ],
        # How many of them the customer held.
        "grants": sum(quoted.sources[item.incentive].grant is not None for item in quoted.incentives),
        "kinds": sorted(
            {str(quoted.sources[item.incentive].incentive.effect.get("type", "award")) for item in quoted.incentives}
        ),
    }
    return {
        "type": EventType.REDEEMED.value,
        "name": ", ".join(item.name for item in quoted.incentives)[:200],
        "properties": json_text(properties),
    }


def terms_of(incentive: Incentive) -> dict[str, object]:
    """What the incentive promises now, in the language of simulations, so that it can be judged again later."""
    group = incentive.stack_group
    return {
        "effect": incentive.effect,
        "conditions": incentive.conditions,
        "awards": incentive.awards,
        "priority": incentive.priority,
        "time_zone": incentive.campaign.time_zone,
        "group": {
            "key": group.key,
            "eligibility": group.eligibility,
            "rank": group.rank,
            "limit": group.limit,
            "pick": group.pick,
            "scope": group.scope,
            "base": group.base or None,
            "consume_without_effect": group.consume_without_effect,
        },
    }

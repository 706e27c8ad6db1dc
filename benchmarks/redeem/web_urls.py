"""The product's addresses and the yardsticks: plain Django views with one hand-written statement, behind the same middleware."""

import json
import uuid

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

# Everything that a redemption leaves behind, in one statement: who and what, the order, its lines, the incentive, the customer's
# timeline, that it is to be judged anew, both counters.
REDEEM = """
WITH asked AS (
    SELECT c.id AS customer, c.public_id AS holder, i.id AS incentive, i.campaign_id AS campaign, n.id AS channel
    FROM customers_customer c, campaigns_incentive i, customers_channel n
    WHERE c.id = (SELECT customer_id FROM customers_identity WHERE kind = 'loyalty_card' AND value = %(card)s)
      AND i.id = (SELECT incentive_id FROM campaigns_code WHERE digest = %(digest)s) AND n.key = 'store'
), redeemed AS (
    INSERT INTO redemptions_redemption (public_id, source, order_key, customer_id, channel_id, currency, basket, decision,
                                        initial, discount, stored_value, payable, surroundings, placed_at, redeemed_at, actor)
    SELECT gen_random_uuid(), 'bare', %(order)s, customer, channel, 'USD', %(basket)s::jsonb, %(decision)s::jsonb, 13096, 1309, 0,
           11787, '{}', now(), now(), 'key:bare' FROM asked RETURNING id, public_id
), lines AS (
    INSERT INTO redemptions_redemptionline (redemption_id, position, line, sku, name, quantity, unit_price, discount,
                                            stored_value, payable, returned)
    SELECT redeemed.id, line.* FROM redeemed, (VALUES (0, 'line-0', 'sku-0', '', 1, 2000, 200, 0, 1800, 0),
        (1, 'line-1', 'sku-1', '', 2, 2137, 427, 0, 3847, 0), (2, 'line-2', 'sku-2', '', 3, 2274, 682, 0, 6140, 0)) AS line
), applied AS (
    INSERT INTO redemptions_appliedincentive (redemption_id, position, incentive_id, campaign_id, amount, consumed, terms,
                                              clawed_back)
    SELECT redeemed.id, 0, incentive, campaign, 1309, '[]', '{}', 0 FROM redeemed, asked
), targeted AS (
    INSERT INTO campaigns_targetedcustomer (campaign_id, customer_id, targeted_at)
    SELECT campaign, customer, now() FROM asked ON CONFLICT DO NOTHING
), event AS (
    INSERT INTO customers_event (public_id, customer_id, type, name, channel_id, occurred_at, received_at, source, message_id,
                                 properties)
    SELECT gen_random_uuid(), customer, 'redeemed', 'Ten percent', channel, now(), now(), 'redemptions',
           'redeemed:' || redeemed.public_id, '{}' FROM redeemed, asked
), noted AS (
    INSERT INTO customers_unjudged (customer_id, noted_at) SELECT customer, now() FROM asked
), counted AS (
    INSERT INTO campaigns_limitcounter AS counter (limit_id, subject, used)
    SELECT l.id, CASE l.per WHEN 'customer' THEN holder::text ELSE '' END, 1
    FROM asked JOIN campaigns_limit l ON l.incentive_id = asked.incentive ORDER BY 1
    ON CONFLICT (limit_id, subject) DO UPDATE SET used = counter.used + 1
    WHERE counter.used + 1 <= (SELECT maximum FROM campaigns_limit l WHERE l.id = counter.limit_id)
    RETURNING 1
)
SELECT redeemed.public_id, (SELECT count(*) FROM counted) FROM redeemed
"""


@csrf_exempt
def redeem(request: HttpRequest) -> JsonResponse:
    """The same effects by one statement."""
    from campaigns import sealing

    wanted = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            REDEEM,
            {
                "card": wanted["customer"]["identity"]["value"],
                "digest": sealing.digest(wanted["codes"][0]),
                "order": wanted["order"]["id"],
                "basket": json.dumps(wanted["basket"]),
                "decision": json.dumps(wanted["basket"]),
            },
        )
        row = cursor.fetchone()
    assert row is not None
    assert row[1] == 2, row
    return JsonResponse({"id": str(row[0])}, status=201)


@csrf_exempt
def nothing(request: HttpRequest) -> JsonResponse:
    """One statement that only reads a row by its key: HTTP and Django alone."""
    wanted = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM campaigns_code WHERE id = %s", [1 + len(wanted["codes"])])
        cursor.fetchone()
    return JsonResponse({"id": str(uuid.uuid4())}, status=201)


@csrf_exempt
def insert(_request: HttpRequest) -> JsonResponse:
    """A view that does nothing but one insert, on disk before it answers."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_inserts (body) VALUES (%s)", ["x" * 2_048])
    return JsonResponse({"ok": True})


urlpatterns = [
    path("bench/insert", insert),
    path("bench/redeem", redeem),
    path("bench/nothing", nothing),
    path("", include("incentives_site.urls")),
]

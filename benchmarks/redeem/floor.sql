-- What one redemption has to read and write, as its own statements say it (log_statement of one redeem()), put as shortly as PostgreSQL
-- allows. pgbench prepares each statement once for each client. Its variables: :incentives, :customers, :first_code,
-- :decision, :basket, :surroundings, :consumed, :terms, :said, :told, and :only, the number of one incentive or -1.
\set who random(0, :customers - 1)
\set what random(0, :incentives - 1)
\if :only >= 0
\set what :only
\endif
\set order random(1, 9000000000000000000)
SELECT (SELECT number FROM campaigns_catalogueversion) AS version,
       c.id AS customer, c.public_id AS holder, c.facts::text AS facts, c.traits::text AS traits, o.incentive, o.limits,
       (SELECT jsonb_agg(g.incentive_id ORDER BY g.ends_at NULLS LAST, g.id) FROM campaigns_grant g
        WHERE g.customer_id = c.id AND g.state = 'held') AS held
FROM customers_customer c,
     (SELECT o.incentive_id AS incentive, b.id AS limits FROM campaigns_code o LEFT JOIN campaigns_codebatch b ON b.id = o.batch_id
      WHERE o.id = :first_code::bigint + :what::bigint) o
WHERE c.id = (SELECT i.customer_id FROM customers_identity i WHERE i.kind = 'loyalty_card' AND i.value = 'CARD' || lpad(:who::text, 6, '0')) \gset
SELECT count(*) AS counted FROM campaigns_limitcounter u
WHERE u.limit_id IN (2 * :incentive::bigint - 1, 2 * :incentive::bigint) AND u.subject IN ('', :holder) \gset
BEGIN;
INSERT INTO redemptions_redemption (public_id, source, order_key, customer_id, channel_id, currency, basket, decision, initial,
                                    discount, stored_value, payable, surroundings, placed_at, redeemed_at, actor)
VALUES (gen_random_uuid(), 'pgbench', :order::bigint::text, :customer, :channel, 'USD', :basket::jsonb, :decision::jsonb, :initial,
        :discount, 0, :payable, :surroundings::jsonb, now(), now(), 'pgbench')
RETURNING id AS redemption, public_id AS redeemed \gset
INSERT INTO redemptions_redemptionline (redemption_id, position, line, sku, name, quantity, unit_price, discount, stored_value,
                                        payable, returned)
VALUES (:redemption, 0, 'line-0', 'sku-0', '', 1, 2000, 200, 0, 1800, 0),
       (:redemption, 1, 'line-1', 'sku-1', '', 2, 2137, 427, 0, 3847, 0),
       (:redemption, 2, 'line-2', 'sku-2', '', 3, 2274, 682, 0, 6140, 0);
INSERT INTO redemptions_appliedincentive (redemption_id, position, incentive_id, campaign_id, amount, consumed, terms, clawed_back)
SELECT :redemption::bigint, 0, i.id, i.campaign_id, :discount::bigint, :consumed::jsonb, :terms::jsonb, 0 FROM campaigns_incentive i WHERE i.id = :incentive;
INSERT INTO campaigns_targetedcustomer (campaign_id, customer_id, targeted_at)
SELECT i.campaign_id, :customer::bigint, now() FROM campaigns_incentive i WHERE i.id = :incentive ON CONFLICT DO NOTHING;
INSERT INTO customers_event (public_id, customer_id, type, name, channel_id, occurred_at, received_at, source, message_id, properties)
VALUES (gen_random_uuid(), :customer, 'redeemed', 'Ten percent', :channel, now(), now(), 'redemptions',
        'redeemed:' || :redeemed::text, :said::jsonb) ON CONFLICT DO NOTHING;
INSERT INTO customers_unjudged (customer_id, noted_at) VALUES (:customer, now());
SELECT count(*) AS told FROM integrations_webhookendpoint e JOIN integrations_partner p ON p.id = e.partner_id
WHERE e.is_active AND p.is_active AND 'redemption.created' = ANY(e.types) AND p.key = 'bench' \gset
INSERT INTO campaigns_limitcounter AS counter (limit_id, subject, used)
SELECT d.limit_id, d.subject, 1
FROM (VALUES (2 * :incentive::bigint - 1, ''), (2 * :incentive::bigint, :holder::text)) AS d (limit_id, subject)
JOIN campaigns_limit l ON l.id = d.limit_id WHERE l.maximum >= 1 ORDER BY 1, 2
ON CONFLICT (limit_id, subject) DO UPDATE SET used = counter.used + 1
WHERE counter.used + 1 <= (SELECT l.maximum FROM campaigns_limit l WHERE l.id = counter.limit_id);
COMMIT;

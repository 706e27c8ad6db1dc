"""The database that is measured: many live incentives that a code opens, many customers, and what an order looks like.

Every incentive is claimed by its own word, takes a percentage off every line, and has a limit for all and one for each customer,
so that a redemption uses two counters. The hot one is counted in slots, as every limit of its size is.
"""

import datetime
from typing import Any

INCENTIVES = 400
CUSTOMERS = 4_000
LINES = 3
CURRENCY = "USD"
CHANNEL = "store"
PARTNER = "bench"
EACH_CUSTOMER = 1_000_000
PLENTY = 10_000_000
HOT = "HOTCODE"
HOT_ROW = "ONEROW"


def code(number: int) -> str:
    return f"CODE{number}"


def card(number: int) -> str:
    return f"CARD{number:06}"


def basket() -> dict[str, Any]:
    return {
        "lines": [
            {"id": f"line-{n}", "sku": f"sku-{n}", "categories": [f"aisle-{n}"], "quantity": 1 + n, "unit_price": 2_000 + 137 * n}
            for n in range(LINES)
        ]
    }


def fill() -> str:
    """Makes all of it; the key that opens the API."""
    from django.db import transaction
    from django.utils import timezone

    from campaigns import sealing
    from campaigns.models import Campaign, Code, Goal, Incentive, Limit, Measure, Per, StackGroup, Status
    from customers.models import Channel, Customer, Identity
    from incentives_site.integrations.models import ApiKey, Partner, Scope

    started = timezone.now() - datetime.timedelta(days=1)
    with transaction.atomic():
        channel = Channel.objects.update_or_create(key=CHANNEL, defaults={"name": "Store", "kind": "store"})[0]
        customers = Customer.objects.bulk_create(
            Customer(display_name=f"Customer {n}", facts={"orders": n % 50}, traits={"segments": ["regulars"]})
            for n in range(CUSTOMERS)
        )
        Identity.objects.bulk_create(
            Identity(customer=row, kind="loyalty_card", value=card(n)) for n, row in enumerate(customers)
        )
        partner = Partner.objects.create(key=PARTNER, name="Bench")
        _row, key = ApiKey.objects.create_key(
            name=PARTNER, partner=partner, channel_keys=[CHANNEL], scopes=[Scope.QUOTES.value, Scope.REDEMPTIONS.value]
        )
        group = StackGroup.objects.get_or_create(key="default", defaults={"name": "Combines with others"})[0]
        for number, words in enumerate([*([code(n)] for n in range(INCENTIVES)), [HOT], [HOT_ROW]]):
            if number % 10 == 0 or number >= INCENTIVES:
                campaign = Campaign.objects.create(
                    name=f"Campaign {number}", goal=Goal.SALES, status=Status.LIVE, starts_at=started, launched_at=started
                )
                campaign.channels.set([channel])
            incentive = Incentive.objects.create(
                campaign=campaign,
                key=f"i{number}",
                name=f"Ten percent, word {number}",
                claim="code",
                stack_group=group,
                effect={"type": "percent_off", "percent": "10", "target": {"scope": "lines"}},
            )
            for word in words:
                Code.objects.create(incentive=incentive, digest=sealing.digest(word), sealed=sealing.seal(word))
            Limit.objects.create(
                incentive=incentive,
                measure=Measure.USES,
                per=Per.TOTAL,
                maximum=PLENTY,
                slots=16 if words == [HOT] else 1,
            )
            Limit.objects.create(incentive=incentive, measure=Measure.USES, per=Per.CUSTOMER, maximum=EACH_CUSTOMER)
    analyze()
    return key


def analyze() -> None:
    """What autovacuum does where there is time: a plan that was made for empty tables reads them whole when they are full."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def fill_wallets(grants: int) -> None:
    """Ten incentives that are claimed by a grant: the first customer holds ``grants`` of them, the second one of each."""
    from django.db import transaction
    from django.utils import timezone

    from campaigns.models import Campaign, Goal, Grant, Incentive, StackGroup, Status
    from customers.models import Channel, Identity

    now = timezone.now()
    started = now - datetime.timedelta(days=1)
    with transaction.atomic():
        channel = Channel.objects.get(key=CHANNEL)
        group = StackGroup.objects.get(key="default")
        campaign = Campaign.objects.create(
            name="Wallets", goal=Goal.SALES, status=Status.LIVE, starts_at=started, launched_at=started
        )
        campaign.channels.set([channel])
        rows = [
            Incentive.objects.create(
                campaign=campaign,
                key=f"w{n}",
                name=f"One percent {n}",
                claim="grant",
                stack_group=group,
                effect={"type": "percent_off", "percent": "1", "target": {"scope": "lines"}},
            )
            for n in range(10)
        ]
        holders = dict(Identity.objects.filter(value__in=[card(0), card(1)]).values_list("value", "customer_id"))
        for holder, number in ((holders[card(0)], grants), (holders[card(1)], len(rows))):
            Grant.objects.bulk_create(
                Grant(
                    customer_id=holder,
                    incentive=rows[n % len(rows)],
                    channel=channel,
                    occasion=f"occasion-{n}",
                    starts_at=started,
                    ends_at=now + datetime.timedelta(days=30, minutes=n),
                    granted_at=now,
                )
                for n in range(number)
            )
    analyze()

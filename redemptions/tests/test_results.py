"""What campaigns brought: counted from rows made by hand."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from campaigns.models import (
    Campaign,
    Goal,
    Grant,
    Incentive,
    Limit,
    LimitCounter,
    Measure,
    Per,
    StackGroup,
    Status,
    TargetedCustomer,
)
from customers.models import Channel, Customer
from redemptions import queries
from redemptions.models import AppliedIncentive, Redemption
from redemptions.queries import Attention, Figures, Reason

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class World:
    """Rows with as little around them as the database allows."""

    def __init__(self) -> None:
        self.web = Channel.objects.create(key="web", name="Web shop", kind="web")
        self.store = Channel.objects.create(key="store", name="Stores", kind="store")
        self.group = StackGroup.objects.get_or_create(key="default", defaults={"name": "Default"})[0]
        self.ann, self.bob, self.cleo = (Customer.objects.create(display_name=name) for name in ("Ann", "Bob", "Cleo"))
        self.orders = 0

    def campaign(self, name: str = "Spring", **fields: Any) -> Campaign:
        defaults = {"goal": Goal.SALES, "status": Status.LIVE, "starts_at": NOW - 30 * DAY, "launched_at": NOW - 30 * DAY}
        return Campaign.objects.create(name=name, **{**defaults, **fields})

    def incentive(self, campaign: Campaign, key: str = "a") -> Incentive:
        return Incentive.objects.create(
            campaign=campaign, key=key, name=key, effect={"type": "percent_off", "percent": "10"}, stack_group=self.group
        )

    def target(self, campaign: Campaign, *customers: Customer) -> None:
        for customer in customers:
            TargetedCustomer.objects.create(campaign=campaign, customer=customer, targeted_at=NOW)

    def grant(self, incentive: Incentive, customer: Customer, at: dt.datetime = NOW) -> Grant:
        return Grant.objects.create(
            customer=customer, incentive=incentive, channel=self.web, occasion="x", starts_at=at, granted_at=at
        )

    def redeem(
        self,
        customer: Customer | None,
        *uses: tuple[Incentive, int | None],
        payable: int | None = 1000,
        at: dt.datetime = NOW - DAY,
        channel: Channel | None = None,
        currency: str = "USD",
        returned: bool = False,
    ) -> Redemption:
        self.orders += 1
        redemption = Redemption.objects.create(
            source="test",
            order_key=str(self.orders),
            customer=customer,
            channel=channel or self.store,
            currency=currency,
            basket={},
            decision={},
            payable=payable,
            placed_at=at,
            redeemed_at=at,
            returned_at=NOW if returned else None,
            actor="test",
        )
        for position, (incentive, amount) in enumerate(uses):
            AppliedIncentive.objects.create(
                redemption=redemption,
                position=position,
                incentive=incentive,
                campaign=incentive.campaign,
                amount=amount,
                returned_at=NOW if returned else None,
            )
        return redemption


@pytest.fixture
def world() -> World:
    return World()


def test_a_campaign_without_anything_has_zeroes_and_no_rate(world: World) -> None:
    results = queries.campaign_results(world.campaign())
    assert results.totals == queries.Totals(0, 0, 0, 0, 0, 0, 0)
    assert results.totals.redemption_rate is None
    assert (results.by_channel, results.by_incentive, results.by_day) == ((), (), ())


def test_redeemers_count_once_and_redemptions_each(world: World) -> None:
    campaign = world.campaign()
    incentive = world.incentive(campaign)
    world.target(campaign, world.ann, world.bob, world.cleo)
    world.redeem(world.ann, (incentive, 100))
    world.redeem(world.ann, (incentive, 150))
    world.redeem(world.bob, (incentive, 50))
    world.redeem(None, (incentive, 10))
    totals = queries.campaign_results(campaign).totals
    assert (totals.targeted, totals.redeemers, totals.redemptions, totals.discount) == (3, 2, 4, 310)
    assert totals.redemption_rate == Decimal("0.666667")


def test_an_order_with_two_incentives_brings_its_revenue_once(world: World) -> None:
    campaign = world.campaign()
    first, second = world.incentive(campaign, "a"), world.incentive(campaign, "b")
    world.redeem(world.ann, (first, 100), (second, 50), payable=2000)
    results = queries.campaign_results(campaign)
    assert (results.totals.redemptions, results.totals.revenue, results.totals.discount) == (2, 2000, 150)
    assert [row.revenue for row in results.by_incentive] == [2000, 2000]
    assert [row.revenue for row in results.by_channel] == [2000]
    assert [day.revenue for day in results.by_day] == [2000]


def test_what_was_returned_does_not_count(world: World) -> None:
    campaign = world.campaign()
    incentive = world.incentive(campaign)
    world.redeem(world.ann, (incentive, 100), returned=True)
    results = queries.campaign_results(campaign)
    assert results.totals == queries.Totals(0, 0, 0, 0, 0, 0, 0)
    assert results.by_day == ()
    assert [row.redemptions for row in results.by_incentive] == [0]


def test_an_amount_that_was_not_recorded_is_counted_apart(world: World) -> None:
    campaign = world.campaign()
    incentive = world.incentive(campaign)
    world.redeem(world.ann, (incentive, None), payable=None)
    world.redeem(world.bob, (incentive, 80))
    totals = queries.campaign_results(campaign).totals
    assert (totals.redemptions, totals.discount, totals.discount_unrecorded, totals.revenue) == (2, 80, 1, 1000)


def test_amounts_in_another_currency_than_the_campaigns_are_counted_apart(world: World) -> None:
    campaign = world.campaign(currency="USD")
    incentive = world.incentive(campaign)
    world.redeem(world.ann, (incentive, 100), payable=1000)
    world.redeem(world.bob, (incentive, 90), payable=900, currency="EUR")
    results, summary = queries.campaign_results(campaign), queries.campaign_summaries([campaign.pk])[campaign.pk]
    for row in (results.totals, *results.by_channel, *results.by_incentive, summary):
        assert (row.redeemers, row.redemptions, row.discount, row.discount_unrecorded, row.revenue) == (2, 2, 100, 1, 1000)


def test_grants_count_where_they_were_given_and_redemptions_where_they_were_used(world: World) -> None:
    campaign = world.campaign()
    incentive = world.incentive(campaign)
    world.grant(incentive, world.ann)
    world.grant(incentive, world.bob)
    world.redeem(world.ann, (incentive, 100))
    results = queries.campaign_results(campaign)
    assert {row.channel: (row.granted, row.redemptions) for row in results.by_channel} == {"web": (2, 0), "store": (0, 1)}
    assert results.totals.granted == 2
    assert results.by_incentive[0].redemption_rate == Decimal("0.5")


def test_grants_that_the_source_does_not_tell_are_unknown_not_zero(world: World) -> None:
    campaign = world.campaign(grants_are_recorded=False)
    incentive = world.incentive(campaign)
    world.redeem(world.ann, (incentive, 100))
    results = queries.campaign_results(campaign)
    assert results.totals.granted is None
    assert [row.granted for row in results.by_channel] == [None]
    assert [row.granted for row in results.by_incentive] == [None]
    assert results.by_incentive[0].redemption_rate is None
    assert queries.campaign_summaries([campaign.pk])[campaign.pk].granted is None


def test_days_are_those_of_the_campaigns_time_zone_without_gaps(world: World) -> None:
    campaign = world.campaign(time_zone="America/New_York")
    incentive = world.incentive(campaign)
    world.redeem(world.ann, (incentive, 1), at=dt.datetime(2026, 3, 2, 3, tzinfo=dt.UTC))  # the evening of the 1st there
    world.redeem(world.ann, (incentive, 2), at=dt.datetime(2026, 3, 4, 17, tzinfo=dt.UTC))
    days = queries.campaign_results(campaign).by_day
    assert [(day.on.isoformat(), day.redemptions, day.discount) for day in days] == [
        ("2026-03-01", 1, 1),
        ("2026-03-02", 0, 0),
        ("2026-03-03", 0, 0),
        ("2026-03-04", 1, 2),
    ]


def test_a_period_includes_its_start_and_excludes_its_end(world: World) -> None:
    campaign = world.campaign()
    incentive = world.incentive(campaign)
    world.target(campaign, world.ann)
    for customer, days in ((world.ann, 0), (world.bob, 1), (world.cleo, 2)):
        world.redeem(customer, (incentive, 100), at=NOW - 10 * DAY + days * DAY)
        world.grant(incentive, customer, at=NOW - 10 * DAY + days * DAY)
    since, until = NOW - 9 * DAY, NOW - 8 * DAY
    totals = queries.campaign_results(campaign, since=since, until=until).totals
    assert (totals.redemptions, totals.granted, totals.targeted) == (1, 1, 1)
    assert queries.campaign_results(campaign, since=since).totals.redemptions == 2
    assert queries.campaign_results(campaign, until=until).totals.redemptions == 2


def test_campaigns_do_not_see_each_others_redemptions(world: World) -> None:
    one, other = world.campaign("One"), world.campaign("Other")
    first, second = world.incentive(one), world.incentive(other)
    world.redeem(world.ann, (first, 100), (second, 30), payable=500)
    summaries = queries.campaign_summaries([one.pk, other.pk])
    assert (summaries[one.pk].discount, summaries[other.pk].discount) == (100, 30)
    assert summaries[one.pk] == queries.campaign_results(one).totals
    assert queries.campaign_summaries([]) == {}


def test_the_number_of_queries_does_not_grow(world: World, django_assert_num_queries: Any) -> None:
    campaigns = [world.campaign(f"C{n}") for n in range(5)]
    for campaign in campaigns:
        for key in "abc":
            incentive = world.incentive(campaign, key)
            world.grant(incentive, world.ann)
            world.redeem(world.ann, (incentive, 10))
    with django_assert_num_queries(6):
        queries.campaign_results(campaigns[0])
    with django_assert_num_queries(2):
        queries.campaign_summaries([campaign.pk for campaign in campaigns])
    with django_assert_num_queries(1):
        for applied in queries.recent_redemptions(campaigns[0]):
            str(applied.incentive), str(applied.redemption.customer), str(applied.redemption.channel)


def test_recent_redemptions_are_the_newest_also_the_returned(world: World) -> None:
    campaign = world.campaign()
    incentive = world.incentive(campaign)
    old = world.redeem(world.ann, (incentive, 1), at=NOW - 3 * DAY)
    returned = world.redeem(world.bob, (incentive, 2), at=NOW - DAY, returned=True)
    middle = world.redeem(world.cleo, (incentive, 3), at=NOW - 2 * DAY)
    assert [row.redemption for row in queries.recent_redemptions(campaign)] == [returned, middle, old]
    assert [row.redemption for row in queries.recent_redemptions(campaign, 1)] == [returned]


# --- The home page ---------------------------------------------------------------------------------------------------


def test_the_headline_of_an_empty_installation(world: World) -> None:
    found = queries.headline(NOW)
    assert (found.currency, found.live_campaigns, found.held_grants) == ("USD", 0, 0)
    assert (found.this_week, found.week_before, found.all_time) == (Figures(), Figures(), Figures())
    assert found.days == (0,) * 30
    assert found.last_redeemed_at is None
    assert found.attention == ()


def test_weeks_are_counted_back_from_now(world: World) -> None:
    incentive = world.incentive(world.campaign())
    world.redeem(world.ann, (incentive, 10), payable=100, at=NOW)
    world.redeem(world.ann, (incentive, 20), payable=200, at=NOW - 7 * DAY + dt.timedelta(seconds=1))
    world.redeem(world.ann, (incentive, 40), payable=400, at=NOW - 7 * DAY)
    world.redeem(world.ann, (incentive, 80), payable=800, at=NOW - 14 * DAY)
    world.redeem(world.ann, (incentive, 160), payable=1600, at=NOW - 300 * DAY)
    world.redeem(world.ann, (incentive, 999), payable=9999, at=NOW - DAY, returned=True)
    found = queries.headline(NOW)
    assert found.this_week == Figures(2, 30, 300)
    assert found.week_before == Figures(1, 40, 400)
    assert found.all_time == Figures(5, 310, 3100)
    assert found.days[-1] == 1
    assert found.days[-7:] == (1, 0, 0, 0, 0, 0, 1)
    assert found.days[-8] == 1
    assert found.days[-15] == 1
    assert sum(found.days) == 4
    assert found.last_redeemed_at == NOW


def test_two_incentives_on_one_order_count_twice_but_bring_it_once(world: World) -> None:
    campaign = world.campaign()
    world.redeem(world.ann, (world.incentive(campaign, "a"), 10), (world.incentive(campaign, "b"), 5), payable=100)
    found = queries.headline(NOW)
    assert found.this_week == found.all_time == Figures(2, 15, 100)


def test_amounts_of_another_currency_are_not_added_up(world: World) -> None:
    dollars, euros = world.incentive(world.campaign("US")), world.incentive(world.campaign("EU", currency="EUR"))
    world.redeem(world.ann, (euros, 7), payable=70, currency="EUR")
    world.redeem(world.ann, (dollars, 10), payable=100)
    world.redeem(world.bob, (dollars, 10), payable=100)
    found = queries.headline(NOW)
    assert found.currency == "USD"
    assert found.this_week == found.all_time == Figures(3, 20, 200)


def test_what_needs_attention_is_named_with_its_reason(world: World) -> None:
    ending = world.campaign("Ending", ends_at=NOW + 2 * DAY, launched_at=NOW - DAY)
    lasting = world.campaign("Lasting", ends_at=NOW + 4 * DAY, launched_at=NOW - DAY)
    quiet = world.campaign("Quiet", launched_at=NOW - 3 * DAY)
    spent = world.campaign("Spent", launched_at=NOW - DAY)
    empty = world.campaign("Empty", status=Status.DRAFT, launched_at=None)
    ready = world.campaign("Ready", status=Status.DRAFT, launched_at=None)
    paused = world.campaign("Paused", status=Status.PAUSED, ends_at=NOW + DAY)
    over = world.campaign("Over", ends_at=NOW - DAY)
    for campaign in (ending, lasting, quiet, spent, ready, paused, over):
        world.incentive(campaign)
    for campaign, used in ((spent, 900), (lasting, 899)):
        limit = Limit.objects.create(campaign=campaign, measure=Measure.DISCOUNT, per=Per.TOTAL, maximum=1000)
        LimitCounter.objects.create(limit=limit, used=used)
    assert queries.headline(NOW).attention == (
        Attention(Reason.ENDS_SOON, ending.public_id, "Ending", ends_at=ending.ends_at),
        Attention(Reason.BUDGET_NEARLY_USED, spent.public_id, "Spent", percent=90),
        Attention(Reason.NOT_REDEEMED, quiet.public_id, "Quiet"),
        Attention(Reason.WITHOUT_INCENTIVE, empty.public_id, "Empty"),
    )


def test_a_redemption_ends_the_quiet(world: World) -> None:
    campaign = world.campaign()
    world.redeem(world.ann, (world.incentive(campaign), 1))
    assert queries.headline(NOW).attention == ()


def test_held_grants_are_those_still_usable(world: World) -> None:
    incentive = world.incentive(world.campaign())
    world.grant(incentive, world.ann)
    expired = world.grant(incentive, world.bob)
    Grant.objects.filter(pk=expired.pk).update(ends_at=NOW)
    used = world.grant(incentive, world.cleo)
    Grant.objects.filter(pk=used.pk).update(state="used")
    assert queries.headline(NOW).held_grants == 1


def test_the_headline_asks_as_often_whatever_there_is(world: World) -> None:
    from django.db import connection

    with CaptureQueriesContext(connection) as before:
        queries.headline(NOW)
    for n in range(4):
        campaign = world.campaign(f"C{n}")
        world.redeem(world.ann, (world.incentive(campaign), 1))
        world.campaign(f"D{n}", status=Status.DRAFT)
    with CaptureQueriesContext(connection) as after:
        queries.headline(NOW)
    assert len(before) == len(after) == 8

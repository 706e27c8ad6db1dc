"""The results that the product shows for the campaigns of the data equal a direct count on the files."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from campaigns.models import Campaign, Grant, Incentive
from customers.models import Customer, Identity
from incentives_site.demo import files
from redemptions import queries
from redemptions.models import AppliedIncentive, Redemption

pytestmark = [pytest.mark.usefixtures("loaded"), pytest.mark.xdist_group("demo")]  # one worker loads once for all
NUMBERS = range(1, 28)


def read(table: str) -> list[dict[str, Any]]:
    """Straight from the file, not through the loader's own reading."""
    rows: list[dict[str, Any]] = pq.read_table(files.folder() / f"{table}.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def counted() -> dict[int, dict[str, Any]]:
    targeted, redeemers, redemptions = defaultdict(set), defaultdict(set), defaultdict(int)
    for row in read("campaigns"):
        targeted[row["campaign_id"]].add(row["household_id"])
    for row in read("coupon_redemptions"):
        redeemers[row["campaign_id"]].add(row["household_id"])
        redemptions[row["campaign_id"]] += 1
    return {
        number: {
            "targeted": len(targeted[number]),
            "redeemers": len(redeemers[number]),
            "redemptions": redemptions[number],
            "rate": Decimal(len(redeemers[number])) / len(targeted[number]),
        }
        for number in (row["campaign_id"] for row in read("campaign_descriptions"))
    }


@pytest.mark.parametrize("number", NUMBERS)
def test_results_of_a_campaign_equal_the_count(number: int, counted: dict[int, dict[str, Any]]) -> None:
    totals = queries.campaign_results(Campaign.objects.get(source=files.SOURCE, source_key=str(number))).totals
    expected = counted[number]
    assert totals.targeted == expected["targeted"]
    assert totals.redeemers == expected["redeemers"]
    assert totals.redemptions == expected["redemptions"]
    assert totals.redemption_rate is not None
    assert abs(totals.redemption_rate - expected["rate"]) <= Decimal("0.0000005")


def test_there_are_all_27_campaigns_and_nothing_was_lost(counted: dict[int, dict[str, Any]]) -> None:
    assert sorted(counted) == list(NUMBERS)
    summaries = queries.campaign_summaries(list(Campaign.objects.values_list("pk", flat=True)))
    assert sum(totals.redemptions for totals in summaries.values()) == len(read("coupon_redemptions")) == 2102
    assert sum(totals.targeted for totals in summaries.values()) == len(read("campaigns")) == 6589


def test_the_list_and_the_page_of_a_campaign_agree() -> None:
    campaigns = list(Campaign.objects.all())
    summaries = queries.campaign_summaries([campaign.pk for campaign in campaigns])
    for campaign in campaigns:
        results = queries.campaign_results(campaign)
        assert summaries[campaign.pk] == results.totals
        assert sum(day.redemptions for day in results.by_day) == results.totals.redemptions
        assert sum(day.revenue for day in results.by_day) == results.totals.revenue
        assert sum(row.redemptions for row in results.by_channel) == results.totals.redemptions
        assert sum(row.redemptions for row in results.by_incentive) == results.totals.redemptions
        assert sum(row.discount for row in results.by_incentive) == results.totals.discount


def test_grants_are_those_of_mailings_that_went_to_everybody_alike() -> None:
    """Of type A mailings the files do not say which coupons a household was sent."""
    kinds = {row["campaign_id"]: row["campaign_type"] for row in read("campaign_descriptions")}
    coupons, sent_to = defaultdict(set), defaultdict(set)
    for row in read("coupons"):
        coupons[row["campaign_id"]].add(row["coupon_upc"])
    for row in read("campaigns"):
        sent_to[row["campaign_id"]].add(row["household_id"])
    for campaign in Campaign.objects.all():
        number = int(campaign.source_key)
        held = Grant.objects.filter(incentive__campaign=campaign).count()
        totals = queries.campaign_results(campaign).totals
        if kinds[number] == "Type A":
            assert (held, totals.granted, campaign.grants_are_recorded) == (0, None, False)
        else:
            assert held == totals.granted == len(coupons[number]) * len(sent_to[number])
    assert Incentive.objects.count() == sum(map(len, coupons.values())) == 1197


def test_a_second_use_of_a_coupon_counts_but_uses_no_grant() -> None:
    seen: dict[tuple[int, int, int], int] = defaultdict(int)
    for row in read("coupon_redemptions"):
        seen[row["household_id"], row["coupon_upc"], row["campaign_id"]] += 1
    again = sum(count - 1 for count in seen.values())
    assert again == 27
    general = AppliedIncentive.objects.filter(campaign__grants_are_recorded=True)
    repeated = sum(seen[row["household_id"], row["coupon_upc"], row["campaign_id"]] > 1 for row in read("coupon_redemptions"))
    assert repeated > 0
    assert Grant.objects.filter(state="used").count() == general.filter(grant__isnull=False).count()
    assert general.filter(grant__isnull=True).count() == sum(
        count - 1 for key, count in seen.items() if Campaign.objects.get(source_key=str(key[2])).grants_are_recorded
    )


def test_every_redemption_lies_on_the_date_of_the_file() -> None:
    dates = {row["redemption_date"].date() for row in read("coupon_redemptions")}
    for redemption in Redemption.objects.all():
        assert redemption.redeemed_at.astimezone(files.ZONE).date() in dates
    expected = sorted((row["redemption_date"].date(), row["household_id"]) for row in read("coupon_redemptions"))
    names = AppliedIncentive.objects.values_list("redemption__redeemed_at", "redemption__customer__display_name")
    assert expected == sorted((at.astimezone(files.ZONE).date(), int(name.split()[1])) for at, name in names)


def test_amounts_are_recorded_or_absent_and_add_up() -> None:
    for redemption in Redemption.objects.prefetch_related("applied"):
        amounts = [applied.amount for applied in redemption.applied.all()]
        if redemption.discount is None:
            assert None in amounts
            assert redemption.initial is None
        else:
            assert sum(a for a in amounts if a is not None) == redemption.discount
            assert redemption.basket["recorded"]
            assert redemption.basket["coupon_discount"] >= redemption.discount


def test_households_have_a_card_and_what_is_known_of_them() -> None:
    assert Customer.objects.count() == Identity.objects.filter(kind="loyalty_card").count() == 2469
    customer = Identity.objects.get(kind="loyalty_card", value="CJ0000001").customer
    assert customer.display_name == "Household 1"
    assert customer.traits == {
        "age": "65+",
        "income": "35-49K",
        "home_ownership": "Homeowner",
        "marital_status": "Married",
        "household_size": "2",
        "household_composition": "2 Adults No Kids",
        "kids": "0",
    }
    assert Customer.objects.exclude(traits={}).count() == len(read("demographics"))


def test_loading_again_changes_nothing(loaded: Any) -> None:
    import io

    from incentives_site.demo import households, loading, places
    from incentives_site.demo.progress import Report

    from .conftest import NOW

    def everything() -> list[Any]:
        return [
            list(model.objects.order_by("pk").values_list("pk", flat=True))
            for model in (Customer, Identity, Campaign, Incentive, Grant, Redemption, AppliedIncentive)
        ]

    before = everything()
    report = Report(io.StringIO())
    channels = places.load_channels()
    places.load_stores(channels["store"], report)
    households.load(NOW, report)
    loading.load_mailings(channels, NOW, report)
    assert everything() == before

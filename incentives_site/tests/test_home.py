"""The pages that read several apps: home, the list of campaigns, a campaign with its results."""

import datetime
import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from campaigns import operations as campaign_operations
from campaigns.models import Campaign, Incentive, Status
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory
from customers.tests.factories import ChannelFactory, CustomerFactory
from redemptions import operations as redemption_operations
from redemptions.models import AppliedIncentive, Redemption
from redemptions.tests.factories import request_for
from surveys.tests.factories import EmployeeFactory, SurveyFactory, answered, closed, opened

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    user = get_user_model().objects.create_user(f"{role}@example.com", "x")
    if role != "nobody":
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


def a_redemption(incentive: Incentive, *, hours_ago: int = 1, amount: int | None = 500) -> Redemption:
    """A use that is known in part only, when ``amount`` is ``None``."""
    at = timezone.now() - datetime.timedelta(hours=hours_ago)
    redemption = Redemption.objects.create(
        source="test",
        order_key=f"order-{Redemption.objects.count()}",
        customer=CustomerFactory(),
        channel=ChannelFactory(),
        currency="USD",
        basket={},
        decision={},
        initial=None if amount is None else 5000 + amount,
        discount=amount,
        payable=None if amount is None else 5000,
        placed_at=at,
        redeemed_at=at,
        actor="test",
    )
    AppliedIncentive.objects.create(
        redemption=redemption, position=0, incentive=incentive, campaign=incentive.campaign, amount=amount
    )
    return redemption


@pytest.fixture
def analyst() -> Client:
    return signed_in("analyst")


@pytest.fixture
def incentive() -> Incentive:
    campaign = CampaignFactory(live=True, name="Spring", promise="Ten percent off.", time_zone="Europe/Rome")
    made = IncentiveFactory(campaign=campaign, name="10 % off")
    LimitFactory(incentive=None, campaign=campaign, measure="discount", maximum=100_000)
    return made


# --- Who sees what ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("marketer", "Marketing workspace"),
        ("analyst", "Marketing workspace"),
        ("operator", "Marketing workspace"),
        ("store", "Open the till"),
        ("hr", "An eNPS takes two clicks"),
        ("manager", "HR makes them; results appear here"),
        ("nobody", "You have no role yet"),
    ],
)
def test_every_role_has_a_home_that_fits_it(role: str, words: str) -> None:
    answer = signed_in(role).get("/")
    assert answer.status_code == 200
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    ("role", "status"), [("marketer", 200), ("analyst", 200), ("operator", 200), ("store", 403), ("hr", 403), ("manager", 403)]
)
def test_campaigns_are_read_by_those_who_work_with_them(incentive: Incentive, role: str, status: int) -> None:
    client = signed_in(role)
    page = f"/campaigns/{incentive.campaign.public_id}/"
    assert [client.get(path).status_code for path in ("/campaigns/", page, page + "audience/")] == [status] * 3


def test_an_analyst_sees_no_button_that_changes_something(analyst: Client, incentive: Incentive) -> None:
    for path in ("/", "/campaigns/", f"/campaigns/{incentive.campaign.public_id}/"):
        page = analyst.get(path).content.decode()
        assert "/pause/" not in page
        assert "/campaigns/new/" not in page


# --- Home ---------------------------------------------------------------------------------------------------------------


def test_home_counts_lists_and_warns(analyst: Client, incentive: Incentive) -> None:
    a_redemption(incentive, hours_ago=2)
    CampaignFactory(name="Half-baked")
    page = analyst.get("/")
    text = page.content.decode()
    assert [figure["value"] for figure in page.context["figures"]] == ["1", "1", "5.00 USD", "50.00 USD"]
    assert "Half-baked" in text
    assert "a draft without an incentive" in text
    assert "Budget used of “Spring”" in text
    assert "2\xa0hours ago" in text


def test_home_with_nothing_says_what_to_do_next() -> None:
    page = signed_in("marketer").get("/").content.decode()
    assert "Build the first campaign in six short steps." in page
    assert "No redemption yet" in page


def test_home_refreshes_a_part_and_says_what_is_new(analyst: Client, incentive: Incentive) -> None:
    seen = a_redemption(incentive, hours_ago=3).pk
    nothing = analyst.get(f"/?seen={seen}", headers={"HX-Request": "true"})
    assert "HX-Trigger" not in nothing.headers
    assert "<html" not in nothing.content.decode()
    a_redemption(incentive)
    fresh = analyst.get(f"/?seen={seen}", headers={"HX-Request": "true"})
    assert json.loads(fresh["HX-Trigger"]) == {"announce": "1 new redemption"}
    assert 'hx-swap-oob="true"' in fresh.content.decode()


def test_home_asks_the_same_questions_however_many_campaigns_there_are(
    analyst: Client, django_assert_max_num_queries: Any
) -> None:
    for _n in range(12):
        a_redemption(IncentiveFactory())
    with django_assert_max_num_queries(18):
        analyst.get("/")


# --- The list -----------------------------------------------------------------------------------------------------------


def test_the_list_shows_figures_and_is_filtered(analyst: Client, incentive: Incentive) -> None:
    a_redemption(incentive)
    CampaignFactory(name="Winter", goal="retention", channels=[ChannelFactory(mail=True)])
    everything = analyst.get("/campaigns/").content.decode()
    assert "Spring" in everything
    assert "Winter" in everything
    for query, name, other in [
        ("q=WIN", "Winter", "Spring"),
        ("q=10+%25+off", "Spring", "Winter"),
        ("status=live", "Spring", "Winter"),
        ("goal=retention", "Winter", "Spring"),
        ("channel=mail", "Winter", "Spring"),
    ]:
        page = analyst.get(f"/campaigns/?{query}", headers={"HX-Request": "true"}).content.decode()
        assert name in page, query
        assert f">{other}<" not in page, query
    row = analyst.get("/campaigns/?status=live").context["rows"][0]
    assert (row["totals"].redemptions, row["budget"]["max"]) == (1, 100_000)


def test_a_filter_that_finds_nothing_says_so_aloud(analyst: Client) -> None:
    answer = analyst.get("/campaigns/?q=nothing-like-it", headers={"HX-Request": "true"})
    assert "No campaign matches" in answer.content.decode()
    assert json.loads(answer["HX-Trigger"]) == {"announce": "0 campaigns found"}


@pytest.mark.parametrize(
    "query", ["page=99", "page=x", "status=%00", "q=%00%25", "channel=%F0%9F%8E%81", "goal=%00", "channel=%00"]
)
def test_the_list_takes_any_address(analyst: Client, query: str) -> None:
    assert analyst.get(f"/campaigns/?{query}").status_code == 200


def test_the_list_asks_the_same_questions_for_a_full_page(analyst: Client, django_assert_num_queries: Any) -> None:
    incentives = [IncentiveFactory() for _n in range(25)]
    for incentive in incentives:
        LimitFactory(incentive=None, campaign=incentive.campaign, measure="discount", maximum=1000)
        a_redemption(incentive)
    # Session, person, roles; count, page, channels; totals (2), budgets; channels to choose from.
    with django_assert_num_queries(10):
        page = analyst.get("/campaigns/")
    assert len(page.context["rows"]) == 20
    assert len(analyst.get("/campaigns/?page=2").context["rows"]) == 5


# --- A campaign -----------------------------------------------------------------------------------------------------------


def test_a_campaign_page_tells_promise_results_and_budget() -> None:
    client = signed_in("marketer")
    campaign = CampaignFactory(name="Spring", promise="Ten percent off.", time_zone="Europe/Rome")
    campaign_operations.revise(campaign=campaign, by="test", fields={}, budget=100_000)
    campaign_operations.add_incentive(
        campaign=campaign, by="test", key="ten", name="10 % off", effect={"type": "percent_off", "percent": "10"},
        claim="code", code="SPRING10",
    )  # fmt: skip
    campaign_operations.launch(campaign=campaign, by="test", now=timezone.now())
    redemption_operations.redeem(
        request_for(10_000, codes=("SPRING10",), customer=CustomerFactory()),
        source="test", order_key="1", placed_at=None, by="test", now=timezone.now(),
    )  # fmt: skip
    answer = client.get(f"/campaigns/{campaign.public_id}/")
    page = answer.content.decode()
    for words in ("Ten percent off.", "10 % off the whole order.", "SPRING10", "(Europe/Rome)", "10.00 USD", "990.00 USD left"):
        assert words in page, words
    assert [figure["value"] for figure in answer.context["figures"]][1] == "1"
    assert 'data-confirm="End “Spring” for good?' in page


def test_what_a_source_did_not_record_is_said_and_not_shown_as_nothing(analyst: Client) -> None:
    campaign = CampaignFactory(
        live=True, status=Status.ENDED, source="completejourney", source_key="1", grants_are_recorded=False
    )
    incentive = IncentiveFactory(campaign=campaign, effect={"type": "recorded"}, claim="code")
    a_redemption(incentive, amount=None)
    answer = analyst.get(f"/campaigns/{campaign.public_id}/")
    page = answer.content.decode()
    assert "Complete Journey" in page
    assert answer.context["figures"][3]["value"] == "not recorded"
    assert page.count("not recorded") >= 4
    assert "What it gave was decided by the system it comes from" in page


def test_redemptions_by_day_are_drawn_and_listed(analyst: Client, incentive: Incentive) -> None:
    a_redemption(incentive, hours_ago=1), a_redemption(incentive, hours_ago=49)
    answer = analyst.get(f"/campaigns/{incentive.campaign.public_id}/")
    figures = answer.context["chart"]
    assert sum(figures["series"][0]["values"]) == 2
    assert "Figures as a table" in answer.content.decode()


def test_a_draft_says_what_is_missing_before_the_button_is_pressed() -> None:
    campaign = CampaignFactory(channels=[])
    page = signed_in("marketer").get(f"/campaigns/{campaign.public_id}/").content.decode()
    assert "Still missing before the launch" in page
    assert "Choose at least one channel." in page


def test_the_audience_is_counted_live(analyst: Client) -> None:
    CustomerFactory(facts={"orders": 9}), CustomerFactory()
    campaign: Campaign = CampaignFactory(audience={"all": [{"fact": "customer.orders", "op": ">", "value": 5}]})
    for path in ("audience/", "?audience=now"):
        assert "1 customer" in analyst.get(f"/campaigns/{campaign.public_id}/{path}").content.decode()


def test_the_newest_redemptions_refresh_without_the_page(analyst: Client, incentive: Incentive) -> None:
    a_redemption(incentive)
    answer = analyst.get(f"/campaigns/{incentive.campaign.public_id}/?seen=0", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert "<html" not in page
    assert 'id="campaign-figures" hx-swap-oob="true"' in page
    assert json.loads(answer["HX-Trigger"]) == {"announce": "1 new redemption"}


def test_a_campaign_that_is_not_there_is_a_page_of_its_own(analyst: Client) -> None:
    answer = analyst.get("/campaigns/00000000-0000-0000-0000-000000000000/")
    assert answer.status_code == 404
    assert "There is no such campaign" in answer.content.decode()


def test_a_campaign_with_many_incentives_asks_few_questions(
    analyst: Client, incentive: Incentive, django_assert_max_num_queries: Any
) -> None:
    for _n in range(30):
        a_redemption(IncentiveFactory(campaign=incentive.campaign))
    with django_assert_max_num_queries(20):  # one of them for what customers said
        analyst.get(f"/campaigns/{incentive.campaign.public_id}/")


# --- Home of HR and of managers -----------------------------------------------------------------------------------------


def test_hr_sees_the_newest_score_what_is_open_and_what_waits() -> None:
    boss = EmployeeFactory(email="manager@example.com")
    EmployeeFactory.create_batch(11, manager=boss)
    survey = SurveyFactory(title={"en": "How is it here?"})
    wave = opened(survey)
    for score in [10] * 6 + [8] * 3 + [3] * 3:
        answered(wave, {"score": score})
    closed(wave)
    opened(SurveyFactory(title={"en": "Still asking"}), at=wave.closes_at + datetime.timedelta(days=90))
    SurveyFactory(title={"en": "Half-baked"}, status="draft", asked=[])
    hr = signed_in("hr").get("/")
    figures = {figure["label"]: figure for figure in hr.context["figures"]}
    assert figures["eNPS"]["value"] == "25"
    assert figures["Participation"]["value"] == "100 %"
    text = hr.content.decode()
    assert all(words in text for words in ("How is it here?", "Still asking", "Half-baked"))
    manager = signed_in("manager").get("/")
    # The team of eleven is shown only where one person is not left over: here the whole stands for it.
    assert [figure["label"] for figure in manager.context["figures"]] == ["eNPS", "Participation"]
    assert "Half-baked" not in manager.content.decode()


def test_a_manager_who_is_not_in_the_directory_reads_how_to_get_there() -> None:
    EmployeeFactory.create_batch(6)
    wave = opened()
    for _n in range(6):
        answered(wave, {"score": 9})
    closed(wave)
    page = signed_in("manager").get("/")
    assert page.context["figures"] == []
    assert "ask HR to enter you" in page.content.decode()

"""The preview of a campaign: a draft beside what is live, past baskets, two policies, what would meet it."""

import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from campaigns.models import Campaign, Status
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory, LimitFactory, StackGroupFactory
from customers.models import Customer, Purchase, PurchaseLine
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, IdentityFactory, StoreFactory
from redemptions.models import Redemption

pytestmark = pytest.mark.django_db

BASKET = {
    "rows": "2",
    "line-1-sku": "COF-1",
    "line-1-categories": "COFFEE",
    "line-1-quantity": "2",
    "line-1-price": "10.00",
    "line-2-sku": "TEA-1",
    "line-2-categories": "TEA, HOT",
    "line-2-quantity": "1",
    "line-2-price": "5",
    "channel": "store",
    "at": "2026-11-21T12:00",
    "who": "imagined",
    "a-choose": "in_order",
    "a-base": "running",
}


@pytest.fixture
def marketer() -> Client:
    user = get_user_model().objects.create_user("mara@example.com", "x")
    user.groups.add(Group.objects.get_or_create(name="marketer")[0])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def draft() -> Campaign:
    """15 % off coffee, not launched."""
    effect = {"type": "percent_off", "percent": "15", "target": {"scope": "lines", "include": {"categories": ["COFFEE"]}}}
    return IncentiveFactory(campaign=CampaignFactory(name="Draft"), name="Coffee 15", effect=effect).campaign


def address(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.public_id}/preview/"


def own_of(campaign: Campaign) -> list[str]:
    return [str(incentive.public_id) for incentive in campaign.incentives.all()]


def tried(client: Client, campaign: Campaign, **typed: Any) -> Any:
    answer = client.post(address(campaign), {**BASKET, "own": own_of(campaign), **typed})
    assert answer.status_code == 200, answer.context["form"].errors
    return answer


def complaints(client: Client, campaign: Campaign, **typed: Any) -> str:
    answer = client.post(address(campaign), {**BASKET, "own": own_of(campaign), **typed})
    assert answer.status_code == 422
    return answer.content.decode()


def test_a_draft_takes_part_as_if_it_were_live_and_nothing_is_stored(marketer: Client, draft: Campaign) -> None:
    IncentiveFactory(name="Everybody 10")
    answer = tried(marketer, draft)
    decision = answer.context["outcome"]["first"]
    # The draft has no start of its own yet, so it comes before what began earlier.
    assert [(item["name"], item["amount"], item["is_own"]) for item in decision["applied"]] == [
        ("Coffee 15", 300, True),
        ("Everybody 10", 220, False),
    ]
    coffee = decision["lines"][0]
    assert {part["name"] for part in coffee["parts"]} == {"Coffee 15", "Everybody 10"}
    assert sum(row["payable"] for row in decision["lines"]) == decision["totals"]["payable"]
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT
    assert not Redemption.objects.exists()
    page = answer.content.decode()
    assert "2 × COF-1" in page
    assert "this campaign" in page


def test_the_answer_of_an_htmx_request_is_the_part_that_changes(marketer: Client, draft: Campaign) -> None:
    answer = marketer.post(address(draft), {**BASKET, "own": own_of(draft)}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert b"<html" not in answer.content
    assert b'id="preview"' in answer.content


def test_what_loses_names_its_winner_and_what_is_missing_is_said(marketer: Client, draft: Campaign) -> None:
    IncentiveFactory(name="Alone", stack_group=StackGroupFactory(exclusive=True))
    conditions = {"all": [{"fact": "basket.initial_total", "op": ">=", "value": 3000}]}
    IncentiveFactory(name="From thirty", conditions=conditions, stack_group=StackGroupFactory(always=True))
    answer = tried(marketer, draft)
    decision = answer.context["outcome"]["first"]
    assert [(item["name"], item["winner_name"]) for item in decision["skipped"]] == [("Coffee 15", "Alone")]
    assert [(item["name"], item["message"]) for item in decision["near"]] == [("From thirty", "Spend 5.00 USD more.")]
    page = answer.content.decode()
    assert "It cannot be combined with “Alone”, which applies alone." in page
    assert "Nothing of this campaign applies to this basket." in page


def test_an_incentive_of_the_campaign_can_be_left_out(marketer: Client, draft: Campaign) -> None:
    answer = tried(marketer, draft, own=[])
    assert answer.context["outcome"]["first"]["applied"] == []
    assert answer.context["outcome"]["has_own"] is False


def test_a_running_campaign_asks_once(marketer: Client) -> None:
    campaign = IncentiveFactory(name="Ten").campaign
    decision = tried(marketer, campaign).context["outcome"]["first"]
    assert [(item["name"], item["is_own"]) for item in decision["applied"]] == [("Ten", True)]


@pytest.mark.parametrize(
    ("who", "message"),
    [
        ({"who": "unknown"}, "It is meant for certain customers: say who the customer is."),
        ({"who": "certain", "customer": "YOUNG1"}, "It is meant for other customers."),
    ],
)
def test_a_certain_customer_is_judged_as_at_the_till(
    marketer: Client, draft: Campaign, who: dict[str, str], message: str
) -> None:
    draft.audience = {"all": [{"fact": "customer.age", "op": "==", "value": "65+"}]}
    draft.save()
    IdentityFactory(value="YOUNG1", customer=CustomerFactory(traits={"age": "19-24"}))
    IdentityFactory(value="GREY1", customer=CustomerFactory(traits={"age": "65+"}))
    assert [item["message"] for item in tried(marketer, draft, **who).context["outcome"]["first"]["refused"]] == [message]
    for fits in ({"who": "imagined"}, {"who": "certain", "customer": "GREY1"}):
        assert tried(marketer, draft, **fits).context["outcome"]["first"]["own_applied"] == 300


def test_limits_count_what_a_certain_customer_has_used(marketer: Client, draft: Campaign) -> None:
    limit = LimitFactory(incentive=draft.incentives.get(), per="customer", maximum=1)
    customer = IdentityFactory(value="CARD9").customer
    assert tried(marketer, draft, who="certain", customer="CARD9").context["outcome"]["first"]["own_applied"] == 300
    limit.counters.create(subject=str(customer.public_id), used=1)
    assert tried(marketer, draft, who="certain", customer="CARD9").context["outcome"]["first"]["own_applied"] == 0
    assert tried(marketer, draft, who="imagined").context["outcome"]["first"]["own_applied"] == 300
    unknown = tried(marketer, draft, who="unknown").context["outcome"]["first"]["refused"]
    assert unknown[0]["message"] == "It is limited for each customer: say who the customer is."


def test_the_wallet_and_the_codes_of_a_customer_take_part(marketer: Client, draft: Campaign) -> None:
    held = IncentiveFactory(name="Held", granted=True)
    customer = IdentityFactory(value="CARD7").customer
    GrantFactory(customer=customer, incentive=held)
    decision = tried(marketer, draft, who="certain", customer="CARD7", codes="NOSUCH").context["outcome"]["first"]
    assert {item["name"] for item in decision["applied"]} == {"Held", "Coffee 15"}
    assert decision["refused"][0]["sent_code"] == "NOSUCH"


def test_the_schedule_is_read_in_the_campaigns_time_zone(marketer: Client, draft: Campaign) -> None:
    draft.time_zone, draft.starts_at = "Europe/Rome", NOON
    draft.save()
    # Noon in Rome is an hour before noon in UTC.
    before = tried(marketer, draft, at="2026-11-21T12:59").context["outcome"]["first"]
    assert before["refused"][0]["code"] == "outside-schedule"
    assert tried(marketer, draft, at="2026-11-21T13:00").context["outcome"]["first"]["own_applied"] == 300


def test_a_channel_of_another_campaign_is_refused_but_a_draft_without_channels_is_shown_everywhere(
    marketer: Client, draft: Campaign
) -> None:
    draft.channels.set([ChannelFactory(web=True)])
    assert tried(marketer, draft).context["outcome"]["first"]["refused"][0]["code"] == "wrong-channel"
    draft.channels.clear()
    assert tried(marketer, draft).context["outcome"]["first"]["own_applied"] == 300


def test_shipping_is_part_of_the_basket(marketer: Client) -> None:
    effect = {"type": "percent_off", "percent": "100", "target": {"scope": "shipping"}}
    campaign = IncentiveFactory(campaign=CampaignFactory(), effect=effect).campaign
    decision = tried(marketer, campaign, shipping="4.90").context["outcome"]["first"]
    assert [(row["initial"], row["payable"]) for row in decision["shipping"]] == [(490, 0)]


def test_an_incentive_that_is_not_understood_any_more_is_left_out(marketer: Client, draft: Campaign) -> None:
    IncentiveFactory(campaign=draft, name="Old", effect={"type": "teleport"})
    answer = marketer.get(address(draft))
    assert [incentive.name for incentive, _words in answer.context["own"]] == ["Coffee 15"]


# --- Two policies -------------------------------------------------------------------------------------------------------


def test_two_policies_are_shown_beside_each_other(marketer: Client, draft: Campaign) -> None:
    IncentiveFactory(name="Everybody 10")
    policy = {"compare": "on", "b-choose": "in_order", "b-base": "original", "b-max_total_percent": "10"}
    answer = tried(marketer, draft, **policy)
    difference = answer.context["outcome"]["difference"]
    assert difference["second"]["payable"] == 2250
    assert difference["first"]["payable"] < 2250
    assert (difference["cheaper"], difference["saved"]) == ("first", 2250 - difference["first"]["payable"])
    assert any(row["differs"] for row in difference["lines"])
    assert "The first policy costs the customer" in answer.content.decode()
    same = tried(marketer, draft, compare="on", **{"b-choose": "in_order", "b-base": "running"})
    assert not same.context["outcome"]["difference"]["differs"]
    assert "exactly the same" in same.content.decode()


@pytest.mark.parametrize(("typed", "sentence"), [("150", "at most 100"), ("lots", "Type a number"), ("-3", "negative")])
def test_a_wrong_policy_is_refused_beside_its_field(marketer: Client, draft: Campaign, typed: str, sentence: str) -> None:
    assert sentence in complaints(marketer, draft, **{"a-max_total_percent": typed})
    assert "not one of" in complaints(marketer, draft, **{"a-choose": "dice"})


# --- Wrong input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"rows": "0"}, "Put something into the basket"),
        ({"rows": "9" * 50}, "Put something into the basket"),
        ({"rows": "²"}, "Put something into the basket"),
        ({"line-1-price": ""}, "what one piece costs"),
        ({"line-1-price": "-1"}, "cannot be negative"),
        ({"line-1-price": "ten"}, "plain amount"),
        ({"line-1-price": "1.005"}, "at most 2 digits"),
        ({"line-1-price": "9" * 30}, "too large"),
        ({"line-1-quantity": "0"}, "greater than or equal to 1"),
        ({"line-1-quantity": "1.5"}, "whole number"),
        ({"line-1-quantity": "9999999"}, "less than or equal to"),
        ({"line-1-sku": "x" * 65}, "at most 64"),
        ({"line-1-sku": "a\x00b"}, "Null"),
        ({"channel": "smoke"}, "not one of"),
        ({"channel": ""}, "Choose a channel"),
        ({"store": "nowhere"}, "not one of"),
        ({"at": "yesterday"}, "valid date"),
        ({"at": "1021-01-01T00:00"}, "not believable"),
        ({"who": "certain"}, "Say which customer"),
        ({"who": "certain", "customer": "GHOST"}, "No customer is known by that"),
        ({"who": "certain", "customer": "a\x00b"}, "Null"),
        ({"who": "everyone"}, "not one of"),
        ({"own": ["b0b0b0b0-0000-0000-0000-000000000000"]}, "not one of"),
        ({"codes": ",".join(f"CODE{n}" for n in range(31))}, "At most 30 codes"),
        ({"shipping": "free"}, "plain amount"),
    ],
)
def test_a_wrong_preview_is_refused_beside_its_field(
    marketer: Client, draft: Campaign, typed: dict[str, Any], sentence: str
) -> None:
    assert sentence in complaints(marketer, draft, **typed)


def test_a_store_of_another_channel_is_refused(marketer: Client, draft: Campaign) -> None:
    store = StoreFactory(channel=ChannelFactory())
    assert "belongs to another channel" in complaints(marketer, draft, channel="web", store=store.key)
    assert tried(marketer, draft, store=store.key).context["outcome"]["first"]["own_applied"] == 300


def test_two_customers_of_one_name_are_told_apart(marketer: Client, draft: Campaign) -> None:
    CustomerFactory(display_name="Ada One"), CustomerFactory(display_name="Ada Two")
    assert "Ada One, Ada Two" in complaints(marketer, draft, who="certain", customer="ada")
    assert tried(marketer, draft, who="certain", customer="ada two").context["outcome"]["customer"].display_name == "Ada Two"


def test_an_unknown_campaign_is_not_found(marketer: Client) -> None:
    assert marketer.get("/campaigns/b0b0b0b0-0000-0000-0000-000000000000/preview/").status_code == 404


# --- The basket ---------------------------------------------------------------------------------------------------------


def test_another_line_keeps_what_was_typed(marketer: Client, draft: Campaign) -> None:
    answer = marketer.post(address(draft), {**BASKET, "line-1-price": "", "another": "1"})
    assert answer.status_code == 200
    rows = answer.context["form"].rows
    assert (len(rows), rows[0]["sku"].value()) == (3, "COF-1")


def past_basket(customer: Customer | None = None) -> Purchase:
    purchase = Purchase.objects.create(
        customer=customer, source="shop", order_key="A-77", channel=ChannelFactory(web=True), placed_at=NOON,
        currency="USD", paid=1700, discount=300,
    )  # fmt: skip
    PurchaseLine.objects.create(
        purchase=purchase, position=1, sku="COF-1", category="COFFEE", brand="Luna", quantity=2, paid=700, discount=300
    )
    PurchaseLine.objects.create(purchase=purchase, position=2, sku="TEA-1", category="TEA", quantity=3, paid=1000)
    return purchase


def test_a_past_basket_is_found_by_card_or_order_and_taken_at_its_prices_before_discounts(
    marketer: Client, draft: Campaign
) -> None:
    purchase = past_basket(IdentityFactory(value="CARD77").customer)
    for words in ("CARD77", "A-77"):
        found = marketer.post(address(draft), {**BASKET, "past": words, "find": "1"})
        assert found.context["found"]["purchases"] == [purchase]
    assert "No purchase was found" in marketer.post(address(draft), {"past": "zzz", "find": "1"}).content.decode()
    assert "Type a card" in marketer.post(address(draft), {"past": " ", "find": "1"}).content.decode()
    taken = marketer.post(address(draft), {**BASKET, "take": str(purchase.public_id)})
    form = taken.context["form"]
    rows = [{name: row[name].value() for name in row.fields} for row in form.rows]
    assert rows[:2] == [
        {"sku": "COF-1", "categories": "COFFEE", "brand": "Luna", "quantity": 2, "price": "5.00"},
        {"sku": "TEA-1", "categories": "TEA", "brand": "", "quantity": 3, "price": "3.33"},
    ]
    assert (form["channel"].value(), form["who"].value()) == ("web", "certain")
    assert form["customer"].value() == str(purchase.customer.public_id)
    assert "Some prices were rounded" in taken.content.decode()


@pytest.mark.parametrize("name", ["not-a-uuid", "b0b0b0b0-0000-0000-0000-000000000000"])
def test_an_unknown_past_basket_begins_an_empty_one(marketer: Client, draft: Campaign, name: str) -> None:
    answer = marketer.get(address(draft) + f"?purchase={name}")
    assert answer.status_code == 200
    assert answer.context["taken"] is None


# --- Whom it meets ------------------------------------------------------------------------------------------------------


def met(client: Client, campaign: Campaign) -> dict[str, tuple[str, str, int | None]]:
    (found,) = client.get(address(campaign)).context["meetings"]
    return {row.other.name: (row.verdict.value, row.reason, row.holders) for row in found.shown}


def test_the_panel_says_what_each_running_incentive_does_to_this_one(marketer: Client, draft: Campaign) -> None:
    web = CampaignFactory(live=True, channels=[ChannelFactory(web=True)])
    draft.channels.set([ChannelFactory()])
    IncentiveFactory(name="Elsewhere", campaign=web)
    IncentiveFactory(name="In euros", campaign=CampaignFactory(live=True, currency="EUR"))
    IncentiveFactory(name="Over", campaign=CampaignFactory(live=True, ends_at=NOON + datetime.timedelta(days=5000)))
    IncentiveFactory(name="Beside")
    tea = {"type": "percent_off", "percent": "5", "target": {"scope": "lines", "include": {"categories": ["TEA"]}}}
    IncentiveFactory(name="Tea", effect=tea)
    ship = {"type": "percent_off", "percent": "100", "target": {"scope": "shipping"}}
    IncentiveFactory(name="Ship", effect=ship)
    IncentiveFactory(name="Alone", stack_group=StackGroupFactory(exclusive=True), effect=tea)
    IncentiveFactory(name="Paused", campaign=CampaignFactory(status=Status.PAUSED))
    draft.starts_at = NOON + datetime.timedelta(days=5000)
    draft.save()
    found = met(marketer, draft)
    assert {name: verdict for name, (verdict, _reason, _holders) in found.items()} == {
        "Elsewhere": "never", "In euros": "never", "Over": "never", "Beside": "combines", "Tea": "never", "Ship": "never",
        "Alone": "loses",
    }  # fmt: skip
    assert found["Elsewhere"][1] == "They are redeemed in different channels."
    assert found["Over"][1] == "One ends before the other begins."
    assert found["Tea"][1] == "They are about different categories."
    assert found["Alone"][1] == "“Alone” applies alone, so “Coffee 15” is left out."


def test_the_first_of_a_group_wins_by_the_rule_itself(marketer: Client) -> None:
    group = StackGroupFactory(key="one", name="One of these", pick="first")
    own = IncentiveFactory(name="Own", campaign=CampaignFactory(), stack_group=group, priority=5)
    IncentiveFactory(name="Below", stack_group=group, priority=1)
    IncentiveFactory(name="Above", stack_group=group, priority=9)
    found = met(marketer, own.campaign)
    assert (found["Below"][0], found["Above"][0]) == ("wins", "loses")
    assert found["Above"][1] == "Only the first of “One of these” applies, and “Above” comes first."


def test_who_could_hold_both_is_counted(marketer: Client, draft: Campaign) -> None:
    draft.audience = {"all": [{"fact": "customer.age", "op": "==", "value": "65+"}]}
    draft.save()
    grey = CustomerFactory(traits={"age": "65+", "town": "Rome"})
    CustomerFactory(traits={"age": "65+"}), CustomerFactory(traits={"age": "19-24", "town": "Rome"})
    for name, age in (("Young", "19-24"), ("Grey", "65+")):
        audience = {"all": [{"fact": "customer.age", "op": "==", "value": age}]}
        IncentiveFactory(name=name, campaign=CampaignFactory(live=True, audience=audience))
    GrantFactory(customer=grey, incentive=IncentiveFactory(name="Held", granted=True))
    found = met(marketer, draft)
    assert (found["Young"][0], found["Young"][2]) == ("never", 0)
    assert (found["Grey"][0], found["Grey"][2]) == ("combines", 2)
    assert (found["Held"][0], found["Held"][2]) == ("combines", 1)


# --- Who may ------------------------------------------------------------------------------------------------------------


def test_an_analyst_may_look_and_is_not_offered_to_edit(draft: Campaign) -> None:
    user = get_user_model().objects.create_user("ana@example.com", "x")
    user.groups.add(Group.objects.get_or_create(name="analyst")[0])
    client = Client()
    client.force_login(user)
    page = tried(client, draft).content.decode()
    assert "/edit/" not in page.partition("<main")[2]
    assert address(draft) in client.get(f"/campaigns/{draft.public_id}/").content.decode()


def test_wrong_codes_are_counted_and_guessing_is_stopped(marketer: Client, draft: Campaign, settings: Any) -> None:
    settings.WRONG_CODES = {**settings.WRONG_CODES, "person": 2, "address": 0}
    tried(marketer, draft, codes="WRONG1, WRONG2")
    refused = marketer.post(address(draft), {**BASKET, "own": own_of(draft), "codes": "RIGHT1"})
    assert refused.status_code == 429
    assert b"To keep codes from being guessed" in refused.content
    tried(marketer, draft, codes="")


def test_the_editors_review_leads_to_the_preview(marketer: Client, draft: Campaign) -> None:
    assert address(draft) in marketer.get(f"/campaigns/{draft.public_id}/edit/review/").content.decode()

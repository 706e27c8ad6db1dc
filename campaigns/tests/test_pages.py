"""The campaign editor and the buttons of a campaign's life, without JavaScript."""

import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from campaigns import operations, queries
from campaigns.models import Campaign, Incentive, StackGroup, Status
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory, StackGroupFactory
from customers.tests.factories import ChannelFactory, CustomerFactory

pytestmark = pytest.mark.django_db

GOAL = {
    "name": "Spring coupons",
    "promise": "Fifteen percent off coffee.",
    "goal": "sales",
    "currency": "EUR",
    "time_zone": "Europe/Rome",
    "starts": "",
    "ends": "2099-06-30T23:59",
    "budget": "12,500.50",
}
INCENTIVE = {
    "name": "15 % off coffee",
    "kind": "percent_off",
    "percent": "15",
    "amount": "",
    "allocation": "by_amount",
    "scope": "categories",
    "names": "COFFEE, TEA",
    "max_amount": "20",
    "claim": "code",
    "code": "spring 15",
    "valid_days": "",
    "minimum_spend": "25.00",
    "minimum_quantity": "2",
    "quantity_category": "COFFEE",
    "total_uses": "1000",
    "uses_per_customer": "1",
}
AUDIENCE = {
    "rows": "3",
    "quantifier": "all",
    "row-0-fact": "orders",
    "row-0-op": ">=",
    "row-0-value": "5",
    "row-1-fact": "age",
    "row-1-op": "in",
    "row-1-value": "25-34, 35-44",
    "row-2-fact": "",
    "row-2-op": "==",
    "row-2-value": "",
}


def signed_in(role: str) -> Client:
    user = get_user_model().objects.create_user(f"{role}@example.com", "x")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def marketer() -> Client:
    return signed_in("marketer")


@pytest.fixture
def draft() -> Campaign:
    return CampaignFactory(name="Draft", currency="EUR", channels=[])


def step(campaign: Campaign, name: str) -> str:
    return f"/campaigns/{campaign.public_id}/edit/{name}/"


def errors(answer: Any) -> dict[str, list[str]]:
    """The sentences beside the fields of a refused form."""
    assert answer.status_code == 422, answer.status_code
    return {name: list(map(str, found)) for name, found in answer.context["form"].errors.items()}


# --- The whole way ------------------------------------------------------------------------------------------------------


def test_a_campaign_is_built_step_by_step_and_launched(marketer: Client) -> None:
    ChannelFactory(), ChannelFactory(web=True), StackGroupFactory(), StackGroupFactory(exclusive=True)
    CustomerFactory(facts={"orders": 7}, traits={"age": "25-34"})
    CustomerFactory(facts={"orders": 2}, traits={"age": "25-34"})

    answer = marketer.post("/campaigns/new/", GOAL)
    campaign = Campaign.objects.get()
    assert answer.url == step(campaign, "incentive")
    assert (campaign.status, campaign.created_by.email) == (Status.DRAFT, "marketer@example.com")
    # Midnight in Rome in summer is two hours before midnight in UTC.
    assert campaign.ends_at == datetime.datetime(2099, 6, 30, 21, 59, tzinfo=datetime.UTC)
    assert queries.budget(campaign) == (1_250_050, 0)

    assert marketer.post(answer.url, INCENTIVE).url == step(campaign, "audience")
    incentive = Incentive.objects.get()
    assert incentive.effect == {
        "type": "percent_off",
        "percent": "15",
        "target": {"scope": "lines", "include": {"categories": ["COFFEE", "TEA"]}},
        "max_amount": 2000,
    }
    assert incentive.conditions == {
        "all": [
            {"fact": "basket.initial_total", "op": ">=", "value": 2500},
            {"fact": "basket.category_quantity:COFFEE", "op": ">=", "value": 2},
        ]
    }
    assert queries.generic_code(incentive) == "SPRING15"
    assert sorted((limit.per, limit.maximum) for limit in queries.limits_of(incentive)) == [("customer", 1), ("total", 1000)]

    assert marketer.post(step(campaign, "audience"), AUDIENCE).url == step(campaign, "channels")
    assert marketer.post(step(campaign, "channels"), {"channels": ["web", "store"]}).url == step(campaign, "stacking")
    prefix = f"stack-{incentive.public_id}"
    stacking = {f"{prefix}-group": "exclusive", f"{prefix}-priority": "5"}
    assert marketer.post(step(campaign, "stacking"), stacking).url == step(campaign, "review")
    incentive.refresh_from_db()
    assert (incentive.stack_group.key, incentive.priority) == ("exclusive", 5)
    assert queries.generic_code(incentive) == "SPRING15"
    assert len(queries.limits_of(incentive)) == 2

    review = marketer.get(step(campaign, "review")).content.decode()
    for words in ("1 customer", "15 % off what is in “COFFEE” or “TEA”, at most 20.00 EUR.", "Spend at least 25.00 EUR."):
        assert words in review
    assert "Still missing" not in review

    answer = marketer.post(step(campaign, "review"), follow=True)
    campaign.refresh_from_db()
    assert campaign.status == Status.LIVE
    assert campaign.audience == {
        "all": [
            {"fact": "customer.orders", "op": ">=", "value": 5},
            {"fact": "customer.age", "op": "in", "value": ["25-34", "35-44"]},
        ]
    }
    assert "The campaign is live." in answer.content.decode()


def test_what_was_saved_comes_back_into_the_fields(marketer: Client) -> None:
    marketer.post("/campaigns/new/", GOAL)
    campaign = Campaign.objects.get()
    marketer.post(step(campaign, "incentive"), INCENTIVE)
    marketer.post(step(campaign, "audience"), AUDIENCE)
    goal = marketer.get(step(campaign, "goal")).context["form"]
    assert {name: goal[name].value() for name in GOAL} == {**GOAL, "budget": "12500.50"}
    incentive = marketer.get(step(campaign, "incentive")).context["form"]
    kept = {name: str(incentive[name].value() or "") for name in INCENTIVE}
    assert kept == {**INCENTIVE, "max_amount": "20.00", "code": "SPRING15"}
    rows = [{name: row[name].value() for name in ("fact", "op", "value")} for row in
            marketer.get(step(campaign, "audience")).context["form"].rows]  # fmt: skip
    assert rows[:2] == [
        {"fact": "orders", "op": ">=", "value": "5"},
        {"fact": "age", "op": "in", "value": "25-34, 35-44"},
    ]
    before = Incentive.objects.values().get()
    marketer.post(step(campaign, "incentive"), kept)
    assert Incentive.objects.values().get() == before


def test_a_step_may_be_left_empty_and_the_review_says_what_is_missing(marketer: Client) -> None:
    ChannelFactory(mail=True)
    marketer.post("/campaigns/new/", {**GOAL, "promise": "", "budget": ""})
    campaign = Campaign.objects.get()
    untouched = {"name": "", "kind": "percent_off", "scope": "order", "claim": "automatic", "allocation": "by_amount"}
    assert marketer.post(step(campaign, "incentive"), untouched).url == step(campaign, "audience")
    assert marketer.post(step(campaign, "audience"), {"rows": "3"}).url == step(campaign, "channels")
    assert marketer.post(step(campaign, "channels"), {}).url == step(campaign, "stacking")
    assert "There is no incentive to combine yet" in marketer.get(step(campaign, "stacking")).content.decode()
    marketer.post(step(campaign, "channels"), {"channels": ["mail"]})

    page = marketer.get(step(campaign, "review"))
    assert [item["url"] for item in page.context["missing"]] == [step(campaign, "incentive"), step(campaign, "channels")]
    answer = marketer.post(step(campaign, "review"))
    assert answer.status_code == 422
    assert "It cannot be launched yet" in answer.content.decode()
    campaign.refresh_from_db()
    assert campaign.status == Status.DRAFT


def test_save_and_close_leaves_the_editor(marketer: Client, draft: Campaign) -> None:
    answer = marketer.post(step(draft, "channels"), {"then": "close"})
    assert answer.url == f"/campaigns/{draft.public_id}/"


# --- Wrong input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "required"),
        ("name", "x" * 5000, "at most 200"),
        ("name", "a\x00b", "Null"),
        ("goal", "world peace", "not one of"),
        ("currency", "XXX", "not one of"),
        ("time_zone", "Mars/Olympus", "not a time zone"),
        ("starts", "yesterday", "valid date"),
        ("starts", "1021-01-01T00:00", "not believable"),
        ("starts", "2098-03-30T02:30", "clocks are put forward"),
        ("ends", "1999-01-01T00:00", "after it starts"),
        ("budget", "12,345.678", "at most 2 digits"),
        ("budget", "12.5O", "plain amount"),
        ("budget", "-5", "negative"),
        ("budget", "0", "more than nothing"),
        ("budget", "9" * 30, "too large"),
        ("budget", "lots", "plain amount"),
        ("budget", "1e9", "plain amount"),
    ],
)
def test_a_wrong_goal_is_refused_beside_its_field_and_keeps_what_was_typed(
    marketer: Client, field: str, typed: str, sentence: str
) -> None:
    answer = marketer.post("/campaigns/new/", {**GOAL, "starts": "2098-01-01T00:00", field: typed})
    assert sentence in "".join(errors(answer)[field])
    assert list(errors(answer)) == [field]
    assert answer.context["form"]["promise"].value() == GOAL["promise"]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "required"),
        ("name", "y" * 300, "at most 200"),
        ("percent", "150", "at most 100"),
        ("percent", "-5", "negative"),
        ("percent", "0", "gives nothing"),
        ("percent", "12.34567", "at most four digits"),
        ("percent", "ten", "Type a number"),
        ("percent", "", "how many percent"),
        ("kind", "free_car", "not one of"),
        ("names", " , ", "at least one"),
        ("names", "z" * 201, "longer than 200"),
        ("max_amount", "-1", "negative"),
        ("max_amount", "12,345.678", "at most 2 digits"),
        ("minimum_spend", "-1", "negative"),
        ("minimum_quantity", "0", "greater than or equal to 1"),
        ("minimum_quantity", "", "how many pieces"),
        ("total_uses", "0", "greater than or equal to 1"),
        ("uses_per_customer", "-3", "greater than or equal to 1"),
        ("claim", "telepathy", "not one of"),
        ("code", "!!", "3 to 40"),
        ("code", "AB", "3 to 40"),
    ],
)
def test_a_wrong_incentive_is_refused_beside_its_field(
    marketer: Client, draft: Campaign, field: str, typed: str, sentence: str
) -> None:
    answer = marketer.post(step(draft, "incentive"), {**INCENTIVE, field: typed})
    assert sentence in "".join(errors(answer)[field])
    assert not Incentive.objects.exists()


def test_an_amount_off_needs_an_amount(marketer: Client, draft: Campaign) -> None:
    for typed, sentence in [("", "how much"), ("0", "gives nothing"), ("-5", "negative"), ("five", "plain amount")]:
        answer = marketer.post(step(draft, "incentive"), {**INCENTIVE, "kind": "amount_off", "amount": typed})
        assert sentence in "".join(errors(answer)["amount"])
    marketer.post(step(draft, "incentive"), {**INCENTIVE, "kind": "amount_off", "amount": "1,005.5", "allocation": "each_unit"})
    effect = Incentive.objects.get().effect
    assert (effect["type"], effect["amount"], effect["allocation"]) == ("amount_off", 100_550, "each_unit")


def test_a_code_that_belongs_to_another_incentive_is_refused(marketer: Client, draft: Campaign) -> None:
    marketer.post(step(draft, "incentive"), INCENTIVE)
    answer = marketer.post(step(draft, "incentive") + "?incentive=new", INCENTIVE)
    assert "belongs to another incentive" in errors(answer)["code"][0]
    assert Incentive.objects.count() == 1


def test_a_wrong_audience_is_refused_beside_its_row(marketer: Client, draft: Campaign) -> None:
    CustomerFactory(facts={"orders": 3})
    for row, sentence in [
        ({"row-0-fact": "", "row-0-value": "5"}, "which fact"),
        ({"row-0-fact": "orders", "row-0-op": ">=", "row-0-value": ""}, "compared with"),
        ({"row-0-fact": "age", "row-0-op": ">", "row-0-value": "old"}, "have an order"),
        ({"row-0-fact": "orders", "row-0-op": "==", "row-0-value": "many"}, "is a number"),
        ({"row-0-fact": "orders", "row-0-op": "in", "row-0-value": " , "}, "at least one"),
    ]:
        answer = marketer.post(step(draft, "audience"), {"rows": "1", **row})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
    draft.refresh_from_db()
    assert draft.audience is None


def test_an_unknown_channel_and_a_wrong_group_are_refused(marketer: Client, draft: Campaign) -> None:
    assert "not one of" in errors(marketer.post(step(draft, "channels"), {"channels": ["smoke-signals"]}))["channels"][0]
    incentive = IncentiveFactory(campaign=draft)
    answer = marketer.post(step(draft, "stacking"), {f"stack-{incentive.public_id}-group": "unheard-of"})
    assert answer.status_code == 422


# --- The audience while it is typed ---------------------------------------------------------------------------------------


def test_the_audience_is_counted_while_it_is_typed_and_by_a_button(marketer: Client, draft: Campaign) -> None:
    CustomerFactory(facts={"orders": 7, "spend": 20_000}), CustomerFactory(facts={"orders": 2, "spend": 100})
    typed = {"rows": "1", "row-0-fact": "spend", "row-0-op": ">=", "row-0-value": "150"}
    live = marketer.get(step(draft, "audience") + "size/", typed, headers={"HX-Request": "true"}).content.decode()
    pressed = marketer.post(step(draft, "audience"), {**typed, "count": "1"}).content.decode()
    assert "1 customer" in live
    assert "1 customer" in pressed
    half = marketer.get(step(draft, "audience") + "size/", {**typed, "row-0-value": ""}).content.decode()
    assert "Not counted yet" in half
    draft.refresh_from_db()
    assert draft.audience is None


def test_another_row_keeps_what_was_typed(marketer: Client, draft: Campaign) -> None:
    typed = {"rows": "1", "quantifier": "any", "row-0-fact": "age", "row-0-op": "==", "row-0-value": "19-24", "another": "1"}
    form = marketer.post(step(draft, "audience"), typed).context["form"]
    assert (len(form.rows), form.quantifier, form.rows[0]["value"].value()) == (2, "any", "19-24")


def test_numbers_and_texts_are_told_apart_by_what_customers_have(marketer: Client, draft: Campaign) -> None:
    CustomerFactory(facts={"orders": 7}, traits={"household_size": "2"})
    typed = {
        "rows": "2", "quantifier": "any",
        "row-0-fact": "household_size", "row-0-op": "==", "row-0-value": "2",
        "row-1-fact": "orders", "row-1-op": "==", "row-1-value": "7",
    }  # fmt: skip
    marketer.post(step(draft, "audience"), typed)
    draft.refresh_from_db()
    assert [leaf["value"] for leaf in draft.audience["any"]] == ["2", 7]


# --- What the form cannot say -----------------------------------------------------------------------------------------------


def test_what_the_api_made_is_shown_and_left_untouched(marketer: Client, draft: Campaign) -> None:
    effect = {"type": "percent_off", "percent": "100", "target": {"scope": "shipping", "include": {"methods": ["post"]}}}
    conditions = {"any": [{"fact": "time.weekday", "op": "==", "value": 1}, {"fact": "basket.quantity", "op": ">", "value": 9}]}
    incentive = IncentiveFactory(campaign=draft, name="Old", effect=effect, conditions=conditions)
    audience = {"none": [{"fact": "customer.age", "op": "==", "value": "65+"}]}
    operations.revise(campaign=draft, by="test", fields={"audience": audience})

    page = marketer.get(step(draft, "incentive")).content.decode()
    assert "This form has no fields for it" in page
    assert "100 % off the shipping costs." in page
    assert "percent" not in marketer.get(step(draft, "incentive")).context["form"].fields
    answer = marketer.post(step(draft, "incentive"), {"name": "New", "claim": "automatic", "percent": "5", "total_uses": "7"})
    assert answer.status_code == 302
    incentive.refresh_from_db()
    assert (incentive.name, incentive.effect, incentive.conditions) == ("New", effect, conditions)

    assert "stays exactly as it is" in marketer.get(step(draft, "audience")).content.decode()
    marketer.post(step(draft, "audience"), {"rows": "3"})
    draft.refresh_from_db()
    assert draft.audience == audience
    replaced = {"replace": "1", "rows": "1", "row-0-fact": "age", "row-0-op": "==", "row-0-value": "65+"}
    marketer.post(step(draft, "audience"), replaced)
    draft.refresh_from_db()
    assert draft.audience == {"all": [{"fact": "customer.age", "op": "==", "value": "65+"}]}


@pytest.mark.parametrize(
    "effect",
    [
        {"type": "amount_off", "amount": 500, "allocation": "by_quantity", "target": {"scope": "lines"}},
        {"type": "percent_off", "percent": "12.5", "target": {"scope": "lines", "include": {"skus": ["A-1", "B 2"]}}},
        {"type": "percent_off", "percent": "10", "target": {"scope": "order"}, "max_amount": 2000},
    ],
)
def test_effects_the_form_can_say_survive_a_round_through_it(marketer: Client, draft: Campaign, effect: dict[str, Any]) -> None:
    incentive = IncentiveFactory(campaign=draft, effect=effect)
    LimitFactory(incentive=incentive, maximum=12)
    form = marketer.get(step(draft, "incentive")).context["form"]
    typed = {name: form[name].value() or "" for name in form.fields}
    assert marketer.post(step(draft, "incentive"), typed).status_code == 302
    incentive.refresh_from_db()
    assert incentive.effect == effect
    assert [limit.maximum for limit in queries.limits_of(incentive)] == [12]


def test_an_incentive_is_removed_from_a_draft(marketer: Client, draft: Campaign) -> None:
    IncentiveFactory(campaign=draft)
    marketer.post(step(draft, "incentive"), {"remove": "1"})
    assert not draft.incentives.exists()


# --- A campaign's life --------------------------------------------------------------------------------------------------


def test_launch_pause_resume_and_end_by_button(marketer: Client) -> None:
    campaign = IncentiveFactory(campaign=CampaignFactory()).campaign
    for verb, status in [
        ("launch", Status.LIVE),
        ("pause", Status.PAUSED),
        ("resume", Status.LIVE),
        ("end", Status.ENDED),
    ]:
        assert marketer.get(f"/campaigns/{campaign.public_id}/{verb}/").status_code == 405
        answer = marketer.post(f"/campaigns/{campaign.public_id}/{verb}/")
        assert answer.url == f"/campaigns/{campaign.public_id}/"
        campaign.refresh_from_db()
        assert campaign.status == status


def test_a_launch_without_an_incentive_is_refused_beside_the_button(marketer: Client, draft: Campaign) -> None:
    answer = marketer.post(f"/campaigns/{draft.public_id}/launch/")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "a campaign without one promises nothing" in page
    assert f"/campaigns/{draft.public_id}/launch/" in page


def test_a_step_that_does_not_fit_the_status_is_refused(marketer: Client) -> None:
    campaign = CampaignFactory(live=True)
    answer = marketer.post(f"/campaigns/{campaign.public_id}/resume/")
    assert answer.status_code == 409
    assert "It is live now." in answer.content.decode()


@pytest.mark.parametrize("name", ["goal", "incentive", "audience", "channels", "stacking", "review"])
def test_a_running_campaign_is_not_edited(marketer: Client, name: str) -> None:
    answer = marketer.get(step(CampaignFactory(live=True), name))
    assert answer.status_code == 409
    assert "Pause the campaign before you change it." in answer.content.decode()


def test_a_paused_campaign_is_edited(marketer: Client) -> None:
    campaign = IncentiveFactory(campaign=CampaignFactory(live=True, status=Status.PAUSED, time_zone="Europe/Rome")).campaign
    form = marketer.get(step(campaign, "goal")).context["form"]
    typed = {name: form[name].value() or "" for name in form.fields}
    assert marketer.post(step(campaign, "goal"), {**typed, "promise": "New words"}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.promise == "New words"


# --- Who may ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("marketer", True), ("operator", True), ("analyst", False), ("store", False), ("hr", False), ("manager", False)],
)
def test_only_marketers_and_operators_change_campaigns(draft: Campaign, role: str, allowed: bool) -> None:
    client = signed_in(role)
    paths = [
        "/campaigns/new/",
        *(step(draft, name) for name in ("goal", "incentive", "audience", "channels", "stacking", "review")),
    ]
    for path in paths:
        assert client.get(path).status_code == (200 if allowed else 403), path
    for verb in ("launch", "pause", "resume", "end"):
        assert (client.post(f"/campaigns/{draft.public_id}/{verb}/").status_code == 403) is not allowed


def test_strangers_are_sent_to_sign_in(client: Client, draft: Campaign) -> None:
    assert client.get(step(draft, "goal")).url.startswith("/accounts/login/")
    assert client.post(f"/campaigns/{draft.public_id}/launch/").status_code == 302
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_every_installation_begins_with_three_stack_groups() -> None:
    found = dict(StackGroup.objects.values_list("key", "eligibility"))
    assert {"default": "common", "exclusive": "exclusive", "always": "always"}.items() <= found.items()


def test_an_unchanged_start_keeps_its_seconds(marketer: Client) -> None:
    began = datetime.datetime(2026, 11, 1, 8, 30, 17, 123456, tzinfo=datetime.UTC)
    campaign = CampaignFactory(live=True, status=Status.PAUSED, starts_at=began, time_zone="America/New_York")
    form = marketer.get(step(campaign, "goal")).context["form"]
    typed = {name: form[name].value() or "" for name in form.fields}
    marketer.post(step(campaign, "goal"), typed)
    campaign.refresh_from_db()
    assert campaign.starts_at == began
    marketer.post(step(campaign, "goal"), {**typed, "starts": "2026-11-02T08:30"})
    campaign.refresh_from_db()
    assert campaign.starts_at == datetime.datetime(2026, 11, 2, 13, 30, tzinfo=datetime.UTC)


def test_stacking_of_several_incentives_is_saved_together_or_not_at_all(marketer: Client, draft: Campaign) -> None:
    StackGroupFactory(always=True)
    good = IncentiveFactory(campaign=draft)
    recorded = IncentiveFactory(campaign=draft, effect={"type": "recorded"})
    typed = {f"stack-{row.public_id}-group": "always" for row in (good, recorded)}
    # What another system decides has no value of its own here, so it cannot be revised: nothing else is, either.
    assert marketer.post(step(draft, "stacking"), typed).status_code == 422
    good.refresh_from_db()
    assert good.stack_group.key == "default"
    recorded.delete()
    assert marketer.post(step(draft, "stacking"), typed).status_code == 302
    good.refresh_from_db()
    assert good.stack_group.key == "always"

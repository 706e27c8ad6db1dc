"""The campaign editor and the buttons of a campaign's life, without JavaScript."""

import datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from campaigns import operations, queries
from campaigns.models import Campaign, Incentive, StackGroup, Status
from campaigns.rules.language import effect_of
from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory, StackGroupFactory
from campaigns.wording.promises import incentive_in_words
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
    "effect-kind": "percent_off",
    "effect-percent": "15",
    "effect-max_amount": "20",
    "effect-target-scope": "lines",
    "effect-include-categories": "COFFEE, TEA",
    "claim": "code",
    "code": "spring 15",
    "valid_days": "",
    "when-n": "2",
    "when-quantifier": "all",
    "when-0-fact": "basket.initial_total",
    "when-0-op": ">=",
    "when-0-value": "25.00",
    "when-1-fact": "basket.category_quantity:",
    "when-1-which": "COFFEE",
    "when-1-op": ">=",
    "when-1-value": "2",
    "total_uses": "1000",
    "uses_per_customer": "1",
}
AUDIENCE = {
    "audience-n": "3",
    "audience-quantifier": "all",
    "audience-0-fact": "customer.orders",
    "audience-0-op": ">=",
    "audience-0-value": "5",
    "audience-1-fact": "customer.",
    "audience-1-which": "age",
    "audience-1-op": "in",
    "audience-1-value": "25-34, 35-44",
    "audience-2-fact": "",
    "audience-2-op": "==",
    "audience-2-value": "",
}


class Sent(HTMLParser):
    """What a browser would send of the form of a page, were its main button pressed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.select = self.area = ""
        self.feed(page.partition("<main")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name = said.get("name", "")
        if tag == "input" and name and name != "csrfmiddlewaretoken":
            if said.get("type") not in {"radio", "checkbox"} or "checked" in said:
                self.fields[name] = said.get("value", "on" if said.get("type") == "checkbox" else "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and ("selected" in said or self.select not in self.fields):
            self.fields[self.select] = said["value"]
        elif tag == "textarea":
            self.area, self.fields[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        self.select = "" if tag == "select" else self.select
        self.area = "" if tag == "textarea" else self.area

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data


def sent(answer: Any) -> dict[str, str]:
    return Sent(answer.content.decode()).fields


def signed_in(role: str) -> Client:
    user = get_user_model().objects.create_user(f"{role}@example.com", "x")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
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
    form = answer.context["form"]
    own = {name: list(map(str, found)) for name, found in form.errors.items()}
    return own | getattr(form, "effect_errors", {})


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
    kept = sent(marketer.get(step(campaign, "incentive")))
    expected = {**INCENTIVE, "effect-max_amount": "20.00", "code": "SPRING15"}
    assert {name: kept[name] for name in INCENTIVE} == expected
    audience = sent(marketer.get(step(campaign, "audience")))
    assert (audience["audience-0-fact"], audience["audience-0-op"], audience["audience-0-value"]) == (
        "customer.orders",
        ">=",
        "5",
    )
    assert (audience["audience-1-fact"], audience["audience-1-value"]) == ("customer.age", "25-34, 35-44")
    before = Incentive.objects.values().get()
    assert marketer.post(step(campaign, "incentive"), kept).status_code == 302
    assert Incentive.objects.values().get() == before
    marketer.post(step(campaign, "audience"), audience)
    again = Campaign.objects.get()
    campaign.refresh_from_db()
    assert again.audience == campaign.audience


def test_a_step_may_be_left_empty_and_the_review_says_what_is_missing(marketer: Client) -> None:
    ChannelFactory(mail=True)
    marketer.post("/campaigns/new/", {**GOAL, "promise": "", "budget": ""})
    campaign = Campaign.objects.get()
    untouched = sent(marketer.get(step(campaign, "incentive")))
    assert untouched["effect-kind"] == "percent_off"
    assert marketer.post(step(campaign, "incentive"), untouched).url == step(campaign, "audience")
    assert marketer.post(step(campaign, "audience"), {"audience-n": "3"}).url == step(campaign, "channels")
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
        ("effect-percent", "150", "at most 100"),
        ("effect-percent", "-5", "negative"),
        ("effect-percent", "0", "gives nothing"),
        ("effect-percent", "12.34567", "at most four digits"),
        ("effect-percent", "ten", "Type a number"),
        ("effect-percent", "", "how many percent"),
        ("effect-kind", "free_car", "not one of"),
        ("effect-include-categories", " , ", "at least one"),
        ("effect-include-categories", "z" * 201, "longer than 200"),
        ("effect-max_amount", "-1", "negative"),
        ("effect-max_amount", "12,345.678", "at most 2 digits"),
        ("effect-include-price_from", "cheap", "plain amount"),
        ("effect-exclude-price_to", "-1", "negative"),
        ("effect-target-scope", "moon", "not one of"),
        ("effect-target-group_size", "0", "greater than or equal to 1"),
        ("effect-target-max_per_order", "-2", "greater than or equal to 1"),
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
        answer = marketer.post(step(draft, "incentive"), {**INCENTIVE, "effect-kind": "amount_off", "effect-amount": typed})
        assert sentence in "".join(errors(answer)["effect-amount"])
    typed_well = {"effect-kind": "amount_off", "effect-amount": "1,005.5", "effect-allocation": "each_unit"}
    marketer.post(step(draft, "incentive"), {**INCENTIVE, **typed_well})
    effect = Incentive.objects.get().effect
    assert (effect["type"], effect["amount"], effect["allocation"]) == ("amount_off", 100_550, "each_unit")


def test_a_code_that_belongs_to_another_incentive_is_refused(marketer: Client, draft: Campaign) -> None:
    marketer.post(step(draft, "incentive"), INCENTIVE)
    answer = marketer.post(step(draft, "incentive") + "?incentive=new", INCENTIVE)
    assert "belongs to another incentive" in errors(answer)["code"][0]
    assert Incentive.objects.count() == 1


def test_a_wrong_audience_is_refused_beside_its_row(marketer: Client, draft: Campaign) -> None:
    CustomerFactory(facts={"orders": 3, "last_purchase_on": "2026-01-01"})
    for (fact, op, value), sentence in [
        (("", "==", "5"), "which fact"),
        (("customer.", "==", "5"), "which one"),
        (("basket.quantity", ">=", "5"), "cannot be asked for here"),
        (("customer.orders", ">=", ""), "compared with"),
        (("customer.orders", "between", "5"), "from what to what"),
        (("customer.age", ">", "old"), "have an order"),
        (("customer.orders", "==", "many"), "is a number"),
        (("customer.last_purchase_on", ">=", "soon"), "is a date"),
        (("customer.orders", "in", " , "), "at least one"),
        (("customer.spend", ">=", "12,3456"), "at most 2 digits"),
        (("customer.orders", "matches", "x"), "Only a text follows a pattern"),
        (("customer.orders", "resembles", "x"), "not one of"),
    ]:
        row = {"audience-0-fact": fact, "audience-0-op": op, "audience-0-value": value}
        answer = marketer.post(step(draft, "audience"), {"audience-n": "1", **row})
        assert answer.status_code == 422, fact
        assert sentence in answer.content.decode(), (fact, sentence)
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
    typed = {"audience-n": "1", "audience-0-fact": "customer.spend", "audience-0-op": ">=", "audience-0-value": "150"}
    live = marketer.get(step(draft, "audience") + "size/", typed, headers={"HX-Request": "true"}).content.decode()
    pressed = marketer.post(step(draft, "audience"), {**typed, "count": "1"}).content.decode()
    assert "1 customer" in live
    assert "1 customer" in pressed
    half = marketer.get(step(draft, "audience") + "size/", {**typed, "audience-0-value": ""}).content.decode()
    assert "Not counted yet" in half
    draft.refresh_from_db()
    assert draft.audience is None


def test_rows_and_groups_are_added_and_removed_by_buttons_and_keep_what_was_typed(marketer: Client, draft: Campaign) -> None:
    typed = {"audience-n": "1", "audience-quantifier": "any"}
    typed |= {"audience-0-fact": "customer.age", "audience-0-op": "==", "audience-0-value": "19-24"}
    page = marketer.post(step(draft, "audience"), {**typed, "audience-do": "group:audience"})
    assert page.status_code == 200
    shown = sent(page)
    assert (shown["audience-quantifier"], shown["audience-0-value"], shown["audience-n"], shown["audience-1-n"]) == (
        "any", "19-24", "2", "2",
    )  # fmt: skip
    shown |= {"audience-1-quantifier": "none", "audience-1-0-fact": "customer.age", "audience-1-0-value": "65+"}
    shown = sent(marketer.post(step(draft, "audience"), {**shown, "audience-do": "row:audience-1"}))
    assert shown["audience-1-n"] == "3"
    shown = sent(marketer.post(step(draft, "audience"), {**shown, "audience-do": "drop:audience-1-2"}))
    assert (shown["audience-1-n"], shown["audience-1-0-value"]) == ("2", "65+")
    assert marketer.post(step(draft, "audience"), shown).status_code == 302
    draft.refresh_from_db()
    age = {"fact": "customer.age", "op": "=="}
    assert draft.audience == {"any": [{**age, "value": "19-24"}, {"none": [{**age, "value": "65+"}]}]}
    assert sent(marketer.get(step(draft, "audience")))["audience-1-0-value"] == "65+"


@pytest.mark.parametrize("doing", ["drop:audience-9", "drop:audience", "row:audience-0", "group:x", "drop:audience-0-0", "²:²"])
def test_a_button_that_fits_nothing_changes_nothing(marketer: Client, draft: Campaign, doing: str) -> None:
    typed = {"audience-n": "1", "audience-0-fact": "customer.age", "audience-0-op": "==", "audience-0-value": "19-24"}
    shown = sent(marketer.post(step(draft, "audience"), {**typed, "audience-do": doing}))
    assert (shown["audience-n"], shown["audience-0-value"]) == ("1", "19-24")


def test_a_tree_that_is_sent_too_deep_or_too_large_is_cut(marketer: Client, draft: Campaign) -> None:
    path, typed = "audience", {}
    for _level in range(30):
        typed[f"{path}-n"] = "999"
        path += "-0"
    answer = marketer.post(step(draft, "audience"), typed)
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert draft.audience is None


@pytest.mark.parametrize(
    ("fact", "op", "value", "until", "said"),
    [
        ("basket.initial_total", "between", "10", "20.50", [1000, 2050]),
        ("basket.quantity", "in", "2, 4", "", [2, 4]),
        ("basket.skus", "has_all", "A, B", "", ["A", "B"]),
        ("basket.categories", "has", "COFFEE", "", "COFFEE"),
        ("channel.key", "not_in", "web, mail", "", ["web", "mail"]),
        ("time.date", ">=", "2026-12-01", "", "2026-12-01"),
        ("time.weekday", "<=", "5", "", 5),
        ("customer.vip", "==", "true", "", True),
        ("customer.town", "known", "", "", True),
        ("customer.town", "unknown", "", "", False),
    ],
)
def test_every_kind_of_fact_is_compared_as_what_it_is_and_comes_back(
    marketer: Client, draft: Campaign, fact: str, op: str, value: str, until: str, said: Any
) -> None:
    CustomerFactory(traits={"vip": True, "town": "Rome"})
    row = {"when-0-fact": fact, "when-0-op": op, "when-0-value": value, "when-0-until": until}
    plain = {"name": "A", "effect-kind": "percent_off", "effect-percent": "5", "claim": "automatic"}
    assert marketer.post(step(draft, "incentive"), {**plain, "when-n": "1", **row}).status_code == 302
    (leaf,) = Incentive.objects.get().conditions["all"]
    assert (leaf["fact"], leaf["value"]) == (fact, said)
    page = marketer.get(step(draft, "incentive"))
    assert not page.context["form"].keeps_conditions
    assert marketer.post(step(draft, "incentive"), sent(page)).status_code == 302
    assert Incentive.objects.get().conditions == {"all": [leaf]}


def test_numbers_and_texts_are_told_apart_by_what_customers_have(marketer: Client, draft: Campaign) -> None:
    CustomerFactory(facts={"orders": 7}, traits={"household_size": "2"})
    typed = {
        "audience-n": "2", "audience-quantifier": "any",
        "audience-0-fact": "customer.household_size", "audience-0-op": "==", "audience-0-value": "2",
        "audience-1-fact": "customer.orders", "audience-1-op": "==", "audience-1-value": "7",
    }  # fmt: skip
    marketer.post(step(draft, "audience"), typed)
    draft.refresh_from_db()
    assert [leaf["value"] for leaf in draft.audience["any"]] == ["2", 7]


# --- Effects ------------------------------------------------------------------------------------------------------------


def test_choosing_a_type_shows_its_fields_alone_and_saves_nothing(marketer: Client, draft: Campaign) -> None:
    typed = {"name": "Gift", "effect-kind": "free_item", "claim": "automatic", "effect-do": "update", "when-n": "1"}
    page = marketer.post(step(draft, "incentive"), typed)
    assert page.status_code == 200
    shown = sent(page)
    assert "effect-sku" in shown
    assert "effect-percent" not in shown
    assert shown["name"] == "Gift"
    assert not Incentive.objects.exists()


def test_steps_are_added_by_a_button(marketer: Client, draft: Campaign) -> None:
    shown = sent(marketer.post(step(draft, "incentive"), {"effect-kind": "tiers", "effect-do": "update"}))
    shown |= {"effect-parts-0-from": "50", "effect-parts-0-percent": "5"}
    shown = sent(marketer.post(step(draft, "incentive"), {**shown, "effect-do": "more"}))
    assert (shown["effect-parts"], shown["effect-parts-0-from"]) == ("3", "50")
    shown = sent(marketer.post(step(draft, "incentive"), {**shown, "effect-do": "less"}))
    assert shown["effect-parts"] == "2"
    shown |= {"name": "Steps", "effect-parts-1-from": "100", "effect-parts-1-percent": "10"}
    answer = marketer.post(step(draft, "incentive"), shown)
    assert answer.status_code == 302, errors(answer)
    effect = Incentive.objects.get().effect
    assert [(tier["from"], tier["effect"]["percent"]) for tier in effect["tiers"]] == [(5000, "5"), (10000, "10")]
    shown["effect-parts-1-from"] = "50"
    answer = marketer.post(step(draft, "incentive") + "?incentive=new", shown)
    assert "begins at the same place" in answer.content.decode()


@pytest.mark.parametrize(
    ("kind", "typed", "sentence"),
    [
        ("fixed_price", {}, "Say the new price"),
        ("bundle_price", {"effect-amount": "10"}, "how many pieces make a bundle"),
        ("bundle_price", {"effect-amount": "10", "effect-size": "0"}, "greater than or equal to 1"),
        ("buy_get", {"effect-get_percent": "100"}, "one of the two"),
        ("buy_get", {"effect-buy_quantity": "2", "effect-buy_amount": "5", "effect-get_percent": "100"}, "one of the two"),
        ("buy_get", {"effect-buy_quantity": "2"}, "one of the two"),
        ("buy_get", {"effect-buy_quantity": "2", "effect-get_percent": "120"}, "at most 100"),
        ("free_item", {"effect-unit_price": "5"}, "which article is added"),
        ("free_item", {"effect-sku": "MUG"}, "what it is worth"),
        ("upgrade", {"effect-sku": "B", "effect-unit_price": "5"}, "what is replaced"),
        ("stored_value", {}, "how much is stored"),
        ("stored_value", {"effect-available": "5", "effect-rate": "NaN"}, "a number above 0"),
        ("stored_value", {"effect-available": "5", "effect-rate": "1e-9"}, "a number above 0"),
        (
            "tiers",
            {"effect-parts": "1", "effect-parts-0-kind": "percent_off", "effect-parts-0-percent": "5"},
            "where this step begins",
        ),
        ("compound", {"effect-parts": "1", "effect-parts-0-kind": "compound"}, "not one of"),
        ("percent_off", {"effect-percent": "5", "effect-target-per_group": "1"}, "of how many pieces"),
        (
            "percent_off",
            {"effect-percent": "5", "effect-target-group_size": "2", "effect-target-per_group": "3"},
            "Not more than",
        ),
        ("percent_off", {"effect-percent": "5", "effect-target-scope": "shipping", "effect-target-skip": "1"}, "not of shipping"),
        (
            "percent_off",
            {"effect-percent": "5", "effect-target-scope": "shipping", "effect-include-skus": "A"},
            "has no articles",
        ),
        (
            "percent_off",
            {"effect-percent": "5", "effect-include-price_from": "9", "effect-include-price_to": "1"},
            "No price lies",
        ),
    ],
)
def test_what_an_effect_lacks_is_said(marketer: Client, draft: Campaign, kind: str, typed: dict[str, str], sentence: str) -> None:
    answer = marketer.post(step(draft, "incentive"), {"name": "A", "claim": "automatic", "effect-kind": kind, **typed})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Incentive.objects.exists()


def test_what_is_built_is_said_in_words_while_it_is_typed_and_by_a_button(marketer: Client, draft: Campaign) -> None:
    live = marketer.post(step(draft, "incentive") + "words/", INCENTIVE).content.decode()
    pressed = marketer.post(step(draft, "incentive"), {**INCENTIVE, "check": "1"})
    for page in (live, pressed.content.decode()):
        assert "15 % off what is in “COFFEE” or “TEA”, at most 20.00 EUR." in page
        assert "Spend at least 25.00 EUR." in page
    assert pressed.status_code == 200
    half = marketer.post(step(draft, "incentive") + "words/", {**INCENTIVE, "effect-percent": ""}).content.decode()
    assert "Say how many percent." in half
    assert not Incentive.objects.exists()


# --- What the form cannot say -----------------------------------------------------------------------------------------------


def test_what_the_api_made_is_shown_and_left_untouched(marketer: Client, draft: Campaign) -> None:
    effect = {"type": "amount_off", "amount": {"EUR": 500, "USD": 550}}
    inner = {"all": [{"any": [{"none": [{"fact": "basket.quantity", "op": ">", "value": 9}]}]}]}
    conditions = {"any": [{"fact": "time.weekday", "op": "==", "value": 1}, inner]}
    incentive = IncentiveFactory(campaign=draft, name="Old", effect=effect, conditions=conditions)
    audience = {"all": [{"fact": "customer.age", "op": "in", "value": ["65+", "30, or so"]}]}
    operations.revise(campaign=draft, by="test", fields={"audience": audience})

    page = marketer.get(step(draft, "incentive")).content.decode()
    assert "This form has no fields for it" in page
    assert "5.00 EUR / 5.50 USD off the whole order." in page
    assert "effect-kind" not in sent(marketer.get(step(draft, "incentive")))
    answer = marketer.post(
        step(draft, "incentive"), {"name": "New", "claim": "automatic", "effect-percent": "5", "total_uses": "7"}
    )
    assert answer.status_code == 302
    incentive.refresh_from_db()
    assert (incentive.name, incentive.effect, incentive.conditions) == ("New", effect, conditions)

    assert "stays exactly as it is" in marketer.get(step(draft, "audience")).content.decode()
    marketer.post(step(draft, "audience"), {"audience-n": "3"})
    draft.refresh_from_db()
    assert draft.audience == audience
    row = {"audience-0-fact": "customer.age", "audience-0-op": "==", "audience-0-value": "65+"}
    replaced = {"replace": "1", "audience-n": "1", **row}
    marketer.post(step(draft, "audience"), replaced)
    draft.refresh_from_db()
    assert draft.audience == {"all": [{"fact": "customer.age", "op": "==", "value": "65+"}]}


GOODS = {"categories": ["COFFEE"], "brands": ["Luna"], "unit_price": {"from": 500, "to": 1000}}
OF_THREE = {"pick": "cheapest", "group_size": 3, "per_group": 1, "max_groups": 2}


@pytest.mark.parametrize(
    "effect",
    [
        {"type": "amount_off", "amount": 500, "allocation": "by_quantity", "target": {"scope": "lines"}},
        {"type": "percent_off", "percent": "12.5", "target": {"scope": "lines", "include": {"skus": ["A-1", "B 2"]}}},
        {"type": "percent_off", "percent": "10", "target": {"scope": "order"}, "max_amount": 2000},
        {"type": "percent_off", "percent": "100", "target": {"scope": "shipping", "include": {"methods": ["post"]}}},
        {"type": "percent_off", "percent": "100", "target": {"scope": "lines", "include": GOODS, "units": OF_THREE}},
        {
            "type": "percent_off",
            "percent": "5",
            "target": {
                "scope": "order",
                "exclude": {"skus": ["X"]},
                "units": {"pick": "dearest", "max_per_order": 2, "max_per_line": 1, "skip": 1, "every": 2},
                "undiscounted_only": True,
            },
        },
        {"type": "fixed_price", "amount": 990, "target": {"scope": "lines", "include": {"categories": ["SHOES"]}}},
        {"type": "bundle_price", "amount": 1000, "size": 3, "repeat": False, "target": {"scope": "lines"}},
        {"type": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1, "percent": "100"}},
        {
            "type": "buy_get",
            "buy": {"amount": 5000, "filter": {"categories": ["SHOES"]}},
            "get": {"quantity": 2, "amount": 100, "pick": "dearest", "filter": {"categories": ["SOCKS"]}},
            "repeat": False,
            "max_amount": 300,
        },
        {"type": "free_item", "sku": "MUG", "quantity": 1, "unit_price": 800, "name": "Mug"},
        {"type": "upgrade", "from": {"skus": ["A"]}, "to": {"sku": "B", "unit_price": 900}, "max_units": 2},
        {"type": "stored_value", "available": 1000, "rate": "0.5", "max": 400},
        {
            "type": "tiers",
            "by": "quantity",
            "tiers": [
                {"from": 3, "effect": {"type": "percent_off", "percent": "5"}},
                {"from": 6, "effect": {"type": "amount_off", "amount": 700, "target": {"scope": "lines", "include": GOODS}}},
            ],
            "target": {"scope": "order"},
        },
        {
            "type": "compound",
            "effects": [
                {"type": "percent_off", "percent": "5"},
                {"type": "percent_off", "percent": "100", "target": {"scope": "shipping"}},
            ],
        },
    ],
    ids=lambda effect: effect["type"],
)
def test_effects_the_form_can_say_survive_a_round_through_it(marketer: Client, draft: Campaign, effect: dict[str, Any]) -> None:
    incentive = IncentiveFactory(campaign=draft, effect=effect)
    LimitFactory(incentive=incentive, maximum=12)
    page = marketer.get(step(draft, "incentive"))
    form = page.context["form"]
    assert not form.keeps_effect
    answer = marketer.post(step(draft, "incentive"), sent(page))
    assert answer.status_code == 302, errors(answer)
    incentive.refresh_from_db()
    assert incentive.effect == effect
    assert [limit.maximum for limit in queries.limits_of(incentive)] == [12]
    # And the same again for an incentive that does not exist yet: what the fields alone say means the same.
    marketer.post(step(draft, "incentive") + "?incentive=new", {**sent(page), "name": "Twin", "claim": "automatic"})
    assert effect_of(draft.incentives.get(name="Twin").effect) == effect_of(effect)


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


# --- Awards, own sentences, limits of units -----------------------------------------------------------------------------

ONLY_POINTS = {
    "name": "Double points",
    "effect-kind": "awards_only",
    "award-n": "2",
    "award-0-kind": "points",
    "award-0-points": "2",
    "award-0-per": "1.00",
    "award-0-rounding": "up",
    "award-0-multiplier": "basket.quantity",
    "award-0-valid_months": "12",
    "award-0-until_end_of": "year",
    "award-1-kind": "contest_entry",
    "award-1-contest": "Summer draw",
    "claim": "automatic",
}


def test_an_incentive_that_only_gives_awards_is_built_and_comes_back_the_same(marketer: Client, draft: Campaign) -> None:
    answer = marketer.post(step(draft, "incentive"), {**ONLY_POINTS, "when-n": "0"})
    assert answer.status_code == 302, answer.content.decode()
    row = draft.incentives.get()
    assert row.effect == {}
    assert row.awards == [
        {
            "type": "points", "points": 2, "per": 100, "rounding": "up", "multiplier_fact": "basket.quantity",
            "valid_months": 12, "round_up_to_end_of": "year",
        },
        {"type": "contest_entry", "contest": "Summer draw", "entries": 1},
    ]  # fmt: skip
    page = marketer.get(step(draft, "incentive"))
    assert "2 points for every 1.00 EUR paid" in page.content.decode()
    assert marketer.post(step(draft, "incentive"), sent(page)).status_code == 302
    again = draft.incentives.get()
    assert (again.effect, again.awards) == ({}, row.awards)


def test_another_incentive_is_chosen_from_a_list(marketer: Client, draft: Campaign) -> None:
    given = IncentiveFactory(granted=True, name="Welcome back", campaign=CampaignFactory(name="Autumn", channels=[]))
    IncentiveFactory(granted=True, name="Over", campaign=CampaignFactory(status="ended", channels=[]))
    IncentiveFactory(name="Automatic")
    row = {"name": "Give it", "effect-kind": "percent_off", "effect-percent": "5", "award-n": "1", "award-0-kind": "grant"}
    shown = marketer.post(step(draft, "incentive"), {**row, "award-do": "update"}).content.decode()
    assert "Welcome back (Autumn)" in shown
    assert "Over" not in shown
    assert "Automatic" not in shown
    chosen = {**row, "award-0-incentive": str(given.public_id), "claim": "automatic"}
    assert marketer.post(step(draft, "incentive"), chosen).status_code == 302
    assert draft.incentives.get().awards == [{"type": "grant", "incentive": str(given.public_id)}]
    assert "“Welcome back” for the wallet" in marketer.get(step(draft, "review")).content.decode()


def test_a_circle_is_refused_beside_the_award(marketer: Client, draft: Campaign) -> None:
    mine = IncentiveFactory(granted=True, name="Mine", campaign=draft)
    other = IncentiveFactory(granted=True, name="Other", campaign=CampaignFactory(channels=[]))
    operations.revise_incentive(incentive=other, by="test", awards=[{"type": "grant", "incentive": str(mine.public_id)}])
    typed = sent(marketer.get(step(draft, "incentive")))
    typed |= {"award-0-kind": "grant", "award-0-incentive": str(other.public_id)}
    answer = marketer.post(step(draft, "incentive"), typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“Mine” → “Other” → “Mine”" in page
    assert 'href="#id_award-0-incentive"' in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"award-0-kind": ""}, "has to give something else"),
        ({"award-0-kind": "points", "award-0-points": ""}, "how many points"),
        ({"award-0-kind": "points", "award-0-points": "5", "award-0-per": "0"}, "More than 0"),
        ({"award-0-kind": "points", "award-0-points": "5", "award-0-until_end_of": "month"}, "how many months"),
        ({"award-0-kind": "credit"}, "how much credit"),
        ({"award-0-kind": "credit", "award-0-percent": "101"}, "at most 100"),
        ({"award-0-kind": "credit", "award-0-credit": "0"}, "gives nothing"),
        ({"award-0-kind": "contest_entry"}, "which contest"),
        ({"award-0-kind": "access"}, "access to"),
        ({"award-0-kind": "grant"}, "Choose an incentive"),
        (
            {"award-0-kind": "points", "award-0-points": "5", "when_short": "clip"},
            "Only a limit of units, discount or points can be clipped",
        ),
        ({"award-0-kind": "points", "award-0-points": "5", "total_units": "5"}, "lowers no pieces"),
        (
            {"award-0-kind": "points", "award-0-points": "5", "sentence-n": "1", "sentence-0-text-en": "No."},
            "which sentence it replaces",
        ),
        (
            {"award-0-kind": "points", "award-0-points": "5", "sentence-n": "1", "sentence-0-reason": "any"},
            "Write the sentence",
        ),
    ],
)
def test_what_is_missing_of_an_award_is_said_beside_it(
    marketer: Client, draft: Campaign, typed: dict[str, str], sentence: str
) -> None:
    base = {"name": "N", "effect-kind": "awards_only", "claim": "automatic", "award-n": "1"}
    answer = marketer.post(step(draft, "incentive"), {**base, **typed})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not draft.incentives.exists()


def test_rows_of_awards_and_sentences_grow_and_shrink_without_scripts(marketer: Client, draft: Campaign) -> None:
    typed = {**ONLY_POINTS, "sentence-n": "1", "sentence-0-reason": "any", "sentence-0-text-en": "Ask us."}
    more = sent(marketer.post(step(draft, "incentive"), {**typed, "award-do": "more", "sentence-do": ""}))
    assert (more["award-n"], more["award-1-contest"], more["sentence-0-text-en"]) == ("3", "Summer draw", "Ask us.")
    less = sent(marketer.post(step(draft, "incentive"), {**typed, "award-do": "remove:0"}))
    assert (less["award-n"], less["award-0-contest"]) == ("1", "Summer draw")
    two = sent(marketer.post(step(draft, "incentive"), {**typed, "sentence-do": "more"}))
    assert two["sentence-n"] == "2"
    assert not draft.incentives.exists()


def test_own_sentences_and_limits_of_units_are_typed_and_come_back(marketer: Client, draft: Campaign) -> None:
    typed = {
        **INCENTIVE,
        "total_units": "40",
        "units_per_customer": "2",
        "when_short": "clip",
        "sentence-n": "2",
        "sentence-0-reason": "limit-reached",
        "sentence-0-text-en": "All gone.",
        "sentence-1-reason": "any",
        "sentence-1-text-en": "Ask at the desk.",
    }
    assert marketer.post(step(draft, "incentive"), typed).status_code == 302
    row = draft.incentives.get()
    assert row.sentences == {"limit-reached": {"en": "All gone."}, "any": {"en": "Ask at the desk."}}
    assert marketer.post(step(draft, "incentive"), sent(marketer.get(step(draft, "incentive")))).status_code == 302
    again = draft.incentives.get()
    assert again.sentences == row.sentences
    assert {(limit.measure, limit.per): (limit.maximum, limit.on_short) for limit in again.limits.all()} == {
        ("uses", "total"): (1000, "refuse"),
        ("uses", "customer"): (1, "refuse"),
        ("units", "total"): (40, "clip"),
        ("units", "customer"): (2, "clip"),
    }


def test_limits_of_amounts_and_points_are_typed_said_and_come_back(marketer: Client, draft: Campaign) -> None:
    typed = {
        **INCENTIVE,
        "award-n": "1",
        "award-0-kind": "points",
        "award-0-points": "5",
        "total_discount": "1,000.50",
        "order_value_per_customer": "200",
        "total_points": "5000",
        "when_short": "clip",
    }
    assert marketer.post(step(draft, "incentive"), {**typed, "total_order_value": "a lot"}).status_code == 422
    assert marketer.post(step(draft, "incentive"), {**typed, "total_order_value": "0"}).status_code == 422
    assert marketer.post(step(draft, "incentive"), typed).status_code == 302
    page = marketer.get(step(draft, "incentive"))
    said = incentive_in_words(draft.incentives.get())
    assert "It gives at most 5,000 points in total. When less is left, it gives what is left." in said
    assert "Each customer may use it on goods worth 200.00 EUR before discounts." in said
    assert marketer.post(step(draft, "incentive"), sent(page)).status_code == 302
    found = {(limit.measure, limit.per): (limit.maximum, limit.on_short) for limit in draft.incentives.get().limits.all()}
    assert {key: value for key, value in found.items() if key[0] != "uses"} == {
        ("discount", "total"): (100_050, "clip"),
        ("order_value", "customer"): (20_000, "refuse"),
        ("points", "total"): (5_000, "clip"),
    }


def test_changing_how_it_stacks_leaves_awards_and_sentences_alone(marketer: Client, draft: Campaign) -> None:
    awards, sentences = [{"type": "points", "points": 5}], {"any": {"en": "Ask."}}
    row = operations.add_incentive(campaign=draft, by="test", key="a", name="A", awards=awards, sentences=sentences)
    StackGroupFactory(always=True)
    name = f"stack-{row.public_id}"
    assert marketer.post(step(draft, "stacking"), {f"{name}-group": "always", f"{name}-priority": "3"}).status_code == 302
    row.refresh_from_db()
    assert (row.stack_group.key, row.priority, row.awards, row.sentences) == ("always", 3, awards, sentences)


def test_the_stacking_step_says_what_a_group_means(marketer: Client, draft: Campaign) -> None:
    IncentiveFactory(campaign=draft)
    operations.define_group(by="test", key="per-line", name="Toppings", pick="best_for_customer", scope="line", base="original")
    page = marketer.get(step(draft, "stacking")).content.decode()
    assert "each line gets the largest discount only" in page
    assert "Percentages are taken of the price before any discount" in page


def test_a_budget_that_runs_short_may_be_clipped(marketer: Client) -> None:
    answer = marketer.post("/campaigns/new/", {**GOAL, "when_short": "clip"})
    campaign = Campaign.objects.get()
    assert answer.status_code == 302
    assert campaign.limits.get().on_short == "clip"
    assert sent(marketer.get(step(campaign, "goal")))["when_short"] == "clip"


def test_what_another_incentive_gives_is_not_removed(marketer: Client, draft: Campaign) -> None:
    given = IncentiveFactory(granted=True, name="Given", campaign=draft)
    giver = IncentiveFactory(name="Giver", campaign=draft)
    operations.revise_incentive(incentive=giver, by="test", awards=[{"type": "grant", "incentive": str(given.public_id)}])
    answer = marketer.post(f"{step(draft, 'incentive')}?incentive={given.public_id}", {"remove": "1"})
    assert answer.status_code == 409
    assert "“Giver” gives it" in answer.content.decode()
    assert draft.incentives.count() == 2


def test_a_group_of_ones_own_is_made_and_chosen(marketer: Client, draft: Campaign) -> None:
    lines = {"type": "percent_off", "percent": "10", "target": {"scope": "lines"}}
    row = IncentiveFactory(campaign=draft, effect=lines)
    name = f"stack-{row.public_id}"
    own = {
        "own-name": "Toppings", "own-eligibility": "common", "own-pick": "best_for_customer", "own-scope": "line",
        "own-base": "original", "own-consume_without_effect": "on", f"{name}-group": "default", f"{name}-priority": "7",
        "make-group": "1",
    }  # fmt: skip
    refused = marketer.post(step(draft, "stacking"), {**own, "own-pick": "all"})
    assert refused.status_code == 422
    assert "nothing to pick for each line" in refused.content.decode()
    made = marketer.post(step(draft, "stacking"), own)
    group = StackGroup.objects.get(key="toppings")
    assert made.status_code == 200
    assert (group.scope, group.base, group.consume_without_effect) == ("line", "original", True)
    typed = sent(made)
    assert (typed[f"{name}-group"], typed[f"{name}-priority"], typed["own-name"]) == ("default", "7", "")
    assert marketer.post(step(draft, "stacking"), {**typed, f"{name}-group": "toppings"}).status_code == 302
    row.refresh_from_db()
    assert (row.stack_group.key, row.priority) == ("toppings", 7)

"""The back office: every page of every model opens for an operator and for nobody else; what happened cannot be edited."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from campaigns.models import StackGroup
from campaigns.tests.factories import GrantFactory, IncentiveFactory, LimitFactory
from customers.models import Event
from incentives_site.accounts.models import User
from incentives_site.shared.admin import ReadOnlyAdmin
from redemptions.models import AppliedIncentive, Redemption, Return

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator@example.com"))
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_the_list_of_every_model_opens(operator: Client, model: Any) -> None:
    address = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert operator.get(reverse(f"{address}_changelist")).status_code == 200
    searched = operator.get(reverse(f"{address}_changelist"), {"q": "x"})
    assert searched.status_code == 200
    if admin.site._registry[model].has_add_permission(searched.wsgi_request):
        assert operator.get(reverse(f"{address}_add")).status_code == 200


def test_one_row_of_every_kind_opens(operator: Client) -> None:
    grant, limit = GrantFactory(), LimitFactory()
    for row in (
        grant,
        limit,
        grant.incentive,
        grant.incentive.campaign,
        grant.customer,
        grant.channel,
        grant.incentive.stack_group,
    ):
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        assert operator.get(address).status_code == 200, address


GROUP = {
    "name": "Toppings", "key": "toppings", "eligibility": "common", "rank": "50", "pick": "best_for_customer", "scope": "line",
    "limit": "", "base": "original", "consume_without_effect": "on",
}  # fmt: skip


def test_a_stack_group_is_made_and_changed_as_a_whole(operator: Client) -> None:
    assert operator.post(reverse("admin:campaigns_stackgroup_add"), GROUP).status_code == 302
    group = StackGroup.objects.get(key="toppings")
    assert (group.pick, group.scope, group.base, group.consume_without_effect) == ("best_for_customer", "line", "original", True)
    address = reverse("admin:campaigns_stackgroup_change", args=[group.pk])
    assert "each line gets the largest discount only" in operator.get(address).content.decode()
    assert operator.post(address, {**GROUP, "scope": "basket", "base": ""}).status_code == 302
    group.refresh_from_db()
    assert (group.key, group.scope, group.base) == ("toppings", "basket", "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pick": "first", "scope": "basket", "limit": "3"}, "could never be reached"),
        ({"pick": "all"}, "nothing to pick for each line"),
        ({"limit": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_stack_group_is_refused_by_the_rule_of_every_door(operator: Client, change: dict[str, str], sentence: str) -> None:
    answer = operator.post(reverse("admin:campaigns_stackgroup_add"), {**GROUP, **change})
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not StackGroup.objects.filter(key="toppings").exists()


def test_a_group_is_not_turned_against_what_is_in_it(operator: Client) -> None:
    group = IncentiveFactory().stack_group
    address = reverse("admin:campaigns_stackgroup_change", args=[group.pk])
    answer = operator.post(address, {**GROUP, "name": group.name})
    assert "move it to another group first" in answer.content.decode()
    group.refresh_from_db()
    assert group.scope == "basket"


@pytest.mark.parametrize("model", [Event, Redemption, AppliedIncentive, Return])
def test_what_happened_is_only_read(model: Any) -> None:
    assert isinstance(admin.site._registry[model], ReadOnlyAdmin)


# Who took part in a survey, and what is not published of it, is for nobody's eyes (docs/anonymity.md).
NOBODYS = {
    f"surveys.{name}"
    for name in (
        "AnswerSet",
        "Ballot",
        "Claim",
        "Comment",
        "Invitation",
        "MeetingNote",
        "OneOnOne",
        "OpenAnswer",
        "Reply",
    )
}


def test_every_model_of_ours_is_there() -> None:
    from django.apps import apps

    ours = {"accounts", "integrations", "customers", "campaigns", "redemptions", "surveys"}
    missing = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ours and not model._meta.auto_created and model not in admin.site._registry
    }
    assert missing == NOBODYS


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get(reverse("admin:index")).status_code == 302
    client.force_login(User.objects.create_user("marketer@example.com"))
    assert client.get(reverse("admin:index")).status_code == 302


def test_a_new_key_is_shown_once(operator: Client) -> None:
    from incentives_site.integrations.models import ApiKey, Partner

    partner = Partner.objects.create(key="shop", name="Shop")
    form = {"partner": partner.pk, "name": "till", "channel_keys": "web", "store_keys": "", "scopes": "quotes"}
    response = operator.post(reverse("admin:integrations_apikey_add"), form, follow=True)
    key = ApiKey.objects.get()
    shown = re.search(rf"{key.prefix}\.[A-Za-z0-9]{{32}}", response.content.decode())
    assert shown
    assert key.is_valid(shown[0])
    again = operator.get(reverse("admin:integrations_apikey_change", args=[key.pk]))
    assert shown[0] not in again.content.decode()

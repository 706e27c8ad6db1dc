"""Campaigns, grants and simulations as partners write and read them."""

from typing import Any

from rest_framework import serializers

from campaigns import queries
from campaigns.models import Campaign, Goal, Grant
from campaigns.queries import WalletItem
from customers.api.references import CustomerReferenceSerializer
from incentives_site.shared.serializers import StrictSerializer


class SimulationRequest(StrictSerializer):
    """A whole question said inline: basket, facts, incentives, groups, policy (``docs/api.md``). Stores nothing."""

    currency = serializers.CharField()
    at = serializers.DateTimeField(required=False)
    channel = serializers.DictField(required=False)
    store = serializers.DictField(required=False)
    customer = serializers.DictField(required=False)
    basket = serializers.DictField()
    groups = serializers.ListField(child=serializers.DictField(), required=False)
    incentives = serializers.ListField(child=serializers.DictField())
    policy = serializers.DictField(required=False)


class AppliedOut(serializers.Serializer[Any]):
    incentive = serializers.CharField()
    name = serializers.CharField()
    group = serializers.CharField()
    amount = serializers.IntegerField()
    wanted = serializers.IntegerField(required=False)
    lines = serializers.ListField(child=serializers.DictField())
    shipping = serializers.ListField(child=serializers.DictField())
    items_added = serializers.ListField(child=serializers.DictField())
    awards = serializers.ListField(child=serializers.DictField())
    base = serializers.CharField()
    running_before = serializers.IntegerField()
    running_after = serializers.IntegerField()


class RefusedOut(serializers.Serializer[Any]):
    incentive = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    sent_code = serializers.CharField(required=False)
    fact = serializers.CharField(required=False)
    needed = serializers.JSONField(required=False)
    actual = serializers.JSONField(required=False)
    missing = serializers.IntegerField(required=False)
    winner = serializers.CharField(required=False)


class TotalsOut(serializers.Serializer[Any]):
    items = serializers.IntegerField()
    shipping = serializers.IntegerField()
    initial = serializers.IntegerField()
    discount = serializers.IntegerField()
    stored_value = serializers.IntegerField()
    payable = serializers.IntegerField()


class LineOut(serializers.Serializer[Any]):
    line = serializers.CharField()
    initial = serializers.IntegerField()
    discount = serializers.IntegerField()
    payable = serializers.IntegerField()


class DecisionOut(serializers.Serializer[Any]):
    """What applies, what does not and why, and what is left to pay."""

    currency = serializers.CharField()
    applied = AppliedOut(many=True)
    inapplicable = RefusedOut(many=True)
    skipped = RefusedOut(many=True)
    totals = TotalsOut()
    lines = LineOut(many=True)
    shipping = serializers.ListField(child=serializers.DictField())
    order = serializers.ListField(child=serializers.CharField())
    optimal = serializers.BooleanField(allow_null=True)


class GrantRequest(StrictSerializer):
    customer = CustomerReferenceSerializer()
    incentive = serializers.CharField(max_length=64)
    channel = serializers.CharField(max_length=64, required=False)
    occasion = serializers.CharField(max_length=100, required=False, default="default")
    ends_at = serializers.DateTimeField(required=False)


class GrantOut(serializers.Serializer[Any]):
    """A grant; ``code`` is what its holder shows."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    state = serializers.CharField()
    incentive = serializers.DictField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    wallet_url = serializers.CharField()


def grant_as_data(grant: Grant, *, code: str, state: str, wallet_url: str) -> dict[str, Any]:
    data: dict[str, Any] = GrantOut(
        {
            "id": grant.public_id,
            "code": code,
            "state": state,
            "incentive": {
                "id": str(grant.incentive.public_id),
                "name": grant.incentive.name,
                "campaign": str(grant.incentive.campaign.public_id),
            },
            "starts_at": grant.starts_at,
            "ends_at": grant.ends_at,
            "wallet_url": wallet_url,
        }
    ).data
    return data


def wallet_item_as_data(item: WalletItem, wallet_url: str) -> dict[str, Any]:
    return grant_as_data(item.grant, code=item.code, state=str(item.state), wallet_url=wallet_url)


class IncentiveRequest(StrictSerializer):
    key = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=200)
    effect = serializers.DictField()
    claim = serializers.CharField(default="automatic")
    conditions = serializers.DictField(required=False, allow_null=True)
    group = serializers.SlugField(required=False)
    priority = serializers.IntegerField(required=False, default=0, min_value=-1_000_000, max_value=1_000_000)
    valid_days = serializers.IntegerField(required=False, allow_null=True)
    total_uses = serializers.IntegerField(required=False, allow_null=True)
    uses_per_customer = serializers.IntegerField(required=False, allow_null=True)
    code = serializers.CharField(required=False, allow_blank=True, max_length=64, default="")


class CampaignRequest(StrictSerializer):
    """A campaign as data. On PATCH what is not named stays; incentives can only be given when it is created."""

    name = serializers.CharField(max_length=200)
    goal = serializers.ChoiceField(Goal.choices)
    promise = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    time_zone = serializers.CharField(required=False, max_length=64)
    currency = serializers.CharField(required=False, max_length=3)
    audience = serializers.DictField(required=False, allow_null=True)
    restores_on_return = serializers.BooleanField(required=False)
    channels = serializers.ListField(child=serializers.SlugField(), required=False, max_length=50)
    budget = serializers.IntegerField(required=False, allow_null=True)
    incentives = IncentiveRequest(many=True, required=False)


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    channels = serializers.SlugRelatedField("key", many=True, read_only=True)
    incentives = serializers.SerializerMethodField()
    budget = serializers.SerializerMethodField()

    class Meta:
        model = Campaign
        fields = [
            "id", "name", "status", "goal", "promise", "starts_at", "ends_at", "time_zone", "currency", "audience", "channels",
            "incentives", "budget",
        ]  # fmt: skip

    def get_incentives(self, campaign: Campaign) -> list[dict[str, str]]:
        return [{"id": str(i.public_id), "key": i.key, "name": i.name} for i in campaign.incentives.all()]

    def get_budget(self, campaign: Campaign) -> dict[str, int] | None:
        known = queries.budget(campaign)
        return None if known is None else {"amount": known[0], "spent": known[1]}

"""Campaigns, grants and simulations as partners write and read them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns import operations, queries
from campaigns.models import Campaign, Goal, Grant, Incentive, StackGroup
from campaigns.queries import WalletItem
from campaigns.rules import schema
from campaigns.rules.groups import Base, Eligibility, Pick, PickScope
from campaigns.rules.language import MOST_AWARDS
from customers.api.references import CustomerReferenceSerializer
from incentives_site.shared.serializers import StrictSerializer


class AppliedOut(serializers.Serializer[Any]):
    incentive = serializers.CharField()
    name = serializers.CharField()
    group = serializers.CharField()
    amount = serializers.IntegerField()
    wanted = serializers.IntegerField(required=False)
    units = serializers.DictField(child=serializers.IntegerField(), required=False)
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
    wallet_url = serializers.CharField(allow_null=True, help_text="Null for keys without `customers:write`.")


def grant_as_data(grant: Grant, *, code: str, state: str, wallet_url: str | None) -> dict[str, Any]:
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


def wallet_item_as_data(item: WalletItem, wallet_url: str | None) -> dict[str, Any]:
    return grant_as_data(item.grant, code=item.code, state=str(item.state), wallet_url=wallet_url)


@extend_schema_field({"$ref": schema.PREFIX + "Effect"})
class EffectField(serializers.DictField):
    """Said in the incentive language and read by the rule's own reader, whose pointers lead further in."""


@extend_schema_field({"oneOf": [{"$ref": schema.PREFIX + "Condition"}, {"type": "null"}]})
class ConditionsField(serializers.DictField):
    pass


@extend_schema_field({"type": "array", "items": {"$ref": schema.PREFIX + "Award"}, "maxItems": MOST_AWARDS})
class AwardsField(serializers.ListField):
    child = serializers.JSONField()


@extend_schema_field(
    {
        "type": "object",
        "description": "The operator's own sentences, by refusal reason (or `any`), then by language.",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 200}},
    }
)
class SentencesField(serializers.JSONField):
    pass


class TermsRequest(StrictSerializer):
    """What an incentive promises. On PATCH what is not named stays."""

    name = serializers.CharField(max_length=200)
    effect = EffectField(required=False, help_text="Absent when it only gives awards.")
    awards = AwardsField(required=False)
    conditions = ConditionsField(required=False, allow_null=True)
    sentences = SentencesField(required=False)
    claim = serializers.CharField(required=False)
    code = serializers.CharField(required=False, allow_blank=True, max_length=64)
    group = serializers.SlugField(required=False)
    priority = serializers.IntegerField(required=False, min_value=-1_000_000, max_value=1_000_000)
    valid_days = serializers.IntegerField(required=False, allow_null=True)
    total_uses = serializers.IntegerField(required=False, allow_null=True)
    uses_per_customer = serializers.IntegerField(required=False, allow_null=True)
    uses_per_customer_day = serializers.IntegerField(required=False, allow_null=True)
    uses_per_customer_week = serializers.IntegerField(required=False, allow_null=True)
    uses_per_customer_month = serializers.IntegerField(required=False, allow_null=True)
    uses_per_store = serializers.IntegerField(required=False, allow_null=True)
    total_units = serializers.IntegerField(required=False, allow_null=True)
    units_per_customer = serializers.IntegerField(required=False, allow_null=True)
    total_discount = serializers.IntegerField(required=False, allow_null=True)
    discount_per_customer = serializers.IntegerField(required=False, allow_null=True)
    total_order_value = serializers.IntegerField(required=False, allow_null=True)
    order_value_per_customer = serializers.IntegerField(required=False, allow_null=True)
    total_points = serializers.IntegerField(required=False, allow_null=True)
    points_per_customer = serializers.IntegerField(required=False, allow_null=True)
    when_short = serializers.CharField(
        required=False, help_text="refuse or clip: when fewer units or points, or less discount, are left than wanted."
    )


class IncentiveRequest(TermsRequest):
    key = serializers.SlugField(max_length=64)


class IncentiveOut(serializers.Serializer[Any]):
    """An incentive with everything it promises; its code is not said."""

    id = serializers.UUIDField()
    campaign = serializers.UUIDField()
    key = serializers.CharField()
    name = serializers.CharField()
    effect = serializers.DictField(help_text="Empty when it only gives awards.")
    awards = AwardsField()
    conditions = ConditionsField(allow_null=True)
    sentences = SentencesField()
    claim = serializers.CharField()
    group = serializers.CharField()
    priority = serializers.IntegerField()
    valid_days = serializers.IntegerField(allow_null=True)
    total_uses = serializers.IntegerField(allow_null=True)
    uses_per_customer = serializers.IntegerField(allow_null=True)
    uses_per_customer_day = serializers.IntegerField(allow_null=True)
    uses_per_customer_week = serializers.IntegerField(allow_null=True)
    uses_per_customer_month = serializers.IntegerField(allow_null=True)
    uses_per_store = serializers.IntegerField(allow_null=True)
    total_units = serializers.IntegerField(allow_null=True)
    units_per_customer = serializers.IntegerField(allow_null=True)
    total_discount = serializers.IntegerField(allow_null=True)
    discount_per_customer = serializers.IntegerField(allow_null=True)
    total_order_value = serializers.IntegerField(allow_null=True)
    order_value_per_customer = serializers.IntegerField(allow_null=True)
    total_points = serializers.IntegerField(allow_null=True)
    points_per_customer = serializers.IntegerField(allow_null=True)
    when_short = serializers.CharField()


def incentive_as_data(incentive: Incentive) -> dict[str, Any]:
    """The incentive as ``IncentiveOut``. Reads ``limits`` and ``stack_group``: prefetch them for a list."""
    terms = dict(operations.terms_of(incentive))
    del terms["stack_group"]
    return {
        "id": str(incentive.public_id),
        "campaign": str(incentive.campaign.public_id),
        "key": incentive.key,
        "group": incentive.stack_group.key,
        **terms,
    }


class GroupRequest(StrictSerializer):
    """A stack group. On PATCH what is not named stays."""

    name = serializers.CharField(max_length=200)
    eligibility = serializers.ChoiceField([kind.value for kind in Eligibility], required=False)
    rank = serializers.IntegerField(required=False, min_value=-1_000_000, max_value=1_000_000)
    limit = serializers.IntegerField(required=False, allow_null=True)
    pick = serializers.ChoiceField([kind.value for kind in Pick], required=False)
    scope = serializers.ChoiceField([kind.value for kind in PickScope], required=False)
    base = serializers.ChoiceField([kind.value for kind in Base], required=False, allow_null=True)
    consume_without_effect = serializers.BooleanField(required=False)


class NewGroupRequest(GroupRequest):
    key = serializers.SlugField(max_length=64)


class GroupOut(serializers.Serializer[StackGroup]):
    """A stack group; ``base`` null: the policy's."""

    key = serializers.CharField()
    name = serializers.CharField()
    eligibility = serializers.ChoiceField([kind.value for kind in Eligibility])
    rank = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    pick = serializers.ChoiceField([kind.value for kind in Pick])
    scope = serializers.ChoiceField([kind.value for kind in PickScope])
    base = serializers.ChoiceField([kind.value for kind in Base], allow_null=True)
    consume_without_effect = serializers.BooleanField()

    def to_representation(self, instance: StackGroup) -> dict[str, Any]:
        data: dict[str, Any] = super().to_representation(instance)
        return {**data, "base": instance.base or None}


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
    when_short = serializers.CharField(required=False, help_text="refuse or clip: when less is left of the budget than wanted.")
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


class CampaignDetailSerializer(CampaignSerializer):
    """One campaign, with its incentives in full."""

    when_short = serializers.SerializerMethodField()

    class Meta(CampaignSerializer.Meta):
        fields = [*CampaignSerializer.Meta.fields, "when_short", "restores_on_return"]

    @extend_schema_field(IncentiveOut(many=True))
    def get_incentives(self, campaign: Campaign) -> list[dict[str, Any]]:
        rows = list(campaign.incentives.select_related("stack_group").prefetch_related("limits").order_by("pk"))
        for row in rows:
            row.campaign = campaign
        return [incentive_as_data(row) for row in rows]

    def get_when_short(self, campaign: Campaign) -> str:
        return queries.budget_when_short(campaign)

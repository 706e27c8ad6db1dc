"""Campaigns, grants, wallets and simulations, for partners."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import operations, queries
from campaigns.models import Campaign, StackGroup
from campaigns.rules.language import read_simulation
from campaigns.rules.stacking import decide
from campaigns.wording import decision_as_data
from customers import queries as customer_queries
from customers.api.references import find
from customers.models import Channel
from customers.rules.faults import Misunderstood
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.problems import FieldError, Invalid

from . import serializers


class Simulations(PartnerView):
    required_scopes = {"POST": Scope.SIMULATE}

    @extend_schema(operation_id="simulate", request=serializers.SimulationRequest, responses=serializers.DecisionOut)
    def post(self, request: Request) -> Response:
        """Decide for a basket and incentives given inline. Stores nothing, so it needs no Idempotency-Key."""
        try:
            simulation = read_simulation(request.data, now=timezone.now())
        except Misunderstood as error:
            raise operations.understood(error) from None
        decision = decide(
            basket=simulation.basket,
            candidates=simulation.candidates,
            groups=simulation.groups,
            policy=simulation.policy,
            surroundings=simulation.surroundings,
        )
        return Response(decision_as_data(decision, {c.key: c.name or c.key for c in simulation.candidates}))


class Grants(PartnerView):
    required_scopes = {"POST": Scope.CUSTOMERS_WRITE}
    is_idempotent = True

    @extend_schema(
        operation_id="grants_create",
        request=serializers.GrantRequest,
        responses={201: serializers.GrantOut, 200: serializers.GrantOut},
    )
    def post(self, request: Request) -> Response:
        """Put an incentive into a customer's wallet; the same occasion again answers 200 with the first grant."""
        form = serializers.GrantRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data

        def work() -> tuple[int, dict[str, Any]]:
            customer = find(wanted["customer"])
            if customer is None:
                raise customer_queries.CustomerUnknown
            grant, is_new = operations.grant(
                customer=customer,
                incentive=queries.incentive_by_public_id(wanted["incentive"]),
                channel=customer_queries.channel(self.channel_key(wanted.get("channel"))),
                by=self.caller.actor,
                now=timezone.now(),
                occasion=wanted["occasion"],
                reason="partner",
                ends_at=wanted.get("ends_at"),
            )
            state = str(queries.state_of(grant, timezone.now()))
            body = serializers.grant_as_data(
                grant, code=queries.grant_code(grant), state=state, wallet_url=queries.wallet_url(customer)
            )
            return (201 if is_new else 200), body

        return self.once(request, work)


class Wallet(PartnerView):
    required_scopes = {"GET": Scope.CUSTOMERS_READ}

    @extend_schema(operation_id="customers_wallet", responses=serializers.GrantOut(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        """What a customer holds and held, usable first."""
        customer = customer_queries.by_public_id(public_id)
        url = queries.wallet_url(customer)
        items = queries.wallet(customer, now=timezone.now())
        return Response(
            {"results": [serializers.wallet_item_as_data(item, url) for item in items], "next": None, "previous": None}
        )


class Campaigns(PartnerView, ListAPIView[Campaign]):
    required_scopes = {"GET": Scope.CAMPAIGNS_READ, "POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True
    serializer_class = serializers.CampaignSerializer
    filter_backends: list[Any] = []

    def get_queryset(self) -> Any:
        filters = {name: self.request.query_params.get(name, "") for name in ("status", "goal", "channel")}
        return queries.campaigns(words=self.request.query_params.get("q", ""), **filters).prefetch_related("incentives")

    @extend_schema(
        operation_id="campaigns_list",
        parameters=[OpenApiParameter(name, str) for name in ("q", "status", "goal", "channel")],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Campaigns, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="campaigns_create",
        request=serializers.CampaignRequest,
        responses={201: serializers.CampaignSerializer},
    )
    def post(self, request: Request) -> Response:
        """A new campaign in draft, with its incentives."""
        form = serializers.CampaignRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)
        incentives = wanted.pop("incentives", [])
        channels = channels_named(wanted.pop("channels", []))
        budget = wanted.pop("budget", None)

        def work() -> tuple[int, dict[str, Any]]:
            campaign = operations.draft(by=self.caller.actor, fields=wanted, channels=channels, budget=budget)
            for position, incentive in enumerate(incentives):
                self._add(campaign, incentive, f"/incentives/{position}")
            return 201, dict(serializers.CampaignSerializer(campaign).data)

        return self.once(request, work)

    def _add(self, campaign: Campaign, incentive: dict[str, Any], pointer: str) -> None:
        group = incentive.get("group")
        try:
            operations.add_incentive(
                campaign=campaign,
                by=self.caller.actor,
                stack_group=group_named(group, "/group") if group else None,
                **{name: value for name, value in incentive.items() if name != "group"},
            )
        except Invalid as problem:
            errors = [FieldError(pointer + error.pointer, error.code, error.detail) for error in problem.errors]
            raise Invalid(problem.detail, errors=errors) from None


class CampaignDetail(PartnerView):
    required_scopes = {"GET": Scope.CAMPAIGNS_READ, "PATCH": Scope.CAMPAIGNS_WRITE}

    @extend_schema(operation_id="campaigns_read", responses=serializers.CampaignSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """One campaign."""
        return Response(serializers.CampaignSerializer(queries.campaign_by_public_id(public_id)).data)

    @extend_schema(operation_id="campaigns_revise", request=serializers.CampaignRequest, responses=serializers.CampaignSerializer)
    def patch(self, request: Request, public_id: str) -> Response:
        """Change a campaign that is not running."""
        campaign = queries.campaign_by_public_id(public_id)
        form = serializers.CampaignRequest(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)
        if "incentives" in wanted:
            raise Invalid(errors=[FieldError("/incentives", "read-only", "Incentives are given when a campaign is created.")])
        channels = wanted.pop("channels", None)
        budget = wanted.pop("budget", operations.KEEP)
        revised = operations.revise(
            campaign=campaign,
            by=self.caller.actor,
            fields=wanted,
            channels=None if channels is None else channels_named(channels),
            budget=budget,
        )
        return Response(serializers.CampaignSerializer(revised).data)


class CampaignStep(PartnerView):
    """Launch, pause, resume or end; one address each."""

    required_scopes = {"POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True
    step = ""

    @extend_schema(request=None, responses=serializers.CampaignSerializer)
    def post(self, request: Request, public_id: str) -> Response:
        """Make this step in the campaign's life."""

        def work() -> tuple[int, dict[str, Any]]:
            campaign = queries.campaign_by_public_id(public_id)
            by, now = self.caller.actor, timezone.now()
            match self.step:
                case "launch":
                    campaign = operations.launch(campaign=campaign, by=by, now=now)
                case "pause":
                    campaign = operations.pause(campaign=campaign, by=by)
                case "resume":
                    campaign = operations.resume(campaign=campaign, by=by, now=now)
                case "end":
                    campaign = operations.end(campaign=campaign, by=by, now=now)
            return 200, dict(serializers.CampaignSerializer(campaign).data)

        return self.once(request, work)


def channels_named(keys: list[str]) -> list[Channel]:
    """The channels with these keys. Raises ``Invalid`` naming the first that is unknown."""
    found = {channel.key: channel for channel in Channel.objects.filter(key__in=keys, is_active=True)}
    for position, key in enumerate(keys):
        if key not in found:
            raise Invalid(errors=[FieldError(f"/channels/{position}", "channel-unknown", f"There is no channel “{key}”.")])
    return [found[key] for key in dict.fromkeys(keys)]


def group_named(key: str, pointer: str) -> StackGroup:
    group = StackGroup.objects.filter(key=key).first()
    if group is None:
        raise Invalid(errors=[FieldError(pointer, "group-unknown", f"There is no stack group “{key}”.")])
    return group

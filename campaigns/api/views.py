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
from campaigns.wording import decision_as_data
from customers import queries as customer_queries
from customers.api.references import find
from customers.models import Channel
from customers.rules.faults import Misunderstood
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.problems import FieldError, Invalid

from . import serializers
from .openapi import body_of


class Simulations(PartnerView):
    required_scopes = {"POST": Scope.SIMULATE}

    @extend_schema(operation_id="simulate", request=body_of("Simulation"), responses=serializers.DecisionOut)
    def post(self, request: Request) -> Response:
        """Decide for a basket and incentives given inline. Stores nothing, so it needs no Idempotency-Key."""
        with operations.bounded() as work:
            try:
                simulation = read_simulation(request.data, now=timezone.now(), work=work)
            except Misunderstood as error:
                raise operations.understood(error) from None
            decision = operations.decide(
                basket=simulation.basket,
                candidates=simulation.candidates,
                groups=simulation.groups,
                policy=simulation.policy,
                surroundings=simulation.surroundings,
                work=work,
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
        # The page leads to surveys, which are answered there: it is not for keys that may only read.
        url = queries.wallet_url(customer) if self.caller.may(Scope.CUSTOMERS_WRITE) else None
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
        responses={201: serializers.CampaignDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """A new campaign in draft, with its incentives."""
        form = serializers.CampaignRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)
        incentives = wanted.pop("incentives", [])
        channels = channels_named(wanted.pop("channels", []))
        own = {name: wanted.pop(name) for name in ("budget", "when_short") if name in wanted}

        def work() -> tuple[int, dict[str, Any]]:
            several = [(item.pop("key"), terms_named(item, f"/incentives/{i}")) for i, item in enumerate(map(dict, incentives))]
            campaign = operations.draft(by=self.caller.actor, fields=wanted, channels=channels, **own)
            operations.add_incentives(campaign=campaign, by=self.caller.actor, several=several)
            return 201, dict(serializers.CampaignDetailSerializer(campaign).data)

        return self.once(request, work)


class CampaignDetail(PartnerView):
    required_scopes = {"GET": Scope.CAMPAIGNS_READ, "PATCH": Scope.CAMPAIGNS_WRITE}

    @extend_schema(operation_id="campaigns_read", responses=serializers.CampaignDetailSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """One campaign."""
        return Response(serializers.CampaignDetailSerializer(queries.campaign_by_public_id(public_id)).data)

    @extend_schema(
        operation_id="campaigns_revise", request=serializers.CampaignRequest, responses=serializers.CampaignDetailSerializer
    )
    def patch(self, request: Request, public_id: str) -> Response:
        """Change a campaign that is not running."""
        campaign = queries.campaign_by_public_id(public_id)
        form = serializers.CampaignRequest(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)
        if "incentives" in wanted:
            detail = "Change an incentive at its own address, add one at the campaign's."
            raise Invalid(errors=[FieldError("/incentives", "read-only", detail)])
        channels = wanted.pop("channels", None)
        budget, when_short = wanted.pop("budget", operations.KEEP), wanted.pop("when_short", None)
        revised = operations.revise(
            campaign=campaign,
            by=self.caller.actor,
            fields=wanted,
            channels=None if channels is None else channels_named(channels),
            budget=budget,
            when_short=when_short,
        )
        return Response(serializers.CampaignDetailSerializer(revised).data)


class CampaignIncentives(PartnerView):
    required_scopes = {"POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True

    @extend_schema(
        operation_id="incentives_create", request=serializers.IncentiveRequest, responses={201: serializers.IncentiveOut}
    )
    def post(self, request: Request, public_id: str) -> Response:
        """One more incentive for a campaign that is not running."""
        form = serializers.IncentiveRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)

        def work() -> tuple[int, dict[str, Any]]:
            campaign = queries.campaign_by_public_id(public_id)
            key = wanted.pop("key")
            added = operations.add_incentive(campaign=campaign, by=self.caller.actor, key=key, **terms_named(wanted))
            return 201, serializers.incentive_as_data(added)

        return self.once(request, work)


class IncentiveDetail(PartnerView):
    required_scopes = {
        "GET": Scope.CAMPAIGNS_READ,
        "PATCH": Scope.CAMPAIGNS_WRITE,
        "DELETE": Scope.CAMPAIGNS_WRITE,
    }

    @extend_schema(operation_id="incentives_read", responses=serializers.IncentiveOut)
    def get(self, request: Request, public_id: str) -> Response:
        """One incentive with everything it promises."""
        return Response(serializers.incentive_as_data(queries.incentive_by_public_id(public_id)))

    @extend_schema(operation_id="incentives_revise", request=serializers.TermsRequest, responses=serializers.IncentiveOut)
    def patch(self, request: Request, public_id: str) -> Response:
        """Change what an incentive promises, while its campaign is not running."""
        incentive = queries.incentive_by_public_id(public_id)
        form = serializers.TermsRequest(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        terms = terms_named(dict(form.validated_data))
        revised = operations.revise_incentive(incentive=incentive, by=self.caller.actor, **terms)
        return Response(serializers.incentive_as_data(revised))

    @extend_schema(operation_id="incentives_remove", request=None, responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        """Take an incentive out of a campaign that was never launched."""
        operations.remove_incentive(incentive=queries.incentive_by_public_id(public_id), by=self.caller.actor)
        return Response(status=204)


class StackGroups(PartnerView, ListAPIView[StackGroup]):
    required_scopes = {"GET": Scope.CAMPAIGNS_READ, "POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True
    serializer_class = serializers.GroupOut
    filter_backends: list[Any] = []
    queryset = StackGroup.objects.all()

    @extend_schema(operation_id="stack_groups_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How incentives go together: every stack group."""
        return super().get(request, *args, **kwargs)

    @extend_schema(operation_id="stack_groups_create", request=serializers.NewGroupRequest, responses={201: serializers.GroupOut})
    def post(self, request: Request) -> Response:
        """A new stack group."""
        form = serializers.NewGroupRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = group_terms(form.validated_data)

        def work() -> tuple[int, dict[str, Any]]:
            return 201, dict(serializers.GroupOut(operations.define_group(by=self.caller.actor, **wanted)).data)

        return self.once(request, work)


class StackGroupDetail(PartnerView):
    required_scopes = {"GET": Scope.CAMPAIGNS_READ, "PATCH": Scope.CAMPAIGNS_WRITE}

    @extend_schema(operation_id="stack_groups_read", responses=serializers.GroupOut)
    def get(self, request: Request, key: str) -> Response:
        """One stack group."""
        return Response(serializers.GroupOut(queries.group_by_key(key)).data)

    @extend_schema(operation_id="stack_groups_revise", request=serializers.GroupRequest, responses=serializers.GroupOut)
    def patch(self, request: Request, key: str) -> Response:
        """Change how the incentives of a group go together, at once and also while they are live."""
        form = serializers.GroupRequest(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        group = operations.revise_group(group=queries.group_by_key(key), by=self.caller.actor, **group_terms(form.validated_data))
        return Response(serializers.GroupOut(group).data)


class CampaignStep(PartnerView):
    """Launch, pause, resume or end; one address each."""

    required_scopes = {"POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True
    step = ""

    @extend_schema(request=None, responses=serializers.CampaignDetailSerializer)
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
            return 200, dict(serializers.CampaignDetailSerializer(campaign).data)

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


def terms_named(wanted: dict[str, Any], pointer: str = "") -> Any:
    """The terms of an incentive as the operations take them, with the stack group found by its key."""
    group = wanted.pop("group", None)
    return {**wanted, "stack_group": group_named(group, f"{pointer}/group")} if group else wanted


def group_terms(wanted: Any) -> dict[str, Any]:
    return {**wanted, "base": wanted["base"] or ""} if "base" in wanted else dict(wanted)

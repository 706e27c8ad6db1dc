"""Quotes, redemptions, returns and results, for partners."""

import contextlib
import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import queries as campaign_queries
from campaigns.api.serializers import DecisionOut
from campaigns.operations import CodeGuard
from campaigns.wording import as_told_to_strangers
from customers.api.references import named
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.addresses import client_address
from redemptions import operations, queries
from redemptions.models import Redemption
from redemptions.rules.reach import Reach

from . import serializers


class _PlacedView(PartnerView):
    @property
    def reach(self) -> Reach:
        """Where the key may act."""
        return Reach(channels=self.key.channel_keys, stores=self.key.store_keys)


class _BasketView(_PlacedView):
    """What quotes and redemptions share: who asks, where, with which basket and codes."""

    def request_of(self, wanted: dict[str, Any]) -> operations.Request:
        return operations.Request(
            currency=wanted.get("currency") or wanted["basket"].get("currency"),
            basket=wanted["basket"],
            channel=self.channel_key(wanted.get("channel")),
            customer=named(wanted.get("customer")),
            store=self.store_key(wanted.get("store")) or "",
            codes=wanted.get("codes", []),
            guard=CodeGuard(key=str(self.caller.pk), address=client_address(self.request)),
            tenders=wanted.get("tenders", []),
        )


class Quotes(_BasketView):
    required_scopes = {"POST": Scope.QUOTES}

    @extend_schema(operation_id="quotes_create", request=serializers.QuoteRequest, responses=DecisionOut)
    def post(self, request: Request) -> Response:
        """A dry run against what is live for this customer, channel, codes and basket. Writes nothing."""
        wanted = serializers.QuoteRequest.read(request.data)
        if not wanted.keys().isdisjoint({"at", "campaigns"}) and Scope.SIMULATE not in self.key.scopes:
            raise exceptions.PermissionDenied(
                _("Another instant than now, or campaigns as if they were live, need the scope “simulate”."), code="missing-scope"
            )
        quoted = operations.quote(
            self.request_of(wanted), now=wanted.get("at") or timezone.now(), campaigns=wanted.get("campaigns", ())
        )
        # Who may not redeem could be anybody's page: a code that cannot be used is told like one that does not exist.
        may_know = Scope.REDEMPTIONS in self.key.scopes
        return Response(quoted.data if may_know else as_told_to_strangers(quoted.data))


class Redemptions(_BasketView):
    required_scopes = {"POST": Scope.REDEMPTIONS}
    is_idempotent = True

    @extend_schema(
        operation_id="redemptions_create", request=serializers.RedemptionRequest, responses={201: serializers.RedemptionOut}
    )
    def post(self, request: Request) -> Response:
        """Use incentives on an order, exactly once."""
        wanted = serializers.RedemptionRequest.read(request.data)

        def work() -> tuple[int, dict[str, Any]]:
            source = self.caller.partner.key
            key = wanted.get("reservation")
            redemption = operations.redeem(
                self.request_of(wanted),
                reservation=operations.reservation_by_public_id(key, source=source, reach=self.reach) if key else None,
                source=source,
                order_key=wanted["order"]["id"],
                placed_at=wanted["order"].get("placed_at"),
                by=self.caller.actor,
                now=timezone.now(),
                expected_discount=wanted.get("expected_discount"),
                expected_payable=wanted.get("expected_payable"),
                accept_changes=wanted["accept_changes"],
            )
            return 201, serializers.redemption_as_data(redemption)

        return self.once(request, work)


class Reservations(_BasketView):
    required_scopes = {"POST": Scope.REDEMPTIONS}
    is_idempotent = True

    @extend_schema(
        operation_id="reservations_create", request=serializers.ReservationRequest, responses={201: serializers.ReservationOut}
    )
    def post(self, request: Request) -> Response:
        """Hold uses, grants and stored value for an order until an end; a second one for the order replaces the first."""
        wanted = serializers.ReservationRequest.read(request.data)

        def work() -> tuple[int, dict[str, Any]]:
            reservation = operations.reserve(
                self.request_of(wanted),
                source=self.caller.partner.key,
                order_key=wanted["order"]["id"],
                by=self.caller.actor,
                now=timezone.now(),
                lifetime=datetime.timedelta(seconds=wanted["expires_in"]),
                reach=self.reach,
            )
            return 201, serializers.reservation_as_data(reservation)

        return self.once(request, work)


class ReservationDetail(_PlacedView):
    required_scopes = {"DELETE": Scope.REDEMPTIONS}

    @extend_schema(operation_id="reservations_release", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        """Let go of what it holds. Once it has ended, however it did, this changes nothing."""
        reservation = operations.reservation_by_public_id(public_id, source=self.caller.partner.key, reach=self.reach)
        with contextlib.suppress(operations.ReservationEnded):
            operations.release(reservation=reservation, now=timezone.now())
        return Response(status=204)


class _RedemptionView(PartnerView):
    def own_redemption(self, public_id: str) -> Redemption:
        """One of the partner's, in the stores the key speaks for."""
        return queries.redemption_by_public_id(public_id, source=self.caller.partner.key, stores=self.key.store_keys or None)


class RedemptionDetail(_RedemptionView):
    required_scopes = {"GET": Scope.REDEMPTIONS}

    @extend_schema(operation_id="redemptions_read", responses=serializers.RedemptionOut)
    def get(self, request: Request, public_id: str) -> Response:
        """One of the partner's own redemptions."""
        redemption = self.own_redemption(public_id)
        return Response(serializers.redemption_as_data(redemption))


class Returns(_RedemptionView):
    required_scopes = {"POST": Scope.RETURNS}
    is_idempotent = True

    @extend_schema(operation_id="returns_create", request=serializers.ReturnRequest, responses={201: serializers.ReturnOut})
    def post(self, request: Request, public_id: str) -> Response:
        """Take units of a redemption back, or everything."""
        form = serializers.ReturnRequest(data=request.data)
        form.is_valid(raise_exception=True)

        wanted = form.validated_data
        units = None if wanted["everything"] else {item["line"]: item["quantity"] for item in wanted["lines"]}

        def work() -> tuple[int, dict[str, Any]]:
            redemption = self.own_redemption(public_id)
            given = operations.give_back(
                redemption=redemption,
                by=self.caller.actor,
                now=timezone.now(),
                reason=wanted["reason"],
                units=units,
                expected_amount=wanted.get("expected_amount"),
            )
            return 201, serializers.return_as_data(given)

        return self.once(request, work)


class Results(PartnerView):
    required_scopes = {"GET": Scope.RESULTS}

    @extend_schema(
        operation_id="campaigns_results",
        parameters=[OpenApiParameter("from", datetime.datetime), OpenApiParameter("to", datetime.datetime)],
        responses=serializers.ResultsOut,
    )
    def get(self, request: Request, public_id: str) -> Response:
        """What a campaign brought: in all, by channel, by incentive, by day. `from` is included, `to` is not."""
        campaign = campaign_queries.campaign_by_public_id(public_id)
        asked = {"since": request.query_params.get("from"), "until": request.query_params.get("to")}
        form = serializers.ResultsQuery(data={name: value for name, value in asked.items() if value})
        form.is_valid(raise_exception=True)
        since, until = form.validated_data.get("since"), form.validated_data.get("until")
        found = queries.campaign_results(campaign, since=since, until=until)
        body = {
            "campaign": campaign.public_id,
            "currency": campaign.currency,
            "since": since,
            "until": until,
            "totals": found.totals,
            "by_channel": found.by_channel,
            "by_incentive": found.by_incentive,
            "by_day": found.by_day,
        }
        return Response(serializers.ResultsOut(body).data)

"""A partner's webhooks: where it wants to be told, and what came of telling it."""

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from .. import operations, queries
from ..models import Scope, State, WebhookDelivery, WebhookEndpoint
from . import serializers
from .views import PartnerView

GUARDED = {"survey.": Scope.SURVEY_RESULTS}


class WebhookView(PartnerView):
    """Addresses below one webhook of the caller's."""

    def endpoint(self, public_id: str) -> WebhookEndpoint:
        return queries.webhook_by_public_id(self.caller.partner, public_id)

    def check_may_hear(self, types: Sequence[str]) -> None:
        """Some types are of what a scope of its own guards."""
        wanted = {scope for name in types for prefix, scope in GUARDED.items() if name.startswith(prefix)}
        for scope in wanted - set(self.key.scopes):
            raise PermissionDenied(_("This key lacks the scope “%(scope)s”.") % {"scope": scope}, code="missing-scope")

    def once_with_secret(self, request: Request, work: Callable[[], tuple[int, WebhookEndpoint, str]]) -> Response:
        """Like ``once``, but the secret is not in the answer that is kept: it is nowhere in the clear."""
        shown: list[str] = []

        def kept() -> tuple[int, dict[str, Any]]:
            status, endpoint, secret = work()
            shown.append(secret)
            return status, {**serializers.WebhookOut(endpoint).data, "secret": None}

        response = self.once(request, kept)
        if shown and "Idempotent-Replayed" not in response.headers:
            response.data = {**response.data, "secret": shown[-1]}
        return response


class Webhooks(WebhookView, ListAPIView[WebhookEndpoint]):
    required_scopes = {"GET": Scope.WEBHOOKS, "POST": Scope.WEBHOOKS}
    is_idempotent = True
    serializer_class = serializers.WebhookOut
    filter_backends: list[Any] = []
    queryset = WebhookEndpoint.objects.none()

    def get_queryset(self) -> Any:
        return queries.webhooks(self.caller.partner)

    @extend_schema(operation_id="webhooks_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your webhooks, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="webhooks_create", request=serializers.WebhookRequest, responses={201: serializers.WebhookWithSecret}
    )
    def post(self, request: Request) -> Response:
        """Be told of some types at an address. The secret is shown this once."""
        wanted = serializers.WebhookRequest.read(request.data)
        self.check_may_hear(wanted["types"])

        def work() -> tuple[int, WebhookEndpoint, str]:
            added = operations.add_endpoint(
                partner=self.caller.partner, by=self.caller.actor, now=timezone.now(), url=wanted["url"], types=wanted["types"]
            )
            return (201, *added)

        return self.once_with_secret(request, work)


class WebhookDetail(WebhookView):
    required_scopes = {"GET": Scope.WEBHOOKS, "PATCH": Scope.WEBHOOKS, "DELETE": Scope.WEBHOOKS}

    @extend_schema(operation_id="webhooks_read", responses=serializers.WebhookOut)
    def get(self, request: Request, public_id: str) -> Response:
        """One webhook."""
        return Response(serializers.WebhookOut(self.endpoint(public_id)).data)

    @extend_schema(operation_id="webhooks_revise", request=serializers.WebhookChange, responses=serializers.WebhookOut)
    def patch(self, request: Request, public_id: str) -> Response:
        """Change where, of what, or whether you are told."""
        endpoint = self.endpoint(public_id)
        form = serializers.WebhookChange(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        self.check_may_hear(form.validated_data.get("types", ()))
        revised = operations.revise_endpoint(
            endpoint=endpoint, by=self.caller.actor, now=timezone.now(), **dict(form.validated_data)
        )
        return Response(serializers.WebhookOut(revised).data)

    @extend_schema(operation_id="webhooks_remove", request=None, responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        """Be told nothing more."""
        operations.remove_endpoint(endpoint=self.endpoint(public_id), by=self.caller.actor, now=timezone.now())
        return Response(status=204)


class WebhookRotate(WebhookView):
    required_scopes = {"POST": Scope.WEBHOOKS}
    is_idempotent = True

    @extend_schema(
        operation_id="webhooks_rotate", request=serializers.RotateRequest, responses={200: serializers.WebhookWithSecret}
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Another secret, shown this once. Messages are signed with the old ones too, for a while."""
        endpoint = self.endpoint(public_id)
        wanted = serializers.RotateRequest.read(request.data)
        overlap = datetime.timedelta(seconds=wanted.get("old_valid_for", operations.OVERLAP.total_seconds()))

        def work() -> tuple[int, WebhookEndpoint, str]:
            secret = operations.rotate_secret(endpoint=endpoint, by=self.caller.actor, now=timezone.now(), overlap=overlap)
            return 200, endpoint, secret

        return self.once_with_secret(request, work)


class WebhookPing(WebhookView):
    required_scopes = {"POST": Scope.WEBHOOKS}
    is_idempotent = True

    @extend_schema(operation_id="webhooks_ping", request=None, responses={202: serializers.DeliveryOut})
    def post(self, request: Request, public_id: str) -> Response:
        """Have a message sent that means nothing. What came of it is among the deliveries."""
        endpoint = self.endpoint(public_id)

        def work() -> tuple[int, dict[str, Any]]:
            return 202, dict(serializers.DeliveryOut(operations.ping(endpoint=endpoint, now=timezone.now())).data)

        return self.once(request, work)


class WebhookDeliveries(WebhookView, ListAPIView[WebhookDelivery]):
    required_scopes = {"GET": Scope.WEBHOOKS}
    serializer_class = serializers.DeliveryOut
    filter_backends: list[Any] = []
    queryset = WebhookDelivery.objects.none()

    def get_queryset(self) -> Any:
        found = queries.deliveries(self.endpoint(self.kwargs["public_id"]))
        state = self.request.query_params.get("state")
        return found.filter(state=state) if state else found

    @extend_schema(operation_id="webhooks_deliveries", parameters=[OpenApiParameter("state", str, enum=State.values)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What was and is sent to a webhook, newest first, with every attempt."""
        return super().get(request, *args, **kwargs)


class WebhookReplay(WebhookView):
    required_scopes = {"POST": Scope.WEBHOOKS}
    is_idempotent = True

    @extend_schema(operation_id="webhooks_replay", request=None, responses={202: serializers.DeliveryOut})
    def post(self, request: Request, public_id: str, delivery_id: str) -> Response:
        """Send a message again, now, under the id it had."""
        delivery = queries.delivery_by_public_id(self.endpoint(public_id), delivery_id)

        def work() -> tuple[int, dict[str, Any]]:
            return 202, dict(serializers.DeliveryOut(operations.replay(delivery=delivery, now=timezone.now())).data)

        return self.once(request, work)

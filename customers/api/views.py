"""A customer's profile and timeline, for partners with the scope to read them."""

import base64
import dataclasses
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from customers import operations, queries
from customers.models import Customer, Event
from customers.rules.consent import How
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.pagination import CursorPagination
from incentives_site.shared.problems import FieldError, Invalid

from .references import by_identity
from .serializers import CustomerSerializer, ErasureOut, EventSerializer, PreferencesOut, PreferencesRequest


class CustomerByIdentity(PartnerView):
    required_scopes = {"GET": Scope.CUSTOMERS_READ}

    @extend_schema(
        operation_id="customers_find",
        parameters=[OpenApiParameter("identity", str, required=True, description="`kind:value`")],
        responses=CustomerSerializer,
    )
    def get(self, request: Request) -> Response:
        """The customer with an identity."""
        asked = request.query_params.get("identity", "")
        # A kind such as "external:shop" has a colon of its own; no value of the other kinds is cut by taking the first.
        split = asked.split(":", 2) if asked.startswith("external:") else asked.split(":", 1)
        kind, value = ":".join(split[:-1]), split[-1]
        if not kind:
            raise Invalid(errors=[FieldError("/identity", "required", _("Ask by identity=kind:value."))])
        return Response(CustomerSerializer(by_identity(kind, value, pointer="/identity")).data)


class CustomerDetail(PartnerView):
    required_scopes = {"GET": Scope.CUSTOMERS_READ, "DELETE": Scope.CUSTOMERS_WRITE}
    is_idempotent = True
    idempotent_methods = ["DELETE"]

    @extend_schema(operation_id="customers_read", responses=CustomerSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """One customer."""
        return Response(CustomerSerializer(queries.by_public_id(public_id)).data)

    @extend_schema(operation_id="customers_erase", responses=ErasureOut)
    def delete(self, request: Request, public_id: str) -> Response:
        """Erase a customer for good: who it was goes, sums stay, and its identifiers are not let in again."""

        def work() -> tuple[int, dict[str, Any]]:
            customer = queries.by_public_id(public_id)
            receipt = operations.erase(customer=customer, by=self.caller.actor, now=timezone.now())
            return 200, dict(ErasureOut(receipt).data)

        return self.once(request, work)


class CustomerExport(PartnerView):
    # A scope of its own: all that every partner and the shop's own staff have of the customer is in it.
    required_scopes = {"GET": Scope.CUSTOMERS_EXPORT}

    @extend_schema(operation_id="customers_export", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, public_id: str) -> HttpResponse:
        """Everything held of a customer. The headers ``Export-Receipt`` and ``Repr-Digest`` (RFC 9530) are its receipt."""
        customer = queries.by_public_id(public_id)
        text, receipt = operations.export(customer=customer, by=self.caller.actor, now=timezone.now())
        answer = HttpResponse(text, content_type="application/json")
        answer["Export-Receipt"] = str(receipt.public_id)
        answer["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(receipt.sha256)).decode()}:"
        answer["Cache-Control"] = "no-store"
        return answer


class Preferences(PartnerView):
    required_scopes = {"GET": Scope.CUSTOMERS_READ, "PUT": Scope.CUSTOMERS_WRITE}

    @extend_schema(operation_id="customers_preferences", responses=PreferencesOut)
    def get(self, request: Request, public_id: str) -> Response:
        """What a customer wants to hear, how often and where; links to where it is changed and out of each channel, for keys
        that may write.
        """
        return self._answer(queries.by_public_id(public_id))

    @extend_schema(operation_id="customers_prefer", request=PreferencesRequest, responses=PreferencesOut)
    def put(self, request: Request, public_id: str) -> Response:
        """Write down what the customer has chosen with you. What is not named stays; the same again changes nothing."""
        form = PreferencesRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)
        customer = queries.by_public_id(public_id)
        operations.change_preferences(
            customer=customer,
            wording=wanted.pop("wording", ""),
            wanted=operations.Wanted(**wanted),
            how=How.API,
            by=self.caller.actor,
            now=timezone.now(),
        )
        return self._answer(customer)

    def _answer(self, customer: Customer) -> Response:
        held = dataclasses.asdict(queries.preferences_of(customer))
        links: dict[str, Any] = {"url": None, "unsubscribe": {}}
        # Who follows one of these writes: they are not for keys that may only read.
        if self.caller.may(Scope.CUSTOMERS_WRITE):
            links = {"url": queries.preferences_url(customer), "unsubscribe": queries.unsubscribe_urls(customer)}
        return Response({**held, **links})


class TimelinePagination(CursorPagination):
    ordering = ("-occurred_at", "-id")  # type: ignore[assignment]


class Timeline(PartnerView, ListAPIView[Event]):
    """What happened to a customer, newest first, without the orders of other partners."""

    required_scopes = {"GET": Scope.CUSTOMERS_READ}
    serializer_class = EventSerializer
    pagination_class = TimelinePagination
    filter_backends: list[Any] = []

    @extend_schema(operation_id="customers_timeline")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What happened to a customer, newest first, without the orders of other partners."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Event.objects.none()
        return queries.timeline_for(queries.by_public_id(self.kwargs["public_id"]), self.caller.partner.key)

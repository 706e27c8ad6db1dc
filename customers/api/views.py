"""A customer's profile and timeline, for partners with the scope to read them."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from customers import queries
from customers.models import Event
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.pagination import CursorPagination
from incentives_site.shared.problems import FieldError, Invalid

from .references import by_identity
from .serializers import CustomerSerializer, EventSerializer


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
    required_scopes = {"GET": Scope.CUSTOMERS_READ}

    @extend_schema(operation_id="customers_read", responses=CustomerSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """One customer."""
        return Response(CustomerSerializer(queries.by_public_id(public_id)).data)


class TimelinePagination(CursorPagination):
    ordering = ("-occurred_at", "-id")  # type: ignore[assignment]


class Timeline(PartnerView, ListAPIView[Event]):
    """What happened to a customer, newest first."""

    required_scopes = {"GET": Scope.CUSTOMERS_READ}
    serializer_class = EventSerializer
    pagination_class = TimelinePagination
    filter_backends: list[Any] = []

    @extend_schema(operation_id="customers_timeline")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What happened to a customer, newest first."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Event.objects.none()
        return queries.timeline(queries.by_public_id(self.kwargs["public_id"]))

"""Segments for partners: which there are, how they stand, who is in them, and lists of customers kept from outside."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from customers import operations, queries
from customers.models import Segment, SegmentMember
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.pagination import CursorPagination
from incentives_site.shared.problems import FieldError, Invalid
from incentives_site.shared.serializers import StrictSerializer

MOST_AT_ONCE = 10_000
MOST_FAULTS = 100


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    """``size`` is how many are in it now, as stored; ``cost`` the database's estimate of a count, in its own units."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    size = serializers.SerializerMethodField()
    counted_at = serializers.DateTimeField(source="good_at", read_only=True)
    seconds = serializers.FloatField(read_only=True)

    class Meta:
        model = Segment
        fields = [
            "id", "key", "name", "description", "kind", "state", "reason", "size", "counted_at", "seconds", "cost",
            "changes_with_time", "changed_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.IntegerField())
    def get_size(self, segment: Segment) -> int:
        sizes: dict[int, int] = self.context["sizes"]
        return sizes.get(segment.pk, 0)


class SegmentDetailSerializer(SegmentSerializer):
    class Meta(SegmentSerializer.Meta):
        fields = [*SegmentSerializer.Meta.fields, "version", "rule"]


class MemberSerializer(serializers.ModelSerializer[SegmentMember]):
    """A customer who is in the segment."""

    id = serializers.UUIDField(source="customer.public_id", read_only=True)

    class Meta:
        model = SegmentMember
        fields = ["id", "since"]


class MembershipSerializer(serializers.ModelSerializer[SegmentMember]):
    """A segment the customer is in."""

    id = serializers.UUIDField(source="segment.public_id", read_only=True)
    key = serializers.CharField(source="segment.key", read_only=True)
    name = serializers.CharField(source="segment.name", read_only=True)

    class Meta:
        model = SegmentMember
        fields = ["id", "key", "name", "since"]


class Segments(PartnerView, ListAPIView[Segment]):
    required_scopes = {"GET": Scope.SEGMENTS}
    serializer_class = SegmentSerializer
    filter_backends: list[Any] = []
    queryset = Segment.objects.filter(archived_at=None)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        page: Any = args[0] if args else []
        kwargs["context"] = {**self.get_serializer_context(), "sizes": queries.sizes(page)}
        return self.get_serializer_class()(*args, **kwargs)

    @extend_schema(operation_id="segments_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Segments, newest first."""
        return super().get(request, *args, **kwargs)


class SegmentDetail(PartnerView):
    required_scopes = {"GET": Scope.SEGMENTS}

    @extend_schema(operation_id="segments_read", responses=SegmentDetailSerializer)
    def get(self, request: Request, segment: str) -> Response:
        """One segment by its key or id: how it stands, how many are in it, what it asks."""
        found = queries.segment_named(segment)
        return Response(SegmentDetailSerializer(found, context={"sizes": queries.sizes([found])}).data)


class MembersRequest(StrictSerializer):
    """``way``: ``add`` to the list, ``take_out`` of it, or ``replace`` it: these are the list from now on."""

    way = serializers.ChoiceField(choices=["add", "take_out", "replace"])
    customers = serializers.ListField(
        child=serializers.DictField(), max_length=MOST_AT_ONCE, help_text="`{id}` or `{identity: {kind, value}}` each."
    )


class MembersOut(serializers.Serializer[Any]):
    """``unknown`` are the places (from 0) of those who are nobody known, the first 1,000 of them."""

    came = serializers.IntegerField()
    went = serializers.IntegerField()
    size = serializers.IntegerField()
    unknown = serializers.ListField(child=serializers.IntegerField())
    unknown_count = serializers.IntegerField()


class MembersPagination(CursorPagination):
    ordering = "customer_id"


class Members(PartnerView, ListAPIView[SegmentMember]):
    required_scopes = {"GET": Scope.SEGMENTS, "POST": Scope.SEGMENTS}
    is_idempotent = True
    serializer_class = MemberSerializer
    pagination_class = MembersPagination
    filter_backends: list[Any] = []

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return SegmentMember.objects.none()
        return queries.members(queries.segment_named(self.kwargs["segment"])).order_by()

    @extend_schema(operation_id="segments_members")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who is in a segment, page by page; whoever stays in it all the while is answered once."""
        return super().get(request, *args, **kwargs)

    @extend_schema(operation_id="segments_change_members", request=MembersRequest, responses=MembersOut)
    def post(self, request: Request, segment: str) -> Response:
        """Put customers on a list, take them off it, or say who is on it from now on. Who is not known is left out and named."""
        form = MembersRequest(data=request.data)
        form.is_valid(raise_exception=True)
        references = _read(form.validated_data["customers"])

        def work() -> tuple[int, dict[str, Any]]:
            found = queries.segment_named(segment)
            named = queries.customers_named(references)
            came, went = operations.change_list(
                segment=found, by=self.caller.actor, now=timezone.now(), **_changes(form.validated_data["way"], named.ids)
            )
            return 200, {
                "came": came,
                "went": went,
                "size": queries.sizes([found]).get(found.pk, 0),
                "unknown": [place for place, _text in named.unknown],
                "unknown_count": named.unknown_count,
            }

        return self.once(request, work)


def _changes(way: str, ids: set[int]) -> dict[str, Any]:
    return {"add": {"add": ids}, "take_out": {"take_out": ids}, "replace": {"exactly": ids}}[way]


def _read(customers: list[dict[str, Any]]) -> list[queries.Reference]:
    """Each as an id or an identity: thousands of forms would cost seconds. Raises ``Invalid``, with the place of each that is
    neither.
    """
    found, errors = [], []
    for place, said in enumerate(customers):
        one = said.get("identity")
        if set(said) == {"id"} and isinstance(said["id"], str):
            found.append(queries.Reference(id=said["id"]))
        elif set(said) == {"identity"} and isinstance(one, dict) and set(one) == {"kind", "value"}:
            found.append(queries.Reference(kind=one["kind"], value=one["value"]))
        elif len(errors) < MOST_FAULTS:
            words = _("Name the customer by id or by identity.")
            errors.append(FieldError(f"/customers/{place}", "bad-customer", words))
    if errors:
        raise Invalid(errors=errors)
    return found


class Memberships(PartnerView):
    required_scopes = {"GET": Scope.CUSTOMERS_READ}

    @extend_schema(operation_id="customers_segments", responses=MembershipSerializer(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        """The segments a customer is in, and since when."""
        found = queries.memberships(queries.by_public_id(public_id))
        return Response({"results": MembershipSerializer(found, many=True).data, "next": None, "previous": None})

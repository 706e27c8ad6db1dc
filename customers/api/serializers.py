"""Customers and their timeline as partners see them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers import queries
from customers.models import Customer, Event
from incentives_site.shared.serializers import StrictSerializer


class IdentityOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    value = serializers.CharField()


class StatementOut(serializers.Serializer[Any]):
    """The latest statement about one topic; null means every channel or kind."""

    channel = serializers.CharField(allow_null=True)
    purpose = serializers.CharField()
    kind = serializers.CharField(allow_null=True)
    given = serializers.BooleanField()
    at = serializers.DateTimeField()


class ConsentOut(serializers.Serializer[Any]):
    opted_out = serializers.BooleanField()
    opted_out_at = serializers.DateTimeField(allow_null=True)
    statements = StatementOut(many=True)


class CustomerSerializer(serializers.ModelSerializer[Customer]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    identities = IdentityOut(many=True, read_only=True)
    consent = serializers.SerializerMethodField()
    segments = serializers.SerializerMethodField()

    class Meta:
        model = Customer
        fields = ["id", "identities", "traits", "facts", "segments", "consent", "created_at"]

    @extend_schema_field(ConsentOut)
    def get_consent(self, customer: Customer) -> Any:
        return ConsentOut(queries.consent_as_data(customer)).data

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_segments(self, customer: Customer) -> list[str]:
        return queries.segments_of(customer)


class EventSerializer(serializers.ModelSerializer[Event]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    channel = serializers.SlugRelatedField("key", read_only=True)

    class Meta:
        model = Event
        fields = ["id", "type", "name", "channel", "occurred_at", "received_at", "properties"]


class PreferencesRequest(StrictSerializer):
    """What the customer wants from now on; what is not named stays as it is."""

    opted_out = serializers.BooleanField(required=False)
    channels = serializers.DictField(child=serializers.BooleanField(), required=False)
    kinds = serializers.DictField(child=serializers.BooleanField(), required=False)
    research = serializers.BooleanField(required=False)
    per_week = serializers.IntegerField(required=False, allow_null=True)
    paused_until = serializers.DateField(required=False, allow_null=True)
    language = serializers.CharField(required=False, allow_blank=True, max_length=10)
    wording = serializers.CharField(required=False, max_length=100)


class PreferencesOut(serializers.Serializer[Any]):
    opted_out = serializers.BooleanField()
    channels = serializers.DictField(child=serializers.BooleanField())
    kinds = serializers.DictField(child=serializers.BooleanField())
    research = serializers.BooleanField()
    per_week = serializers.IntegerField(allow_null=True)
    paused_until = serializers.DateField(allow_null=True)
    language = serializers.CharField()
    url = serializers.CharField(
        allow_null=True,
        help_text="The customer's own page: whoever has the link may change them. Null for keys without `customers:write`.",
    )
    unsubscribe = serializers.DictField(
        child=serializers.CharField(),
        help_text="By channel: what belongs into the header List-Unsubscribe of a message in it (RFC 8058).",
    )


class ErasureOut(serializers.Serializer[Any]):
    """A receipt that names nobody; ``counts`` says how many of each were forgotten."""

    id = serializers.UUIDField(source="public_id")
    erased_at = serializers.DateTimeField()
    counts = serializers.DictField(child=serializers.IntegerField())

"""Customers and their timeline as partners see them."""

from typing import Any

from rest_framework import serializers

from customers.models import Customer, Event


class IdentityOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    value = serializers.CharField()


class CustomerSerializer(serializers.ModelSerializer[Customer]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    identities = IdentityOut(many=True, read_only=True)

    class Meta:
        model = Customer
        fields = ["id", "identities", "traits", "facts", "created_at"]


class EventSerializer(serializers.ModelSerializer[Event]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    channel = serializers.SlugRelatedField("key", read_only=True)

    class Meta:
        model = Event
        fields = ["id", "type", "name", "channel", "occurred_at", "received_at", "properties"]

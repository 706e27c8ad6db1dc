"""Serializers that refuse what they do not know: a typing error in a field's name must not pass in silence."""

from typing import Any

from rest_framework import serializers

from .problem_details import unknown_field


class StrictSerializer(serializers.Serializer[Any]):
    """Unknown fields are refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({str(name)[:60]: [unknown_field(str(name)[:60])] for name in unknown})
        return super().to_internal_value(data)


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))  # type: ignore[assignment]
    request_id = serializers.CharField()

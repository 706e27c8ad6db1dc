"""Serializers that refuse what they do not know: a typing error in a field's name must not pass in silence."""

import contextlib
import functools
from typing import Any, Self

from rest_framework import serializers

from .problem_details import unknown_field


class StrictSerializer(serializers.Serializer[Any]):
    """Unknown fields are refused by name."""

    @classmethod
    def read(cls, data: object) -> dict[str, Any]:
        """``data`` as validated. Raises ``ValidationError``.

        Making the fields of a form costs several times what checking with them costs, and checking leaves nothing behind in
        them: so one form a process checks for all calls and threads. What it refuses is read again by a form of its own, whose
        sentences are in the language of this call.
        """
        with contextlib.suppress(serializers.ValidationError):
            return cls._kept().run_validation(data)  # type: ignore[no-any-return]
        form = cls(data=data)
        form.is_valid(raise_exception=True)
        return form.validated_data  # type: ignore[no-any-return]

    @classmethod
    @functools.cache
    def _kept(cls) -> Self:
        form = cls()
        _settle(form)
        return form

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({str(name)[:60]: [unknown_field(str(name)[:60])] for name in unknown})
        return super().to_internal_value(data)


def _settle(field: Any) -> None:
    """Have everything made that the framework makes at its first use, which two threads must not do at once."""
    for validator in field.validators:
        str(getattr(validator, "message", ""))
    children = field.fields.values() if isinstance(field, serializers.Serializer) else [getattr(field, "child", None)]
    for child in children:
        if child is not None:
            _settle(child)


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))  # type: ignore[assignment]
    request_id = serializers.CharField()

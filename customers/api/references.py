"""How a request names a customer: by id or by identity, as everywhere in the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework import serializers

from customers import queries
from customers.models import Customer
from customers.rules.faults import Misunderstood
from incentives_site.shared.problems import FieldError, Invalid
from incentives_site.shared.serializers import StrictSerializer


class IdentitySerializer(StrictSerializer):
    kind = serializers.CharField(max_length=64)
    value = serializers.CharField(max_length=320)


class CustomerReferenceSerializer(StrictSerializer):
    """``{"id": "…"}`` or ``{"identity": {"kind": "email", "value": "…"}}``."""

    id = serializers.CharField(required=False, max_length=64)
    identity = IdentitySerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Name the customer by id or by identity.", code="ambiguous")
        return attrs


def find(reference: dict[str, Any] | None) -> Customer | None:
    """The customer that validated data names, ``None`` when it names none. Raises ``CustomerUnknown``, ``Invalid``."""
    if not reference:
        return None
    if "id" in reference:
        return queries.by_public_id(reference["id"])
    return by_identity(reference["identity"]["kind"], reference["identity"]["value"], pointer="/customer/identity")


def named(reference: dict[str, Any] | None) -> queries.Named | None:
    """Like ``find``, for a question that looks the customer up itself. Raises ``CustomerUnknown``, ``Invalid``."""
    if not reference:
        return None
    if "id" in reference:
        return queries.named_by_public_id(reference["id"])
    with _pointing_to("/customer/identity"):
        return queries.named_by_identity(reference["identity"]["kind"], reference["identity"]["value"])


def by_identity(kind: str, value: str, *, pointer: str) -> Customer:
    with _pointing_to(pointer):
        return queries.by_identity(kind, value)


@contextmanager
def _pointing_to(pointer: str) -> Iterator[None]:
    try:
        yield
    except Misunderstood as error:
        raise Invalid(errors=[FieldError(pointer + f.pointer, f.code, f.detail) for f in error.faults]) from None

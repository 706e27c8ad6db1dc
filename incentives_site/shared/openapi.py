"""The OpenAPI document: refusals documented once, in the shape they really have."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.utils import OpenApiParameter

REFUSALS = {
    "401": "The key is missing, unknown, revoked or expired.",
    "403": "The key lacks the scope, or does not speak for the channel or store.",
    "404": "There is no such thing, or it is another partner's.",
    "409": "It conflicts with how things stand now.",
    "413": "The body is too large.",
    "422": "The input is not valid; `errors` say where.",
    "429": "Too many requests; `Retry-After` says when to try again.",
}


class AutoSchema(SpectacularAutoSchema):
    """Adds the problem response to every operation, and the Idempotency-Key to those that need one."""

    def get_override_parameters(self) -> list[Any]:
        if self.method in getattr(self.view, "idempotent_methods", ["POST"]) and getattr(self.view, "is_idempotent", False):
            return [
                OpenApiParameter(
                    "Idempotency-Key",
                    str,
                    OpenApiParameter.HEADER,
                    required=True,
                    pattern="^[!-~]{1,255}$",
                    description="The same again when you repeat the call: the stored answer is replayed.",
                )
            ]
        return []

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        from .serializers import ProblemSerializer  # here, since serializers need the settings that name this class

        component = self.resolve_serializer(ProblemSerializer, direction)
        for status, description in REFUSALS.items():
            bodies.setdefault(
                status,
                {"content": {"application/problem+json": {"schema": component.ref}}, "description": description},
            )
        return bodies

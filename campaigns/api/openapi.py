"""The incentive language in the OpenAPI document."""

from typing import Any

from campaigns.rules import schema


def add_language(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """drf-spectacular's last step: the words of the language, to which operations refer."""
    components = result.setdefault("components", {})
    components["schemas"] = dict(sorted({**components.get("schemas", {}), **schema.SCHEMAS}.items()))
    return result


def body_of(name: str) -> dict[str, Any]:
    """A request body in the language's own words, for ``extend_schema``."""
    return {"application/json": {"$ref": schema.PREFIX + name}}

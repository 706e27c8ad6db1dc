"""A partner that may do everything, and a client that speaks with its key."""

import json
import uuid
from typing import Any

from django.test import Client

from incentives_site.integrations.models import ApiKey, Partner, Scope


def partner_key(*, partner: str = "shop", channels: tuple[str, ...] = ("web", "store"), **fields: Any) -> tuple[ApiKey, str]:
    """A key with every scope unless told otherwise, and its text."""
    row, _new = Partner.objects.get_or_create(key=partner, defaults={"name": partner.capitalize()})
    return ApiKey.objects.create_key(
        name="test", partner=row, channel_keys=list(channels), **{"scopes": list(Scope.values), **fields}
    )


class PartnerClient:
    """Sends JSON with a key; every POST gets a fresh Idempotency-Key unless one is given."""

    def __init__(self, key: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Api-Key {key}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, raw: bytes | None = None) -> Any:
        return self.client.post(
            f"/api/v1/{path}",
            raw if raw is not None else json.dumps(body or {}),
            content_type="application/json",
            headers={**self.headers, "Idempotency-Key": key or str(uuid.uuid4())},
        )

    def delete(self, path: str, *, key: str | None = None) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers={**self.headers, "Idempotency-Key": key or str(uuid.uuid4())})

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=self.headers)

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=self.headers)

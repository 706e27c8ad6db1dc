"""The OpenAPI file is made once and known by its contents."""

import time

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from incentives_site import api_pages

pytestmark = pytest.mark.django_db


def test_the_schema_is_made_once_for_each_form(monkeypatch: pytest.MonkeyPatch) -> None:
    api_pages._kept.clear()
    made = []
    real = SchemaGenerator.get_schema

    def note(self: SchemaGenerator, *args: object, **kwargs: object) -> object:
        made.append(1)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(SchemaGenerator, "get_schema", note)
    client = Client()
    first = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert first.status_code == 200
    assert first.json()["paths"]["/api/v1/quotes"]
    started = time.monotonic()
    for _n in range(20):
        again = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
        assert again.content == first.content
    assert time.monotonic() - started < 2
    assert len(made) == 1
    yaml = client.get("/api/schema/")
    assert yaml.content.startswith(b"openapi: 3")
    assert len(made) == 2
    assert yaml["ETag"] != first["ETag"]
    assert not first["ETag"].startswith("W/")
    same = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json", "If-None-Match": first["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert "Set-Cookie" not in first.headers

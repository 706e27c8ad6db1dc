"""Is it well? For load balancers: 200 when the database and Valkey answer, 503 when not; nothing secret in it."""

from contextlib import closing

import redis
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from .shared import valkey


def healthz(request: HttpRequest) -> JsonResponse:
    """``{"database": "ok", "valkey": "ok"}``."""
    parts = {"database": _database(), "valkey": _valkey()}
    well = all(state == "ok" for state in parts.values())
    return JsonResponse({"status": "ok" if well else "failing", **parts}, status=200 if well else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "away"
    return "ok"


def _valkey() -> str:
    try:
        with closing(valkey.client()) as client:
            client.ping()
    except redis.RedisError:
        return "away"
    return "ok"

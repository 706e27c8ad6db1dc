"""JSON for the statements that every order waits for: the same text for the same data, several times sooner."""

import json
from typing import Any

import orjson
from django.core.serializers.json import DjangoJSONEncoder

# Instants are written as Django writes them everywhere else.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def json_text(data: Any) -> str:
    """What ``DjangoJSONEncoder`` makes of it, but for blanks and escapes that mean nothing."""
    try:
        return orjson.dumps(data, option=_OPTIONS).decode()
    except TypeError:
        return json.dumps(data, cls=DjangoJSONEncoder)

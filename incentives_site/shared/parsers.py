"""JSON bodies, bounded: a large or hostile document is refused before it costs anything."""

import re
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.parsers import JSONParser

from .kept_files import announced_length
from .problems import FieldError, Invalid

MOST_BYTES = 2 * 1024 * 1024
# Where a document that nests deeper than the interpreter can follow is said to be too deep; no document of ours comes near.
DEEPEST = 64
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body-too-large"
    default_detail = _("A request has at most 2 MiB.")


class BoundedJSONParser(JSONParser):
    """At most ``MOST_BYTES``; nesting beyond what the interpreter can follow is refused with its place."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = (parser_context or {}).get("request")
        if request is not None and announced_length(request) > MOST_BYTES:
            raise TooLarge
        kept = _Kept(stream)
        try:
            return super().parse(kept, media_type, parser_context)  # type: ignore[arg-type]
        except UnicodeDecodeError:
            raise exceptions.ParseError(_("This is not JSON that can be read.")) from None
        except RecursionError:
            place = FieldError(place_of_depth(kept.body), "too-deep", str(_("This is nested too deep.")))
            raise Invalid(errors=[place]) from None


class _Kept:
    """A stream that remembers what was read of it."""

    def __init__(self, stream: IO[Any]) -> None:
        self.stream = stream
        self.body = b""

    def read(self, *size: int) -> bytes:
        piece: bytes = self.stream.read(*size)
        self.body += piece
        return piece


def place_of_depth(body: bytes, deepest: int = DEEPEST) -> str:
    """The JSON pointer of the first object or list that is more than ``deepest`` levels down; empty when there is none."""
    path: list[str | int] = []
    last = b""
    for found in TOKEN.finditer(body):
        token = found.group()
        if token in {b"{", b"["}:
            if len(path) == deepest:
                return "".join(f"/{step}" for step in path)
            path.append(0 if token == b"[" else "")
        elif token in {b"}", b"]"} and path:
            path.pop()
        elif token == b"," and path and isinstance(path[-1], int):
            path[-1] += 1
        elif token == b":" and path:
            path[-1] = last[1:-1].decode(errors="replace").replace("~", "~0").replace("/", "~1")[:60]
        last = token
    return ""

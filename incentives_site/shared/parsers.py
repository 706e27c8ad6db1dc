"""JSON bodies, bounded: a large or hostile document is refused before it costs anything."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.parsers import JSONParser

MOST_BYTES = 2 * 1024 * 1024


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body-too-large"
    default_detail = _("A request has at most 2 MiB.")


class BoundedJSONParser(JSONParser):
    """At most ``MOST_BYTES``; nesting beyond what the interpreter can follow is malformed."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = (parser_context or {}).get("request")
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
        except ValueError:
            length = 0
        if length > MOST_BYTES:
            raise TooLarge
        try:
            return super().parse(stream, media_type, parser_context)
        except (RecursionError, UnicodeDecodeError):
            raise exceptions.ParseError(_("This is not JSON that can be read.")) from None

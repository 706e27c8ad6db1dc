"""Refusals of the API as ``application/problem+json`` (RFC 9457), shaped in this one place."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import exception_handler
from drf_standardized_errors.types import ErrorResponse
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.response import Response

from . import away
from .logs import request_id
from .problems import Problem
from .statuses import STATUS_OF_KIND

CONTENT_TYPE = "application/problem+json"
# Codes of the framework's own refusals, in our spelling.
FRAMEWORK_CODES = {
    "parse_error": "malformed-json",
    "throttled": "too-many-requests",
    "not_authenticated": "not-authenticated",
}


def body(
    *,
    code: str,
    title: str,
    status: int,
    detail: str,
    errors: list[dict[str, str]],
    extras: dict[str, Any],
) -> dict[str, Any]:
    """The one shape of every refusal. ``type`` is the address of a page that explains the code."""
    return {
        "type": f"{settings.BASE_URL}/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": errors,
        "request_id": request_id(),
        **extras,
    }


def handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: our Problems, then the framework's exceptions, everything else stays a bug (500)."""
    if isinstance(exc, Problem):
        response = Response(
            body(
                code=exc.code,
                title=str(exc.title),
                status=STATUS_OF_KIND[exc.kind],
                detail=str(exc.detail),
                errors=[
                    {
                        "pointer": f"#{e.pointer}",
                        "code": e.code,
                        "detail": str(e.detail),
                    }
                    for e in exc.errors
                ],
                extras=exc.extras,
            ),
            status=STATUS_OF_KIND[exc.kind],
        )
        if "retry_after" in exc.extras:
            response["Retry-After"] = str(exc.extras["retry_after"])
    elif away.code_of(exc):
        return None  # answered at the one place for it, ``problem_pages.server_error``
    else:
        answer = exception_handler(exc, context)  # type: ignore[arg-type]
        if answer is None:
            return None
        response = answer
        if isinstance(exc, ValidationError) and isinstance(response.data, dict):
            response.status_code = response.data["status"] = 422
    response.content_type = CONTENT_TYPE
    return response


class Formatter(ExceptionFormatter):
    """The framework's refusals in our shape."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        status = self.exc.status_code
        raw = error_response.errors[0].code if error_response.errors else "error"
        is_input = error_response.type == "validation_error"
        code = "invalid" if is_input else FRAMEWORK_CODES.get(raw, raw.replace("_", "-"))
        title = _("The input is not valid") if is_input else str(error_response.errors[0].detail)
        errors = (
            [
                {
                    "pointer": "#/" + (e.attr or "") if e.attr and e.attr != "non_field_errors" else "#",
                    "code": e.code.replace("_", "-"),
                    "detail": e.detail,
                }
                for e in error_response.errors
            ]
            if is_input
            else []
        )
        detail = "; ".join(dict.fromkeys(e.detail for e in error_response.errors))[:500]
        return body(
            code=code,
            title=title,
            status=status,
            detail=detail,
            errors=errors,
            extras={},
        )


def unknown_field(name: str) -> ErrorDetail:
    return ErrorDetail(
        _("“%(name)s” is not a field of this request.") % {"name": name},
        code="unknown-field",
    )

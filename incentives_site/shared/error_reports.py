"""What a report of an error may show: to developers everything, elsewhere no values."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from .masking import masked_path


class NoValues(SafeExceptionReporterFilter):
    """Frames without the values of their variables, requests without cookies, queries, posted values and who it was.

    Any variable may hold a code or a link, so it is not decided by its name. With ``DEBUG`` everything is shown.
    """

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|CODES|SEALING|MEETINGS|DATABASE|REDIS|BROKER|CACHES|HOST_USER",
        flags=re.IGNORECASE,
    )

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return list(variables) if settings.DEBUG else [(name, self.cleansed_substitute) for name, _value in variables]

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        posted = super().get_post_parameters(request)
        return posted if settings.DEBUG else dict.fromkeys(posted, self.cleansed_substitute)

    def get_safe_cookies(self, request: Any) -> Any:
        cookies = super().get_safe_cookies(request)
        return cookies if settings.DEBUG else dict.fromkeys(cookies, self.cleansed_substitute)

    def get_safe_request_meta(self, request: Any) -> dict[str, Any]:
        meta: dict[str, Any] = super().get_safe_request_meta(request)
        if settings.DEBUG:
            return meta
        shown = {"REQUEST_METHOD", "CONTENT_TYPE", "CONTENT_LENGTH", "SERVER_PROTOCOL", "SERVER_NAME"}
        kept = {name: value if name in shown else self.cleansed_substitute for name, value in meta.items()}
        return {**kept, "PATH_INFO": masked_path(str(meta.get("PATH_INFO", "")))}

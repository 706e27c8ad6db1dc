"""The API's documents: the OpenAPI file, and Swagger UI from the site's own files. Open to everybody, so not counted per key.

The file is the same for everybody and as long as the program runs, and takes a second to make: it is made once for each form and
language, and known by its contents (a strong ``ETag``).
"""

import hashlib
import threading
from typing import Any

from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request

Kept = tuple[bytes, str]  # the body and its content type
_kept: dict[tuple[str, str], Kept] = {}
_making = threading.Lock()


class Schema(SpectacularAPIView):
    throttle_classes: list[Any] = []

    @extend_schema(exclude=True)  # a document about the API, and none of its endpoints
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        renderer = request.accepted_renderer
        # What may be asked for is few: forms of the file, and languages of the site.
        key = (str(renderer.media_type), get_language() or "")
        kept = _kept.get(key)
        if kept is None:
            with _making:  # once, however many ask at the same moment
                kept = _kept.get(key) or _kept.setdefault(key, self._made(request, *args, **kwargs))
        body, content_type = kept
        response = HttpResponse(body, content_type=content_type)
        response["ETag"] = etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        response["Cache-Control"] = "public, max-age=300"
        patch_vary_headers(response, ["Accept", "Accept-Language"])
        return get_conditional_response(request._request, etag=etag, response=response) or response

    def _made(self, request: Request, *args: Any, **kwargs: Any) -> Kept:
        request._request.GET = QueryDict()  # what is asked beside the form changes nothing: everybody gets what is kept
        answer = super().get(request, *args, **kwargs)
        renderer = request.accepted_renderer
        context = {"request": request, "view": self, "response": answer}
        body = renderer.render(answer.data, renderer.media_type, context)
        content_type = f"{renderer.media_type}; charset=utf-8"
        return (body if isinstance(body, bytes) else str(body).encode()), content_type


class Documents(SpectacularSwaggerSplitView):
    throttle_classes: list[Any] = []
    url_name = "api-schema"

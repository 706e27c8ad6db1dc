"""The API's documents: the OpenAPI file, and Swagger UI from the site's own files. Open to everybody, so not counted per key."""

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class Schema(SpectacularAPIView):
    throttle_classes: list[Any] = []


class Documents(SpectacularSwaggerSplitView):
    throttle_classes: list[Any] = []
    url_name = "api-schema"

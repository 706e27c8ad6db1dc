"""The API's documents as a page: Swagger UI from the site's own files."""

from drf_spectacular.views import SpectacularSwaggerSplitView

documents = SpectacularSwaggerSplitView.as_view(url_name="api-schema", url_self=None)

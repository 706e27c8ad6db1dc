"""The addresses of campaigns: the pages with results, then the app's own."""

from django.urls import include, path

from .campaign_list import campaign_list
from .campaign_page import detail
from .preview import preview

app_name = "campaigns"
urlpatterns = [
    path("", campaign_list, name="list"),
    path("<uuid:public_id>/", detail, name="detail"),
    path("<uuid:public_id>/preview/", preview, name="preview"),
    path("", include("campaigns.urls")),
]

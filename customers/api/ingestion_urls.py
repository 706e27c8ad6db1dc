"""Addresses that existing clients call, with and without a slash at the end: a redirect would lose what they post."""

from django.urls import path

from .ingestion import ingest

urlpatterns = [
    path("v1/<slug:route>", ingest, name="ingest"),
    path("v1/<slug:route>/", ingest),
    path("beacon/v1/<slug:route>", ingest),
    path("beacon/v1/<slug:route>/", ingest),
]

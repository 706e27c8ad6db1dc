"""Addresses of surveys in the workspace."""

from django.urls import path

from .views import listing, results

urlpatterns = [
    path("", listing.surveys, name="list"),
    path("<uuid:public_id>/results/", results.results, name="results"),
    path("<uuid:public_id>/results/<int:number>/comments/", results.comments, name="comments"),
    path("<uuid:public_id>/results/<int:number>/export/", results.export, name="export"),
]

"""Addresses of the pages about customers; the page of one customer reads other apps too and lives in the workspace."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.search, name="search"),
    path("<uuid:public_id>/identity/", views.identity, name="identity"),
    path("<uuid:public_id>/identity/change/", views.change_identity, name="change-identity"),
]

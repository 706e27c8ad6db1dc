"""Addresses of the pages about customers; the page of one customer reads other apps too and lives in the workspace."""

from django.urls import path

from . import views

urlpatterns = [path("", views.search, name="search")]

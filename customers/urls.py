"""Addresses of the pages about customers; the page of one customer reads other apps too and lives in the workspace."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.search, name="search"),
    path("events/", views.live_events, name="events"),
    path("events/again/", views.send_again, name="send-again"),
    path("<uuid:public_id>/identity/", views.identity, name="identity"),
    path("<uuid:public_id>/identity/change/", views.change_identity, name="change-identity"),
]

"""Addresses of the pages about customers; the page of one customer reads other apps too and lives in the workspace."""

from django.urls import path

from . import views
from .views import segments

urlpatterns = [
    path("", views.search, name="search"),
    path("events/", views.live_events, name="events"),
    path("events/again/", views.send_again, name="send-again"),
    path("import/", views.imports, name="imports"),
    path("import/<uuid:public_id>/", views.customer_import, name="import"),
    path("import/<uuid:public_id>/change/", views.change_import, name="change-import"),
    path("import/<uuid:public_id>/report/", views.import_report, name="import-report"),
    path("requests/", views.data_requests, name="data-requests"),
    path("requests/<uuid:public_id>/", views.settle_data_request, name="settle-data-request"),
    path("export/", views.export_list, name="export"),
    path("<uuid:public_id>/identity/", views.identity, name="identity"),
    path("<uuid:public_id>/identity/change/", views.change_identity, name="change-identity"),
    path("segments/", segments.segments, name="segments"),
    path("segments/new/", segments.new, name="segment-new"),
    path("segments/new-list/", segments.new_list, name="segment-new-list"),
    path("segments/typed/", segments.typed, name="segment-typed"),
    path("segments/overlap/", segments.overlap, name="segment-overlap"),
    path("segments/<uuid:public_id>/", segments.segment, name="segment"),
    path("segments/<uuid:public_id>/edit/", segments.edit, name="segment-edit"),
    path("segments/<uuid:public_id>/recount/", segments.recount, name="segment-recount"),
    path("segments/<uuid:public_id>/stop/", segments.stop, name="segment-stop"),
    path("segments/<uuid:public_id>/give-up/", segments.give_up, name="segment-give-up"),
    path("segments/<uuid:public_id>/names/", segments.names, name="segment-names"),
]

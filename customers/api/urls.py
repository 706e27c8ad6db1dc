"""Addresses of customers for partners."""

from django.urls import path

from . import segments, views

urlpatterns = [
    path("customers", views.CustomerByIdentity.as_view(), name="customers"),
    path("customers/<str:public_id>", views.CustomerDetail.as_view(), name="customer"),
    path("customers/<str:public_id>/export", views.CustomerExport.as_view(), name="export"),
    path("customers/<str:public_id>/preferences", views.Preferences.as_view(), name="preferences"),
    path("customers/<str:public_id>/segments", segments.Memberships.as_view(), name="memberships"),
    path("customers/<str:public_id>/timeline", views.Timeline.as_view(), name="timeline"),
    path("segments", segments.Segments.as_view(), name="segments"),
    path("segments/<str:segment>", segments.SegmentDetail.as_view(), name="segment"),
    path("segments/<str:segment>/members", segments.Members.as_view(), name="members"),
]

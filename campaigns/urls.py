"""Addresses of the campaign pages."""

from django.urls import path

from . import views

app_name = "campaigns"
urlpatterns = [
    path("", views.campaign_list, name="list"),
    path("<uuid:public_id>/", views.detail, name="detail"),
]

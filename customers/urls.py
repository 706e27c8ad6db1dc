"""Addresses of the pages about customers."""

from django.urls import path

from . import views

app_name = "customers"
urlpatterns = [
    path("", views.search, name="search"),
    path("<uuid:public_id>/", views.detail, name="detail"),
]

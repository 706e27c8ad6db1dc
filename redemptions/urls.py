"""Addresses of the till."""

from django.urls import path

from . import views

app_name = "redemptions"
urlpatterns = [path("", views.till, name="till")]

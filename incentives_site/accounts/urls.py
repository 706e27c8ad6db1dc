"""Addresses of a person's own account, beside allauth's."""

from django.urls import path

from . import views

urlpatterns = [
    path("second-factor/", views.second_factor_required, name="second-factor-required"),
    path("sessions/<int:pk>/end/", views.end_session, name="end-session"),
]

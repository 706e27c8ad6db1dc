"""Addresses of surveys for partners."""

from django.urls import path

from . import employees, views

urlpatterns = [
    path("employees", employees.Employees.as_view(), name="employees"),
    path("surveys/<str:public_id>/answers", views.Answers.as_view(), name="survey-answers"),
]

"""Addresses of surveys for partners."""

from django.urls import path

from . import views

urlpatterns = [
    path("surveys/<str:public_id>/answers", views.Answers.as_view(), name="survey-answers"),
]

"""Addresses of surveys for partners."""

from django.urls import path

from . import employees, results, views

urlpatterns = [
    path("employees", employees.Employees.as_view(), name="employees"),
    path("surveys", results.Surveys.as_view(), name="surveys"),
    path("surveys/<str:public_id>", results.SurveyDetail.as_view(), name="survey"),
    path("surveys/<str:public_id>/waves", results.Waves.as_view(), name="survey-waves"),
    path("surveys/<str:public_id>/waves/<str:number>", results.WaveDetail.as_view(), name="survey-wave"),
    path("surveys/<str:public_id>/waves/<str:number>/results", results.Results.as_view(), name="survey-results"),
    path("surveys/<str:public_id>/requests", views.Requests.as_view(), name="survey-requests"),
    path("surveys/<str:public_id>/answers", views.Answers.as_view(), name="survey-answers"),
]

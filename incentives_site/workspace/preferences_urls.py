"""The public preference page: no sign-in, opened by a signed link."""

from django.urls import path

from .preferences_page import preferences, unsubscribe

urlpatterns = [
    path("<str:token>/", preferences, name="preferences"),
    path("<str:token>/unsubscribe/", unsubscribe, name="unsubscribe"),
]

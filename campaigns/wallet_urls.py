"""The public wallet: no sign-in, opened by a signed link."""

from django.urls import path

from . import views

urlpatterns = [path("<str:token>/", views.wallet, name="wallet")]

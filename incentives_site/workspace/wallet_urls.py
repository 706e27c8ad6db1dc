"""The public wallet: no sign-in, opened by a signed link."""

from django.urls import path

from .wallet_page import manifest, wallet, worker
from .wallet_preferences_page import wallet_preferences

urlpatterns = [
    # Below /wallet/, so that it may look after these pages and no others.
    path("worker.js", worker, name="wallet-worker"),
    path("<str:token>/", wallet, name="wallet"),
    path("<str:token>/preferences/", wallet_preferences, name="wallet-preferences"),
    path("<str:token>/app.webmanifest", manifest, name="wallet-manifest"),
]

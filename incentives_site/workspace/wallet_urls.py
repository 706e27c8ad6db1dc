"""The public wallet: no sign-in, opened by a signed link."""

from django.urls import path

from .wallet_page import manifest, wallet, worker

urlpatterns = [
    # Below /wallet/, so that it may look after these pages and no others.
    path("worker.js", worker, name="wallet-worker"),
    path("<str:token>/", wallet, name="wallet"),
    path("<str:token>/app.webmanifest", manifest, name="wallet-manifest"),
]

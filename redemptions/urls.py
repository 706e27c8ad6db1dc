"""Addresses of the till."""

from django.urls import path

from . import views

app_name = "redemptions"
urlpatterns = [
    path("", views.till, name="till"),
    path("receipts/", views.receipt_list, name="receipts"),
    path("receipts/<uuid:public_id>/", views.receipt, name="receipt"),
    path("receipts/<uuid:public_id>/return/", views.give_back, name="return"),
]

"""Addresses of quotes, redemptions, returns and results for partners."""

from django.urls import path

from . import views

urlpatterns = [
    path("quotes", views.Quotes.as_view(), name="quotes"),
    path("reservations", views.Reservations.as_view(), name="reservations"),
    path("reservations/<str:public_id>", views.ReservationDetail.as_view(), name="reservation"),
    path("redemptions", views.Redemptions.as_view(), name="redemptions"),
    path("redemptions/<str:public_id>", views.RedemptionDetail.as_view(), name="redemption"),
    path("redemptions/<str:public_id>/returns", views.Returns.as_view(), name="returns"),
    path("campaigns/<str:public_id>/results", views.Results.as_view(), name="results"),
]

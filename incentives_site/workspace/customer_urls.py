"""The addresses of customers: the app's search, and the page that also shows wallet and redemptions."""

from django.urls import include, path

from .customer_page import consent, detail, timeline
from .data_page import data
from .statement_page import statement

app_name = "customers"
urlpatterns = [
    path("", include("customers.urls")),
    path("<uuid:public_id>/", detail, name="detail"),
    path("<uuid:public_id>/consent/", consent, name="consent"),
    path("<uuid:public_id>/data/", data, name="data"),
    path("<uuid:public_id>/timeline/", timeline, name="timeline"),
    path("<uuid:public_id>/statement/", statement, name="statement"),
]

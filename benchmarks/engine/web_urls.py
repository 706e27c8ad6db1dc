"""The product's addresses and the yardstick: a plain Django view with one query, behind the same middleware."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from customers.models import Channel


def bare(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"name": Channel.objects.values_list("name", flat=True).get(key="store")})


urlpatterns = [path("bench/bare", bare), path("", include("incentives_site.urls"))]

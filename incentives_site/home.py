"""The first page after signing in: live numbers and what needs attention."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from redemptions import queries


@login_required
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home/index.html", {"headline": queries.headline(timezone.now())})

"""The generated company: once, complete, with results to show."""

import time

import pytest
from django.utils import timezone

from incentives_site.demo import company
from surveys.models import Ballot, Department, Employee, Survey, Wave

pytestmark = pytest.mark.django_db


def test_it_is_made_once_and_quickly() -> None:
    now, began = timezone.now(), time.monotonic()
    assert company.load(now)
    assert not company.load(now)
    assert time.monotonic() - began < 30
    assert (Employee.objects.count(), Department.objects.count()) == (company.PEOPLE, 14)
    waves = Wave.objects.filter(survey__kind="enps", state="published")
    assert waves.count() == company.QUARTERS
    assert all(wave.results["answered"] > 200 and wave.results["shown"]["department"] for wave in waves)
    assert not Ballot.objects.exists()
    assert Survey.objects.filter(status="running").count() == 1

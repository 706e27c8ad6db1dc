"""The generated company: once, complete, with results to show."""

import time

import pytest
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers.tests.factories import CustomerFactory
from incentives_site.demo import company, voice
from surveys import operations, queries
from surveys.models import Ballot, Department, Employee, Feedback, Invitation, OneOnOne, Reply, Survey, Wave

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


def test_what_is_said_now_is_made_once() -> None:
    now = timezone.now()
    campaign = CampaignFactory(live=True)
    Campaign.objects.filter(pk=campaign.pk).update(source="demo")
    IncentiveFactory(campaign=campaign, claim="grant")
    CustomerFactory.create_batch(45, facts={"orders": 12})
    assert not voice.load(now), "the company comes first"
    company.load(now)
    assert voice.load(now)
    assert not voice.load(now)
    wave = Wave.objects.get(state="open")
    assert wave.closes_at > now
    assert 100 < Invitation.objects.filter(wave=wave, is_used=True).count() < wave.invited
    assert Invitation.objects.filter(wave=wave, reminders=1).exists()
    assert Reply.objects.count() == 2
    assert OneOnOne.objects.count() == 2
    assert Feedback.objects.filter(review_state="waiting").exists()
    named, openly = queries.feedback_of_campaign(campaign.pk, today=now.date())
    assert (named.asked, named.answered, named.nps is not None) == (45, 41, True)
    assert openly.mean is not None
    operations.advance_surveys(now=now)
    assert Wave.objects.filter(state="open").count() == 1

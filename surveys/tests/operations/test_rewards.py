"""What was promised for answering is kept after the close: to all at once, once each, whatever was answered."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from campaigns.models import Grant, Status
from campaigns.tests.factories import IncentiveFactory
from customers.models import Customer, Event
from customers.operations import erase, identify, opt_out
from customers.rules.consent import How
from customers.tests.factories import NOON
from incentives_site.shared.problems import Invalid
from surveys import operations, tasks
from surveys.models import Invitation, Reward, Survey, Wave
from surveys.tests.factories import EmployeeFactory, SurveyFactory, answered, closed, link_of, opened

pytestmark = pytest.mark.django_db
CASES = {case["id"]: case for case in json.loads((Path(__file__).parents[1] / "rules" / "cases" / "surveys.json").read_text())}


def promising(**fields: Any) -> Survey:
    survey: Survey = SurveyFactory(incentive=IncentiveFactory(granted=True, name="A coffee"), **fields)
    return survey


def later(wave: Wave, minutes: int = 1) -> dt.datetime:
    return wave.closes_at + dt.timedelta(minutes=minutes)


def test_rewards_come_after_the_close_with_one_time() -> None:
    """Case G10: a reward with a time of its own would tell who answered when."""
    given, expect = CASES["G10"]["given"], CASES["G10"]["expect"]
    answered_at = [dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC) for at in given["answered_at"]]
    EmployeeFactory.create_batch(len(answered_at) + 2)
    wave = opened(promising(), at=answered_at[0].replace(hour=9, minute=0))
    closes_at = dt.datetime.fromisoformat(given["closes_at"]).replace(tzinfo=dt.UTC)
    Wave.objects.filter(pk=wave.pk).update(closes_at=closes_at)
    wave.refresh_from_db()
    for at, invitation in zip(answered_at, Invitation.objects.filter(wave=wave), strict=False):
        operations.answer(token=link_of(invitation), values={"score": 3}, comments={}, now=at)
        operations.give_rewards(now=at)
    assert Grant.objects.count() == expect["rewards_before_close"]
    assert set(Invitation.objects.values_list("reward", flat=True)) == {Reward.NONE}
    assert not Customer.objects.exists(), "whoever answers is not looked up before the close either"
    closed(wave)
    operations.give_rewards(now=closes_at)
    operations.give_rewards(now=later(wave))
    assert Grant.objects.count() == expect["rewards_at_close"]
    times = set(Grant.objects.values_list("granted_at", "starts_at"))
    assert len(times) == expect["distinct_reward_times"]
    assert times == {(closes_at, closes_at)}
    assert len(set(Event.objects.filter(type="granted").values_list("occurred_at", "received_at"))) == 1


def test_they_are_the_same_whatever_was_answered_and_only_for_those_who_did() -> None:
    staff = EmployeeFactory.create_batch(4)
    wave = opened(promising())
    answered(wave, {"score": 0}, by=staff[0])
    answered(wave, {"score": 10}, {"score": "all well"}, by=staff[1])
    closed(wave)
    assert operations.give_rewards(now=later(wave)) == 2
    holders = {identify(kind="email", value=employee.email)[0].pk for employee in staff[:2]}
    assert set(Grant.objects.values_list("customer", flat=True)) == holders
    assert len(set(Grant.objects.values_list("incentive", "reason", "occasion", "ends_at"))) == 1


def test_a_profile_that_is_there_is_used_and_none_is_told_that_it_is_an_employee() -> None:
    [employee] = EmployeeFactory.create_batch(1)
    known, _new = identify(kind="email", value=employee.email.upper())
    wave = opened(promising())
    answered(wave, {"score": 5})
    closed(wave)
    operations.give_rewards(now=later(wave))
    assert Grant.objects.get().customer == known
    assert employee.name not in str(list(Customer.objects.values()))


def test_after_a_crash_the_rest_is_given_with_the_first_ones_time(monkeypatch: pytest.MonkeyPatch) -> None:
    EmployeeFactory.create_batch(5)
    wave = opened(promising())
    for _n in range(5):
        answered(wave, {"score": 5})
    closed(wave)
    module = "surveys.operations._reward"
    monkeypatch.setattr(f"{module}.AT_ONCE", 2)
    real, calls = operations._reward._grant, [0]  # type: ignore[attr-defined]

    def crashing(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] == 4:
            raise ConnectionError
        return real(*given)

    with monkeypatch.context() as crash:
        crash.setattr(f"{module}._grant", crashing)
        with pytest.raises(ConnectionError):
            operations.give_rewards(now=later(wave))
    assert Grant.objects.count() == 2
    assert operations.give_rewards(now=later(wave, 60)) == 3
    assert Grant.objects.count() == 5
    assert set(Grant.objects.values_list("granted_at", flat=True)) == {later(wave)}
    assert operations.give_rewards(now=later(wave, 90)) == 0


def test_while_the_campaign_is_not_live_they_wait(client: Client) -> None:
    EmployeeFactory.create_batch(2)
    survey = promising()
    wave = opened(survey)
    for _n in range(2):
        answered(wave, {"score": 5})
    closed(wave)
    campaign = survey.incentive.campaign  # type: ignore[union-attr]
    campaign.status = Status.PAUSED
    campaign.save()
    assert operations.give_rewards(now=later(wave)) == 0
    wave.refresh_from_db()
    assert (wave.rewarded_at, Grant.objects.count()) == (None, 0)
    campaign.status = Status.LIVE
    campaign.save()
    assert operations.give_rewards(now=later(wave, 60)) == 2
    assert set(Grant.objects.values_list("granted_at", flat=True)) == {later(wave, 60)}


def test_who_opted_out_of_advertising_has_earned_it_and_who_is_forgotten_stays_so() -> None:
    staff = EmployeeFactory.create_batch(2)
    wave = opened(promising())
    for _n in range(2):
        answered(wave, {"score": 5})
    closed(wave)
    customers = [identify(kind="email", value=employee.email)[0] for employee in staff]
    opt_out(customer=customers[0], how=How.PREFERENCE_PAGE, by="x", now=NOON)
    erase(customer=customers[1], by="x", now=NOON)
    assert operations.give_rewards(now=later(wave)) == 1
    assert Grant.objects.get().customer == customers[0]
    assert Invitation.objects.get(employee=staff[1]).reward == Reward.REFUSED
    assert operations.give_rewards(now=later(wave)) == 0


def test_the_order_of_the_grants_is_not_that_of_the_answers() -> None:
    """Of twelve people the same order as they answered in would come once in 479 million times."""
    staff = EmployeeFactory.create_batch(12)
    wave = opened(promising())
    for employee in staff:
        answered(wave, {"score": 5}, by=employee)
    closed(wave)
    operations.give_rewards(now=later(wave))
    emails = {identify(kind="email", value=employee.email)[0].pk: employee.key for employee in staff}
    assert [emails[pk] for pk in Grant.objects.order_by("pk").values_list("customer", flat=True)] != [e.key for e in staff]


def test_a_close_asks_the_worker_and_the_worker_gives(django_capture_on_commit_callbacks: Any) -> None:
    EmployeeFactory.create_batch(1)
    wave = opened(promising())
    answered(wave, {"score": 5})
    with django_capture_on_commit_callbacks(execute=True):
        closed(wave)
    tasks.follow_up(surplus="ignored")
    assert Grant.objects.count() == 1


def test_what_is_promised_stands_before_the_answers_and_in_the_message(client: Client) -> None:
    EmployeeFactory(language="de")
    wave = opened(promising(languages=["en", "de"]), at=NOON + dt.timedelta(days=2))
    with time_machine.travel(wave.opens_at, tick=False):
        page = client.get(f"/s/{link_of(Invitation.objects.get())}/")
    assert "bekommen als Dank „A coffee“" in page.content.decode()
    operations.send_invitations(now=wave.opens_at)
    assert "bekommen als Dank „A coffee“" in mail.outbox[0].body


def test_the_promise_is_frozen_with_the_wave() -> None:
    EmployeeFactory()
    survey = promising()
    wave = opened(survey)
    operations.revise(survey=survey, fields={"incentive": None}, by="x")
    answered(wave, {"score": 5})
    closed(wave)
    assert operations.give_rewards(now=later(wave)) == 1


def test_only_what_is_kept_in_wallets_can_be_promised() -> None:
    with pytest.raises(Invalid):
        operations.revise(survey=SurveyFactory(), fields={"incentive": IncentiveFactory()}, by="x")


def test_hr_chooses_it_on_the_plan_page_and_sees_how_many_were_given(client: Client) -> None:
    from django.contrib.auth.models import Group

    from incentives_site.accounts.models import User

    user = User.objects.create_user("hr@example.com")
    user.groups.add(Group.objects.get(name="hr"))
    client.force_login(user)
    incentive = IncentiveFactory(granted=True, name="A coffee")
    ended = IncentiveFactory(granted=True, name="A tea")
    ended.campaign.status = Status.ENDED
    ended.campaign.save()
    EmployeeFactory.create_batch(2)
    survey = SurveyFactory(kind="pulse")
    path = f"/surveys/{survey.public_id}/"
    form = client.get(f"{path}plan/").context["form"]
    assert [str(label) for _value, label in form.fields["incentive"].choices][1:] == [str(incentive)]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "", False, [])}
    assert client.post(f"{path}plan/", sent | {"incentive": incentive.pk}).status_code == 302
    survey.refresh_from_db()
    assert survey.incentive == incentive
    wave = opened(survey)
    answered(wave, {"score": 5})
    closed(wave)
    assert "thank-yous of a closed wave are still to be given" in client.get(path).content.decode()
    operations.give_rewards(now=later(wave))
    assert "are still to be given" not in client.get(path).content.decode()

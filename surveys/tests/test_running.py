"""Waves by the clock: what is due opens once, nobody is told twice, and a beat that was down catches up."""

import datetime as dt
from typing import Any

import pytest
from celery import current_app
from django.core import mail

from surveys import operations
from surveys.models import Invitation, Survey, SurveyStatus, Wave, WaveState
from surveys.tests.factories import EmployeeFactory, SurveyFactory, answered

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
MONDAY = dt.date(2026, 3, 2)


@pytest.fixture(autouse=True)
def people() -> None:
    EmployeeFactory.create_batch(6)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the real tasks as if it were then."""

    def at(instant: dt.datetime) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: instant)
        for task in ("surveys.tasks.advance", "surveys.tasks.invite"):
            current_app.tasks[task].apply(throw=True)

    return at


def weekly(**fields: Any) -> Survey:
    first = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
    defaults: dict[str, Any] = {"every": "weekly", "anchor_on": MONDAY, "opens_at": dt.time(9), "time_zone": "Europe/Rome"}
    survey: Survey = SurveyFactory(**{**defaults, "looked_at": first - DAY, "open_days": 6, **fields})
    return survey


FIRST = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)  # nine o'clock in Rome


def test_a_wave_opens_tells_everybody_once_reminds_those_missing_and_closes(clock: Any) -> None:
    survey = weekly()
    clock(FIRST - dt.timedelta(minutes=1))
    assert not Wave.objects.exists()
    for _again in range(3):
        clock(FIRST)
    wave = Wave.objects.get()
    assert (wave.opens_at, wave.number, len(mail.outbox)) == (FIRST, 1, 6)
    assert {message.to[0] for message in mail.outbox} == {i.employee.email for i in Invitation.objects.select_related("employee")}
    assert all("/s/" in message.body and "anonymous" in message.body for message in mail.outbox)
    for score in (9, 3):
        answered(wave, {"score": score})
    clock(FIRST + 3 * DAY)
    clock(FIRST + 3 * DAY)
    assert len(mail.outbox) == 10, "four have not answered"
    assert all(message.subject.startswith("Reminder") for message in mail.outbox[6:])
    answered(wave, {"score": 8})
    clock(FIRST + 5 * DAY)
    assert len(mail.outbox) == 13
    clock(FIRST + 6 * DAY)
    wave.refresh_from_db()
    assert wave.state == WaveState.PUBLISHED
    assert not Invitation.objects.filter(reminders__gt=0).exists(), "who was reminded would say who was late"
    clock(FIRST + 7 * DAY)
    assert [(w.number, w.opens_at) for w in Wave.objects.filter(survey=survey).order_by("number")] == [
        (1, FIRST),
        (2, FIRST + 7 * DAY),
    ]


def test_after_ten_days_without_beat_the_open_window_is_opened_and_no_other(clock: Any) -> None:
    weekly()
    clock(FIRST)
    clock(FIRST + 17 * DAY)  # the waves of the 9th (over) and the 16th (open until the 22nd) were missed
    assert list(Wave.objects.order_by("opens_at").values_list("opens_at", "state")) == [
        (FIRST, WaveState.PUBLISHED),
        (FIRST + 14 * DAY, WaveState.OPEN),
    ]
    assert len(mail.outbox) == 6, "it opened late, after today's hour"
    clock(FIRST + 18 * DAY)
    assert len(mail.outbox) == 12
    clock(FIRST + 19 * DAY)
    assert len(mail.outbox) == 18, "one reminder, although both its days are over"
    clock(FIRST + 19 * DAY)
    assert len(mail.outbox) == 18


def test_at_weekends_no_invitation_goes_out(clock: Any) -> None:
    weekly(every="", anchor_on=MONDAY + 4 * DAY, open_days=9)  # a Friday
    clock(FIRST + 4 * DAY + dt.timedelta(hours=2))  # a beat that was down when it was time
    assert (Wave.objects.count(), len(mail.outbox)) == (1, 0)
    for hours in (0, 2, 24, 26):
        clock(FIRST + 5 * DAY + dt.timedelta(hours=hours))
    assert len(mail.outbox) == 0
    clock(FIRST + 7 * DAY)
    assert len(mail.outbox) == 6


def test_a_weekly_wave_opens_in_time_when_the_clocks_change(clock: Any) -> None:
    weekly(anchor_on=dt.date(2026, 3, 23), looked_at=dt.datetime(2026, 3, 23, 7, tzinfo=dt.UTC), open_days=7)
    first = dt.datetime(2026, 3, 23, 8, tzinfo=dt.UTC)
    clock(first)
    second = dt.datetime(2026, 3, 30, 7, tzinfo=dt.UTC)  # nine o'clock in Rome, an hour less than a week
    clock(second)
    assert list(Wave.objects.order_by("opens_at").values_list("opens_at", "state")) == [
        (first, WaveState.PUBLISHED),
        (second, WaveState.OPEN),
    ]
    assert Wave.objects.get(opens_at=first).last_day == dt.date(2026, 3, 29)


def test_nobody_is_asked_by_two_surveys_within_days(clock: Any) -> None:
    weekly()
    other = weekly(anchor_on=MONDAY + 2 * DAY, looked_at=FIRST)
    clock(FIRST)
    clock(FIRST + 2 * DAY)
    assert Wave.objects.count() == 1
    newcomer = EmployeeFactory()
    clock(FIRST + 2 * DAY + dt.timedelta(hours=1))
    wave = Wave.objects.get(survey=other)
    assert [i.employee for i in Invitation.objects.filter(wave=wave)] == [newcomer]


def test_a_wave_for_whom_nobody_is_left_waits_while_its_window_goes_on(clock: Any) -> None:
    weekly()
    other = weekly(anchor_on=MONDAY + DAY, looked_at=FIRST, every="", open_days=6)
    clock(FIRST)
    clock(FIRST + DAY)
    assert not Wave.objects.filter(survey=other).exists()
    other.refresh_from_db()
    assert other.status == SurveyStatus.RUNNING


def test_a_survey_asked_once_ends_with_its_wave(clock: Any) -> None:
    survey = weekly(every="")
    clock(FIRST)
    clock(FIRST + 6 * DAY)
    survey.refresh_from_db()
    assert (survey.status, Wave.objects.count()) == (SurveyStatus.ENDED, 1)
    clock(FIRST + 7 * DAY)
    assert Wave.objects.count() == 1


def test_what_the_mail_server_refused_is_sent_with_the_next_run(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    weekly()
    calls = 0

    def failing(self: Any, messages: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise ConnectionRefusedError
        mail.outbox.extend(messages)
        return len(messages)

    with monkeypatch.context() as away:
        away.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", failing)
        clock(FIRST)
    assert (len(mail.outbox), Invitation.objects.filter(is_sent=True).count()) == (2, 2)
    clock(FIRST)
    assert len(mail.outbox) == 6
    assert len({message.to[0] for message in mail.outbox}) == 6


def test_starting_on_its_first_day_after_its_hour_opens_at_once(clock: Any) -> None:
    survey = weekly(status=SurveyStatus.DRAFT, looked_at=None)
    now = FIRST + dt.timedelta(hours=3)
    operations.start(survey=survey, by="x", now=now)
    clock(now)
    assert Wave.objects.get().opens_at == FIRST


def test_somebody_is_told_in_their_language(clock: Any) -> None:
    EmployeeFactory(language="de", name="Dora")
    weekly(languages=["en", "de"], title={"en": "How are we doing?", "de": "Wie läuft es?"})
    clock(FIRST)
    [message] = [message for message in mail.outbox if "Dora" in message.body]
    assert message.subject == "Wie läuft es?"

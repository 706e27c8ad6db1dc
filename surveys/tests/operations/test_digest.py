"""HR is told once that a wave is counted, of nothing that the page would not show."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail

from customers.tests.factories import NOON
from incentives_site.accounts.models import User
from surveys import operations, queries, tasks
from surveys.models import Wave
from surveys.queries import Place
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, opened

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def readers() -> None:
    for name, role in (("hr", "hr"), ("hr2", "hr"), ("gone", "hr"), ("boss", "manager"), ("shop", "marketer")):
        user = User.objects.create_user(f"{name}@company.test", is_active=name != "gone")
        user.groups.add(Group.objects.get(name=role))


def counted(scores: list[int], *, survey: Any = None, at: dt.datetime = NOON) -> Wave:
    wave = opened(survey, at=at)
    for score in scores:
        answered(wave, {"score": score})
    return closed(wave)


def test_hr_is_told_once_with_margin_participation_and_a_link() -> None:
    EmployeeFactory.create_batch(20)
    wave = counted([10] * 8 + [8] * 4 + [3] * 3)
    score = queries.answered(wave, wave.questions[0]).score
    assert score is not None
    for minutes in (1, 2, 60):
        operations.send_digests(now=wave.closes_at + minutes * MINUTE)
    [message] = mail.outbox
    assert (message.to, sorted(message.bcc)) == ([], ["hr2@company.test", "hr@company.test"])
    assert message.subject == "Results: How are we doing?, wave 1"
    assert f"Score: 33, with 95 % certainty between {score.low} and {score.high}, of 15 answers." in message.body
    assert "Participation: 75 % of 20." in message.body
    assert "no wave before it" in message.body
    assert f"/surveys/{wave.survey.public_id}/results/?wave=1" in message.body


def test_what_is_not_shown_is_not_told() -> None:
    EmployeeFactory.create_batch(9)
    wave = counted([10, 10, 0])
    operations.send_digests(now=wave.closes_at)
    assert "Score: not enough answers." in mail.outbox[0].body
    assert "Participation: between 25 and 50 %." in mail.outbox[0].body


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([10] * 20 + [3] * 20, [10] * 36 + [3] * 4, "The company: better than in the wave before (+80), and real"),
        ([10] * 36 + [3] * 4, [10] * 20 + [3] * 20, "The company: lower than in the wave before (−80), and real"),
        ([10] * 20 + [3] * 20, [10] * 21 + [3] * 19, "The company: no clear change from the wave before (+5"),
        ([10] * 2 + [3] * 10, [10] * 10 + [3] * 2, "The company: no clear change"),  # twelve answers are too few to say
    ],
)
def test_it_says_what_changed_and_whether_that_is_real(first: list[int], second: list[int], said: str) -> None:
    EmployeeFactory.create_batch(40)
    before = counted(first)
    wave = counted(second, survey=before.survey, at=NOON + dt.timedelta(days=30))
    assert said in operations.digest_of(wave)[1]


def test_departments_that_are_shown_and_really_changed_are_named() -> None:
    for key in ("sales", "tills"):
        EmployeeFactory.create_batch(35, department=DepartmentFactory(key=key))
    survey = SurveyFactory()
    scores: dict[str, list[list[int]]] = {"sales": [[3, 3, 3, 7], [10, 10, 10, 7]], "tills": [[8, 8, 8, 9]] * 2}
    for turn in range(2):
        wave = opened(survey, at=NOON + dt.timedelta(days=30 * turn))
        for n, invitation in enumerate(wave.invitations.select_related("employee__department").order_by("employee_id")):
            given = scores[invitation.employee.department.key][turn]
            answered(wave, {"score": given[n % 4]}, by=invitation.employee)
        closed(wave)
    assert queries.figure(wave, "score", Place("department", "tills"))
    body = operations.digest_of(wave)[1]
    assert "Sales: better than in the wave before (+154)" in body
    assert "Tills" not in body


def test_one_that_the_mail_server_refused_goes_out_with_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    EmployeeFactory.create_batch(6)
    wave = counted([9] * 6)
    with monkeypatch.context() as away:

        def refuse(self: Any, messages: Any) -> int:
            raise ConnectionRefusedError

        away.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        assert operations.send_digests(now=wave.closes_at) == 0
    assert operations.send_digests(now=wave.closes_at + MINUTE) == 1
    assert operations.send_digests(now=wave.closes_at + MINUTE) == 0


def test_what_was_counted_long_ago_is_no_news_and_the_task_tells_what_is() -> None:
    EmployeeFactory.create_batch(6)
    wave = counted([9] * 6)
    assert operations.send_digests(now=wave.closes_at + dt.timedelta(days=8)) == 0
    Wave.objects.filter(pk=wave.pk).update(published_at=dt.datetime.now(dt.UTC))
    tasks.follow_up()
    assert len(mail.outbox) == 1

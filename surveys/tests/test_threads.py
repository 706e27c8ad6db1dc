"""Replies to somebody nobody knows, and how long things are kept."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from customers.tests.factories import NOON
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role
from incentives_site.shared.problems import Invalid
from surveys import operations
from surveys.models import AnswerSet, Comment, Invitation, MeetingNote, Reply, Survey, SurveyStatus, Wave
from surveys.tests.factories import EmployeeFactory, SurveyFactory, answered, closed, link_of, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def told() -> tuple[Wave, str]:
    """A published wave with ten comments, one of which wants a reply; the key of that."""
    EmployeeFactory.create_batch(11)
    wave = opened()
    for n in range(10):
        answered(wave, {"score": n}, {"score": f"comment {n}"})
    last = Invitation.objects.get(is_used=False)
    key = operations.answer(
        token=link_of(last), values={"score": 1}, comments={"score": "The lift"}, wants_reply=True, now=wave.opens_at
    )
    with pytest.raises(operations.ThreadUnknown):
        operations.comments_of(key)  # not before the close
    return closed(wave), key


def hr() -> Client:
    user = User.objects.create_user("hr@company.test")
    user.groups.add(Group.objects.get(name=Role.HR.value))
    client = Client()
    client.force_login(user)
    return client


def test_hr_and_the_author_talk_and_only_the_author_closes(told: tuple[Wave, str]) -> None:
    wave, key = told
    (comment,) = operations.comments_of(key)
    page = f"/surveys/{wave.survey.public_id}/results/1/comments/"
    client = hr()
    assert client.post(f"{page}reply/", {"comment": str(comment.pk), "text": "Since when?"}).status_code == 302
    author = Client()
    assert b"Since when?" in author.post("/reply/", {"key": key}).content
    assert author.post("/reply/", {"key": key, "step": "reply", "text": "Since May"}).status_code == 200
    assert b"Since May" in client.get(page).content
    assert author.post("/reply/", {"key": key, "step": "close"}).status_code == 200
    with pytest.raises(operations.ThreadClosed):
        operations.reply(comment=comment, text="More", by="user:1")
    assert [reply.by for reply in Reply.objects.order_by("position")] == [f"user:{User.objects.get().pk}", ""]


def test_two_comments_of_one_author_look_like_anybodys_and_each_has_its_conversation() -> None:
    EmployeeFactory.create_batch(10)
    asked = [{"key": "score", "has_comment": True}, {"key": "lift", "kind": "yes_no", "has_comment": True}]
    wave = opened(SurveyFactory(asked=asked))
    for _n in range(9):
        answered(wave, {"score": 9})
    said = {"score": "The lift", "lift": "It is broken"}
    token = link_of(Invitation.objects.get(is_used=False))
    key = operations.answer(token=token, values={"score": 1}, comments=said, wants_reply=True, now=wave.opens_at)
    closed(wave)
    first, second = operations.comments_of(key)
    assert (first.text, second.text) == ("The lift", "It is broken")
    assert first.thread_digest != second.thread_digest
    author = Client()
    author.post("/reply/", {"key": key, "step": "reply", "comment": str(second.pk), "text": "Since May"})
    author.post("/reply/", {"key": key, "step": "close", "comment": str(first.pk)})
    assert [reply.comment for reply in Reply.objects.all()] == [second]
    assert [comment.is_closed for comment in operations.comments_of(key)] == [True, False]


def test_without_the_key_nobody_answers_as_the_author(told: tuple[Wave, str]) -> None:
    wave, _key = told
    for key in ("", "x", "guess" * 20):
        assert Client().post("/reply/", {"key": key, "step": "reply", "text": "x"}).status_code == 422
    other = Comment.objects.filter(thread_digest=None).first()
    page = f"/surveys/{wave.survey.public_id}/results/1/comments/reply/"
    assert other is not None
    assert hr().post(page, {"comment": str(other.pk), "text": "Hello?"}).status_code == 409
    assert not Reply.objects.exists()


@pytest.mark.parametrize("text", ["", " ", "x" * 2_001])
def test_a_reply_has_a_text_of_some_length(told: tuple[Wave, str], text: str) -> None:
    with pytest.raises(Invalid):
        operations.reply(comment=operations.comments_of(told[1])[0], text=text, is_author=True)


def test_what_has_been_kept_long_enough_goes_and_sums_stay(told: tuple[Wave, str]) -> None:
    wave, _key = told
    Survey.objects.update(status=SurveyStatus.ENDED)
    for days, expected in ((29, (11, 11, 11)), (31, (0, 11, 11)), (370, (0, 11, 0)), (740, (0, 0, 0))):
        operations.purge_surveys(now=wave.closes_at + dt.timedelta(days=days))
        assert (Invitation.objects.count(), AnswerSet.objects.count(), Comment.objects.count()) == expected
    wave.refresh_from_db()
    assert wave.results["figures"]


def test_invitations_of_the_last_wave_of_a_running_survey_stay_to_be_compared(told: tuple[Wave, str]) -> None:
    wave, _key = told
    operations.purge_surveys(now=wave.closes_at + dt.timedelta(days=399))
    assert Invitation.objects.count() == 11
    later = opened(wave.survey, at=NOON + dt.timedelta(days=60))
    for n in range(11):
        answered(later, {"score": (3, 7, 9)[n % 3]})
    closed(later)
    operations.purge_surveys(now=wave.closes_at + dt.timedelta(days=70))
    assert set(Invitation.objects.values_list("wave", flat=True)) == {later.pk}
    operations.purge_surveys(now=later.closes_at + dt.timedelta(days=401))
    assert not Invitation.objects.exists()


def test_notes_of_one_on_ones_go_two_years_after_the_end() -> None:
    boss = EmployeeFactory()
    series = operations.arrange(
        manager=boss, member=EmployeeFactory(), rhythm="weekly", first_on=NOON.date(), starts_at=dt.time(9), time_zone="UTC"
    )
    seat = operations.seat_of(public_id=series.public_id, employee=boss)
    operations.write(seat=seat, kind="agenda", text="x", today=NOON.date())
    operations.purge_surveys(now=NOON + dt.timedelta(days=3_000))
    assert MeetingNote.objects.count() == 1
    operations.end_series(seat=seat, today=NOON.date())
    operations.purge_surveys(now=NOON + dt.timedelta(days=700))
    assert MeetingNote.objects.count() == 1
    operations.purge_surveys(now=NOON + dt.timedelta(days=740))
    assert not MeetingNote.objects.exists()

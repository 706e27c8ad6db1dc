"""Forget what has been kept long enough (``docs/anonymity.md``, How long things are kept)."""

import datetime
import uuid

import structlog
from dateutil.relativedelta import relativedelta
from django.conf import settings

from .. import ballot_keys
from ..models import AnswerSet, Comment, Invitation, MeetingNote, OneOnOne, SurveyStatus, Wave, WaveState

log = structlog.get_logger(__name__)


def purge_surveys(*, now: datetime.datetime) -> dict[str, int]:
    """How many of what were deleted: invitations 30 days after the close (of the last wave of a survey that goes on, until the
    next is counted beside it, for at most 400 days), answers after 24 months, comments after 12, what was
    written in one-on-ones 24 months after they ended. Tallies and published results stay: they are sums.
    """
    closed = Wave.objects.filter(state=WaveState.PUBLISHED)
    kept = settings.SURVEYS_KEPT
    gone = {
        "invitations": Invitation.objects.filter(
            wave__in=closed.filter(closes_at__lt=now - datetime.timedelta(days=kept["invitation_days"]))
        )
        .exclude(wave__in=_compared(now - datetime.timedelta(days=kept["compared_days"])))
        .delete()[0],
        "answers": AnswerSet.objects.filter(
            wave__in=closed.filter(closes_at__lt=now - relativedelta(months=kept["answer_months"]))
        ).delete()[0],
        "comments": Comment.objects.filter(
            wave__in=closed.filter(closes_at__lt=now - relativedelta(months=kept["comment_months"]))
        ).delete()[0],
        "notes": MeetingNote.objects.filter(
            series__in=OneOnOne.objects.filter(ended_on__lt=(now - relativedelta(months=kept["note_months"])).date())
        ).delete()[0],
    }
    for wave in _keys_to_forget(now):
        ballot_keys.destroy(wave)
    log.info("surveys_purged", **gone)
    return gone


def _keys_to_forget(now: datetime.datetime) -> list[uuid.UUID]:
    """Files of waves that were counted when the server died before removing them, or that were never opened."""
    old = [wave for wave, written in ballot_keys.kept().items() if written < (now - datetime.timedelta(days=1)).timestamp()]
    still_open = set(
        Wave.objects.filter(public_id__in=old).exclude(state=WaveState.PUBLISHED).values_list("public_id", flat=True)
    )
    return [wave for wave in old if wave not in still_open]


def _compared(since: datetime.datetime) -> list[int]:
    """The last published wave of each running survey, if it closed since then: the next is judged beside it (Theorem 2)."""
    waves = Wave.objects.filter(state=WaveState.PUBLISHED, survey__status=SurveyStatus.RUNNING, closes_at__gte=since)
    return list(waves.order_by("survey_id", "-number").distinct("survey_id").values_list("pk", flat=True))

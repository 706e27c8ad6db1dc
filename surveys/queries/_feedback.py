"""What customers said: scores of a campaign, reviews."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from customers.models import Customer

from ..models import Feedback, OpenAnswer, ReviewState, Survey, SurveyStatus
from ..rules import scores
from ..rules.questions import SCALES, Kind
from ..rules.scores import Counts, Margin, Mean

WINDOW_DAYS = 90


@dataclass(frozen=True, slots=True)
class FeedbackSummary:
    """Of one survey: asked and answered ever; of the last 90 days, one answer of each customer, the score with its margin: NPS,
    or the mean of satisfaction or stars. ``None``: nobody gave one.
    """

    survey: Survey
    asked: int
    answered: int
    nps: Counts | None
    margin: Margin | None
    mean: Mean | None

    @property
    def shown(self) -> int | None:
        return scores.rounded(self.nps.exact) if self.nps and self.nps.exact is not None else None

    @property
    def bounds(self) -> tuple[int, int] | None:
        return (scores.rounded(self.margin.low), scores.rounded(self.margin.high)) if self.margin else None


def open_questions(customer: Customer, *, now: datetime.datetime, most: int = 3) -> list[Feedback]:
    """What a customer was asked and may still answer, the latest first."""
    found = Feedback.objects.filter(
        customer=customer,
        answered_at=None,
        asked_at__gt=now - datetime.timedelta(days=WINDOW_DAYS),
        survey__status=SurveyStatus.RUNNING,
    )
    return list(found.select_related("survey__incentive").order_by("-asked_at", "-id")[:most])


def feedback_of_campaign(campaign_id: int, *, today: datetime.date) -> list[FeedbackSummary]:
    found = Survey.objects.filter(campaign=campaign_id, kind="feedback").exclude(status="draft").order_by("id")
    return [feedback_summary(survey, today=today) for survey in found]


def feedback_summary(survey: Survey, *, today: datetime.date) -> FeedbackSummary:
    """Answers of nobody in particular count each by itself, in the weeks that began within the window."""
    rows = Feedback.objects.filter(survey=survey)
    counted = rows.aggregate(asked=Count("id"), answered=Count("answered_at"))
    since = today - datetime.timedelta(days=WINDOW_DAYS)
    given = rows.filter(answered_at__date__gte=since).exclude(score=None).values_list("customer", "answered_at", "score")
    latest = scores.latest_of_each(
        (
            (str(customer), at.date(), score)
            for customer, at, score in given.order_by("answered_at", "id")
            if at and score is not None
        ),
        today=today,
        window_days=WINDOW_DAYS,
    )
    openly = OpenAnswer.objects.filter(survey=survey)
    latest += [score for score in openly.filter(week__gte=since).values_list("score", flat=True) if score is not None]
    kind = survey.questions.filter(kind__in=["nps", "csat", "rating"]).values_list("kind", flat=True).first()
    is_nps = kind == "nps"
    counts = scores.count(latest, SCALES[Kind.NPS]) if is_nps and latest else None
    return FeedbackSummary(
        survey,
        counted["asked"],
        counted["answered"] + openly.count(),
        counts,
        scores.margin(counts) if counts else None,
        scores.mean(latest, SCALES[Kind.CSAT]) if not is_nps else None,
    )


def reviews(states: Sequence[str] = (ReviewState.WAITING,)) -> QuerySet[Feedback]:
    """With a text, in one of the states, the newest first."""
    return Feedback.objects.filter(review_state__in=states).select_related("survey", "customer").order_by("-answered_at", "-id")

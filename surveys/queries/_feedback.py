"""What customers said: scores of a campaign, reviews."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Avg, Count, QuerySet

from ..models import Feedback, ReviewState, Survey
from ..rules import scores
from ..rules.scores import Counts, Margin, Scale


@dataclass(frozen=True, slots=True)
class FeedbackSummary:
    """Of one survey: asked and answered, and the score: NPS with its margin, or the mean of stars."""

    survey: Survey
    asked: int
    answered: int
    nps: Counts | None
    margin: Margin | None
    mean: float | None


def feedback_of_campaign(campaign_id: int) -> list[FeedbackSummary]:
    return [feedback_summary(survey) for survey in Survey.objects.filter(campaign=campaign_id, kind="feedback").order_by("id")]


def feedback_summary(survey: Survey) -> FeedbackSummary:
    rows = Feedback.objects.filter(survey=survey)
    counted = rows.aggregate(asked=Count("id"), answered=Count("answered_at"), mean=Avg("score"))
    is_nps = survey.questions.filter(kind="nps").exists()
    counts = scores.count(rows.exclude(score=None).values_list("score", flat=True), Scale(0, 10)) if is_nps else None
    return FeedbackSummary(
        survey, counted["asked"], counted["answered"], counts, scores.margin(counts) if counts else None, counted["mean"]
    )


def reviews(states: Sequence[str] = (ReviewState.WAITING,)) -> QuerySet[Feedback]:
    """With a text, in one of the states, the newest first."""
    return Feedback.objects.filter(review_state__in=states).select_related("survey", "customer").order_by("-answered_at", "-id")

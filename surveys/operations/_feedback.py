"""Ask customers how it was, take the answer once, keep the promise for answering once."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import operations as campaign_operations
from customers.models import Channel, Customer
from customers.operations import track
from customers.queries import wishes_of
from customers.rules.consent import ALL, Purpose
from customers.rules.timeline import EventType
from incentives_site.shared.problems import FieldError, Invalid, Kind, NotFound, Problem
from redemptions.models import Redemption

from ..models import Feedback, Mode, ReviewState, Survey, SurveyKind, SurveyStatus, Wave
from ..rules.questions import Kind as Asked
from ..rules.questions import read_answers
from ._open_wave import question_from, questions_of

SALT = "feedback"
MOST_ANSWER_DAYS = 90
ASKED_ABOUT = datetime.timedelta(days=2)
ASKED_AT_ONCE = 1_000


class FeedbackUnknown(NotFound):
    code = "feedback-unknown"
    title = gettext_lazy("This link leads to no question")


class FeedbackGiven(Problem):
    code = "feedback-given"
    title = gettext_lazy("You have answered this already")
    kind = Kind.CONFLICT


class NotAsked(Problem):
    code = "not-asked"
    title = gettext_lazy("This survey does not ask customers now")
    kind = Kind.CONFLICT


def ask(
    *, survey: Survey, customer: Customer, occasion: str, now: datetime.datetime, order_key: str = ""
) -> tuple[Feedback, bool]:
    """Ask a customer on an occasion (an order, a campaign); the same again gives back the first, and whether it is new.

    Raises ``NotAsked`` for a survey that is no running customer survey, and for one that does not ask who answers (``open_url``).
    """
    if survey.kind != SurveyKind.FEEDBACK or survey.mode == Mode.ANONYMOUS or survey.status != SurveyStatus.RUNNING:
        raise NotAsked(_("It is not a running customer survey."))
    if not 1 <= len(occasion) <= 80 or "\x00" in occasion:
        raise Invalid(errors=[FieldError("/occasion", "bad-text", _("An occasion has 1 to 80 characters."))])
    return Feedback.objects.get_or_create(
        survey=survey, customer=customer, occasion=occasion, defaults={"asked_at": now, "order_key": order_key[:100]}
    )


def ask_redeemers(*, now: datetime.datetime) -> int:
    """Ask who used something of a campaign in the last days, for each survey tied to one; how many are asked now.

    The question waits in the wallet. Nobody is asked by one survey twice in ``MOST_ANSWER_DAYS``, nor who does not want to be
    asked, nor about what was returned. Beyond ``ASKED_AT_ONCE`` it is the next call's turn.
    """
    asked = 0
    surveys = Survey.objects.filter(kind=SurveyKind.FEEDBACK, status=SurveyStatus.RUNNING).exclude(campaign=None)
    for survey in surveys.exclude(mode=Mode.ANONYMOUS).order_by("pk"):
        since = now - datetime.timedelta(days=MOST_ANSWER_DAYS)
        used = Redemption.objects.filter(
            applied__campaign=survey.campaign_id,
            redeemed_at__gt=now - ASKED_ABOUT,
            redeemed_at__lte=now,
            returned_at=None,
            customer__isnull=False,
            customer__erased_at=None,
            customer__forwarded_to=None,
        ).exclude(customer__in=Feedback.objects.filter(survey=survey, asked_at__gt=since).values("customer"))
        seen: set[int | None] = set()
        for row in used.select_related("customer").order_by("-redeemed_at", "-pk").iterator(chunk_size=500):
            if asked >= ASKED_AT_ONCE:
                return asked
            if row.customer is None or row.customer_id in seen:
                continue
            seen.add(row.customer_id)
            if not wishes_of(row.customer).refuses_channel(ALL, Purpose.RESEARCH):
                occasion = f"redemption:{row.public_id}"
                asked += ask(survey=survey, customer=row.customer, occasion=occasion, now=now, order_key=row.order_key)[1]
    return asked


def feedback_url(feedback: Feedback) -> str:
    return reverse("feedback", args=[signing.Signer(salt=SALT).sign_object(str(feedback.public_id))])


def feedback_of(token: str) -> Feedback:
    """Raises ``FeedbackUnknown`` for a forged or broken link. Looking writes nothing."""
    try:
        key = uuid.UUID(signing.Signer(salt=SALT).unsign_object(token))
        return Feedback.objects.select_related("survey__campaign", "survey__incentive", "customer").get(public_id=key)
    except (signing.BadSignature, ValueError, TypeError, Feedback.DoesNotExist):
        raise FeedbackUnknown(_("Open the link as it stands in your message.")) from None


def give_feedback(
    *,
    feedback: Feedback,
    values: Mapping[str, Any],
    review: str = "",
    channel: Channel | None,
    source: str = "page",
    by: str = "customer",
    now: datetime.datetime,
) -> Feedback:
    """Keep the answer, put it on the timeline, and grant what was promised for answering: each once, in one transaction.

    A review waits for somebody to look at it. Raises ``FeedbackGiven``, ``Invalid``, ``NotAsked`` when it was asked too long ago.
    """
    survey = feedback.survey
    if now - feedback.asked_at > datetime.timedelta(days=MOST_ANSWER_DAYS):
        raise NotAsked(_("It could be answered for %(days)s days.") % {"days": MOST_ANSWER_DAYS})
    asked = questions_of(survey)
    answered = read_answers([question_from(item) for item in asked], values, {})
    if answered.faults:
        raise Invalid(errors=[FieldError(fault.pointer, fault.code, fault.detail) for fault in answered.faults])
    review = "".join(c for c in review if c != "\x00" and not "\ud800" <= c <= "\udfff").strip()
    if len(review) > 5_000:
        raise Invalid(errors=[FieldError("/review", "too-long", _("At most 5,000 characters."))])
    if not answered.values and not review:
        raise Invalid(errors=[FieldError("", "nothing-answered", _("Please answer at least one question."))])
    score = score_of(asked, answered.values)
    with transaction.atomic():
        kept = Feedback.objects.filter(pk=feedback.pk, answered_at=None).update(
            answered_at=now,
            values=dict(answered.values),
            score=score,
            review=review,
            review_state=ReviewState.WAITING if review else ReviewState.NONE,
            source=source,
        )
        if kept != 1:
            raise FeedbackGiven(_("Thank you: each question is answered once."))
        track(
            customer=feedback.customer,
            type=EventType.ANSWERED,
            source="surveys",
            message_id=f"feedback:{feedback.public_id}",
            occurred_at=now,
            received_at=now,
            channel=channel,
            name=_title(survey)[:200],
            properties={"survey": str(survey.public_id), "score": score, "occasion": feedback.occasion},
        )
        if survey.incentive is not None and channel is not None:
            _keep_the_promise(feedback, channel, by, now)
    feedback.refresh_from_db()
    return feedback


def _keep_the_promise(feedback: Feedback, channel: Channel, by: str, now: datetime.datetime) -> None:
    """A campaign that has ended promises nothing any more; the answer counts all the same."""
    incentive = feedback.survey.incentive
    if incentive is None:
        return
    try:
        with transaction.atomic():
            campaign_operations.grant(
                customer=feedback.customer,
                incentive=incentive,
                channel=channel,
                occasion=f"feedback:{feedback.public_id}",
                reason="survey",
                by=by,
                now=now,
            )
    except (campaign_operations.NotGrantable, Invalid):
        return


def _title(survey: Survey) -> str:
    """As the workspace calls it, whatever language the page spoke."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(survey)


def score_of(asked: list[dict[str, Any]], values: Mapping[str, Any]) -> int | None:
    """The one number of an answer: of its NPS, its satisfaction or its stars."""
    kinds = (Asked.NPS, Asked.CSAT, Asked.RATING)
    return next((values[item["key"]] for item in asked if item["kind"] in kinds and item["key"] in values), None)


def channel_for(survey: Survey | Wave) -> Channel | None:
    """Where what is promised for answering is granted: a channel of its campaign that gives incentives."""
    if survey.incentive is None:
        return None
    return survey.incentive.campaign.channels.filter(can_grant=True, is_active=True).order_by("key").first()


def moderate(*, feedback: Feedback, is_shown: bool, by: str) -> bool:
    """Show a review or not; whether this call decided."""
    state = ReviewState.SHOWN if is_shown else ReviewState.REFUSED
    waiting = Feedback.objects.filter(pk=feedback.pk).exclude(review_state__in=["", state])
    return waiting.update(review_state=state, moderated_by=by[:100]) == 1

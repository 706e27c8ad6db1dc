"""What customers say, tied to a campaign or a purchase; or said by nobody in particular."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._surveys import Survey


class ReviewState(models.TextChoices):
    NONE = "", _("No text")
    WAITING = "waiting", _("To be looked at")
    SHOWN = "shown", _("Shown")
    REFUSED = "refused", _("Not shown")


class Feedback(PublicIdModel):
    """One customer is asked by a survey on one occasion, and answers at most once; ``values`` are empty until then.

    The incentive promised for answering is granted once, the same whatever was answered.
    """

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="feedback", verbose_name=_("survey"))
    customer = models.ForeignKey("customers.Customer", models.PROTECT, related_name="+", verbose_name=_("customer"))
    occasion = models.CharField(_("occasion"), max_length=80)
    order_key = models.CharField(_("order"), max_length=100, blank=True)
    asked_at = models.DateTimeField(_("asked"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    values = models.JSONField(_("answers"), default=dict, blank=True)
    score = models.SmallIntegerField(_("score"), null=True, blank=True)
    review = models.TextField(_("review"), blank=True)
    review_state = models.CharField(_("review is"), max_length=8, choices=ReviewState.choices, default="", blank=True)
    moderated_by = models.CharField(_("looked at by"), max_length=100, blank=True)
    source = models.CharField(_("from"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["survey", "customer", "occasion"], name="a_customer_is_asked_once_on_an_occasion"),
            models.CheckConstraint(condition=Q(answered_at__isnull=False) | Q(score=None), name="a_score_was_answered"),
        ]
        indexes = [
            models.Index(fields=["survey", "-answered_at"], name="answered_feedback"),
            models.Index(fields=["id"], condition=Q(review_state="waiting"), name="reviews_to_look_at"),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id}: {self.customer_id} {self.occasion}"


class OpenAnswer(models.Model):
    """What somebody answered to a survey of customers without saying who they are: nothing about them, and the week alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    survey = models.ForeignKey(Survey, models.PROTECT, related_name="open_answers", verbose_name=_("survey"))
    week = models.DateField(_("week that begins on"))
    values = models.JSONField(_("answers"), default=dict)
    score = models.SmallIntegerField(_("score"), null=True, blank=True)

    class Meta:
        verbose_name = _("open answer")
        verbose_name_plural = _("open answers")
        ordering = ["id"]
        indexes = [models.Index(fields=["survey", "week"], name="open_answers_by_week")]

    def __str__(self) -> str:
        return f"{self.survey_id}: {self.score}"


class Claim(models.Model):
    """A claim code that was used. A code says of which survey it is and nothing else: who answers gets one, whatever they say."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="claims", verbose_name=_("survey"))
    digest = models.BinaryField(max_length=32, unique=True)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.pk)

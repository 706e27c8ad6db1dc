"""How insight is read: the rules of the journey's stages, and where fifths of all customers end."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

_SOME = [MinValueValidator(1)]


class JourneyStages(models.Model):
    """When a customer is new, at risk, lapsed, growing (``rules.insight.StageRule``). One row."""

    new_days = models.PositiveIntegerField(_("new for days"), default=30, validators=_SOME)
    at_risk_days = models.PositiveIntegerField(_("at risk after days"), default=90, validators=_SOME)
    lapsed_days = models.PositiveIntegerField(_("lapsed after days"), default=180, validators=_SOME)
    at_risk_gaps = models.FloatField(
        _("at risk after usual gaps"),
        default=1.5,
        validators=_SOME,
        help_text=_("Where a customer has a usual gap between purchases."),
    )
    lapsed_gaps = models.FloatField(_("lapsed after usual gaps"), default=3.0, validators=_SOME)
    growing_percent = models.PositiveIntegerField(
        _("growing from percent"), default=125, validators=_SOME, help_text=_("Spend in 90 days, of the 90 days before.")
    )

    class Meta:
        verbose_name = _("journey stages")
        verbose_name_plural = _("journey stages")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(at_risk_days__lt=models.F("lapsed_days"), at_risk_gaps__lt=models.F("lapsed_gaps")),
                name="at_risk_comes_before_lapsed",
            )
        ]

    def __str__(self) -> str:
        return f"{self.new_days}, {self.at_risk_days}, {self.lapsed_days} days"


class CustomerScale(models.Model):
    """Where fifths of all customers end, counted each day: four cuts of recency, frequency and value."""

    counted_at = models.DateTimeField(_("counted"))
    recency = models.JSONField(_("recency"), default=list)
    frequency = models.JSONField(_("frequency"), default=list)
    value = models.JSONField(_("value"), default=list)

    class Meta:
        verbose_name = _("scale of customers")
        verbose_name_plural = _("scales of customers")
        ordering = ["-counted_at"]

    def __str__(self) -> str:
        return f"{self.counted_at:%F %T}"

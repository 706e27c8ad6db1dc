"""Webhooks: where partners want to be told, what there was to tell, and every attempt to do so (``docs/webhooks.md``)."""

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._partners import Partner


class Disabled(models.TextChoices):
    """Why nothing is sent to an endpoint."""

    GONE = "gone", _("The receiver answered 410 Gone")
    PARTNER = "partner", _("Switched off by the partner")
    OPERATOR = "operator", _("Switched off by an operator")


class State(models.TextChoices):
    PENDING = "pending", _("Pending")
    FAILED = "failed", _("Failed, will be tried again")
    DELIVERED = "delivered", _("Delivered")
    GAVE_UP = "gave_up", _("Given up")
    CANCELLED = "cancelled", _("Cancelled")


OPEN = [State.PENDING, State.FAILED]


@pghistory.track()
class WebhookEndpoint(PublicIdModel):
    """An address of a partner that is told of some types. What was removed stays for its history, and is nobody's any more."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="+", verbose_name=_("partner"))
    url = models.CharField(_("address"), max_length=2000)
    types = ArrayField(models.CharField(max_length=64), verbose_name=_("types"))
    is_active = models.BooleanField(_("active"), default=True)
    disabled_at = models.DateTimeField(_("switched off"), null=True, blank=True)
    disabled_why = models.CharField(_("why"), max_length=16, choices=Disabled.choices, blank=True)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints = [
            models.CheckConstraint(
                condition=Q(is_active=True, disabled_at__isnull=True, removed_at__isnull=True, disabled_why="")
                | Q(is_active=False, disabled_at__isnull=False),
                name="a_webhook_that_is_off_says_since_when",
            )
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.url}"


class WebhookSecret(models.Model):
    """What signs an endpoint's messages, sealed. Several while one takes over from another."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="secrets")
    sealed = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("webhook secret")
        verbose_name_plural = _("webhook secrets")

    def __str__(self) -> str:
        return f"{self.endpoint_id} ({self.created_at:%Y-%m-%d})"


class WebhookMessage(PublicIdModel):
    """Something that happened, written in the transaction that made it happen, when somebody wants to be told."""

    key = models.CharField(_("key"), max_length=200, unique=True)
    type = models.CharField(_("type"), max_length=64)
    data = models.JSONField(_("data"))
    partner = models.ForeignKey(
        Partner, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("only for the partner")
    )
    created_at = models.DateTimeField(_("happened"), db_index=True)

    class Meta:
        verbose_name = _("webhook message")
        verbose_name_plural = _("webhook messages")

    def __str__(self) -> str:
        return f"{self.type} {self.webhook_id}"

    @property
    def webhook_id(self) -> str:
        """By which a receiver knows a message again."""
        return f"msg_{self.public_id.hex}"


class WebhookDelivery(PublicIdModel):
    """A message on its way to one endpoint. ``attempts`` counts those since it was made or replayed last."""

    message = models.ForeignKey(WebhookMessage, models.CASCADE, related_name="deliveries", verbose_name=_("message"))
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", verbose_name=_("endpoint"))
    state = models.CharField(_("state"), max_length=16, choices=State.choices)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    claim = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="a_message_goes_to_an_endpoint_once"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, next_attempt_at__isnull=False) | (~Q(state__in=OPEN) & Q(next_attempt_at=None)),
                name="a_delivery_on_its_way_has_a_next_attempt",
            ),
        ]
        indexes = [models.Index(fields=["endpoint", "next_attempt_at"], condition=Q(state__in=OPEN), name="deliveries_due")]

    def __str__(self) -> str:
        return f"{self.message_id} → {self.endpoint_id}"


class WebhookAttempt(models.Model):
    """One try: what was answered, or why there was no answer."""

    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="tries", verbose_name=_("delivery"))
    at = models.DateTimeField(_("at"))
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(_("milliseconds"))
    excerpt = models.CharField(_("answer"), max_length=1000, blank=True)
    error = models.CharField(_("error"), max_length=32, blank=True)

    class Meta:
        verbose_name = _("webhook attempt")
        verbose_name_plural = _("webhook attempts")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status or self.error}"

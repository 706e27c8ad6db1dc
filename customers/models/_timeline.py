"""What happened to a customer: the timeline, append-only. Instants are UTC."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ..rules.timeline import EventType
from ._channels import Channel
from ._customers import Customer


class Event(PublicIdModel):
    """One thing that happened to a customer: the timeline, append-only.

    ``(source, message_id)`` is unique, so that writing the same happening twice is harmless.
    """

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="events", verbose_name=_("customer"))
    type = models.CharField(_("type"), max_length=16, choices=[(t.value, t.value) for t in EventType])
    name = models.CharField(_("name"), max_length=200, blank=True)
    channel = models.ForeignKey(
        Channel,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("channel"),
    )
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))
    source = models.CharField(_("source"), max_length=64)
    message_id = models.CharField(_("message id"), max_length=100)
    properties = models.JSONField(_("properties"), default=dict)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-occurred_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="a_source_says_a_message_once")]
        indexes = [
            models.Index(
                fields=["customer", "-occurred_at", "-id"],
                name="timeline_of_a_customer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.occurred_at:%Y-%m-%d %H:%M}"

"""What happened to a customer: the timeline, append-only. Instants are UTC."""

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ..rules.timeline import EventType
from ._channels import Channel
from ._customers import Customer


class Event(models.Model):
    """One thing that happened to a customer: the timeline, append-only.

    The table is partitioned by the month of ``occurred_at`` (``operations.tend_partitions``), so the database keys it by ``id``
    and ``occurred_at`` together. That a source's message is written once is kept beside it, across partitions (``SeenMessage``).
    """

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
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
    context = models.JSONField(
        _("context"),
        default=dict,
        db_default=Value({}, models.JSONField()),
        help_text=_("Where and on what it happened, as the source said; originalAt and sentAt by the device's clock."),
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-occurred_at", "-id"]
        indexes = [
            models.Index(
                fields=["customer", "-occurred_at", "-id"],
                name="timeline_of_a_customer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.occurred_at:%Y-%m-%d %H:%M}"


class SeenMessage(models.Model):
    """A message that stands on a timeline (``rules.timeline.message_digest``): it is not written a second time."""

    digest = models.UUIDField(primary_key=True)
    seen_at = models.DateTimeField(_("seen"), db_default=Now())

    class Meta:
        verbose_name = _("seen message")
        verbose_name_plural = _("seen messages")
        ordering = ["-seen_at"]
        indexes = [BrinIndex(fields=["seen_at"], name="seen_messages_by_time")]

    def __str__(self) -> str:
        return str(self.digest)

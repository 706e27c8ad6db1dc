"""What sources send: who may, what waits to be processed, what was refused."""

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..rules.protocol import Refusal
from ._channels import Channel


def new_write_key() -> str:
    return secrets.token_urlsafe(24)


class Source(models.Model):
    """Something that sends events: a shop, an app, a till. Its write key says who it is, and lets it do nothing but send."""

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=200)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+", verbose_name=_("channel"))
    write_key = models.CharField(_("write key"), max_length=64, unique=True, default=new_write_key)
    currency = models.CharField(_("currency"), max_length=3, default="USD", help_text=_("Of orders that name none (ISO 4217)."))
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Intake(models.Model):
    """A request as it came, kept before it is answered and deleted with the writing of what it says."""

    source = models.ForeignKey(Source, models.PROTECT, related_name="+", verbose_name=_("source"))
    kind = models.CharField(_("route"), max_length=16, blank=True)
    body = models.BinaryField(_("body"))
    received_at = models.DateTimeField(_("received"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0)

    class Meta:
        verbose_name = _("request that waits")
        verbose_name_plural = _("requests that wait")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.source_id} {self.received_at:%F %T}"


class Rejection(models.Model):
    """An event that was not taken, with the reason, as it came; it can be sent again from here."""

    source = models.ForeignKey(Source, models.PROTECT, related_name="rejections", verbose_name=_("source"))
    reason = models.CharField(_("reason"), max_length=32, choices=[(reason.value, reason.value) for reason in Refusal])
    message_id = models.CharField(_("message id"), max_length=100, blank=True)
    body = models.TextField(_("event"), help_text=_("JSON as it came, the first 32 KiB of it."))
    received_at = models.DateTimeField(_("received"))
    replayed_at = models.DateTimeField(_("sent again"), null=True, blank=True)

    class Meta:
        verbose_name = _("rejected event")
        verbose_name_plural = _("rejected events")
        ordering = ["-id"]
        indexes = [models.Index(fields=["source", "-id"], name="rejections_of_a_source")]

    def __str__(self) -> str:
        return f"{self.reason} {self.message_id}"

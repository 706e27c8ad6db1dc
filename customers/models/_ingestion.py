"""What sources send: who may, what waits to be processed, what was refused."""

import secrets
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared import sealing

from ..rules.protocol import Refusal
from ..rules.trust import Trust
from ._channels import Channel

SOURCE_KEYS = "sources"  # what the seals and hashes of sources' keys are made for


def new_write_key() -> str:
    """32 characters, 192 bits."""
    return secrets.token_urlsafe(24)


def digest_of_key(write_key: str) -> bytes:
    """32 bytes by which the source of a write key is found."""
    return sealing.digest(SOURCE_KEYS, write_key)


def sealed_key(text: str) -> bytes:
    return sealing.seal(SOURCE_KEYS, text.encode())


class Source(models.Model):
    """Something that sends events: a shop, an app, a till. Its write key says who it is, and lets it do nothing but send.

    ``trust`` says how the key is kept, and so what the source may say (``rules.trust``). For sources older than that question,
    ``is_trust_chosen`` is false until an operator answers it, and the key counts as public until then. Keys are stored sealed,
    beside a keyed hash by which a request finds its source.
    """

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=200)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+", verbose_name=_("channel"))
    trust = models.CharField(
        _("key is kept"),
        max_length=8,
        choices=[
            (Trust.SERVER.value, _("On a server (secret)")),
            (Trust.BROWSER.value, _("In web pages (public)")),
            (Trust.DEVICE.value, _("In an app (public)")),
        ],
        default=Trust.BROWSER.value,
        help_text=_("Anyone can read a key in a web page or an app. Events sent with it identify, join and earn nothing."),
    )
    is_trust_chosen = models.BooleanField(_("trust chosen"), default=True, editable=False)
    origins = ArrayField(
        models.CharField(max_length=200),
        verbose_name=_("allowed origins"),
        default=list,
        blank=True,
        help_text=_("Web pages that may use the key, such as https://shop.example, separated by commas. Empty: all."),
    )
    write_key_digest = models.BinaryField(max_length=32, unique=True, editable=False)
    write_key_sealed = models.BinaryField(max_length=400, editable=False)
    token_secret_sealed = models.BinaryField(max_length=400, editable=False)
    currency = models.CharField(_("currency"), max_length=3, default="USD", help_text=_("Of orders that name none (ISO 4217)."))
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.pk is None and not self.write_key_sealed:
            self.write_key = new_write_key()
        if self.pk is None and not self.token_secret_sealed:
            self.token_secret_sealed = sealed_key(secrets.token_urlsafe(32))

    def __str__(self) -> str:
        return self.name

    @property
    def write_key(self) -> str:
        return (sealing.open_seal(SOURCE_KEYS, self.write_key_sealed) or b"").decode()

    @write_key.setter
    def write_key(self, text: str) -> None:
        self.write_key_digest, self.write_key_sealed = digest_of_key(text), sealed_key(text)

    @property
    def token_secret(self) -> str:
        """With this the shop's server signs customer tokens (``docs/ingestion.md``, Customer tokens)."""
        return (sealing.open_seal(SOURCE_KEYS, self.token_secret_sealed) or b"").decode()


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

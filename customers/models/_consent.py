"""Consent: the ledger of what customers have agreed to and refused, append-only (``docs/consent.md``). Instants are UTC."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..rules.consent import How, Purpose
from ._channels import Channel
from ._customers import Customer


class Consent(models.Model):
    """One statement of a customer. Never changed; a merge moves it to the customer that remains, and erasure takes it away.

    What holds now is kept beside it in ``Customer.consent`` and can be worked out from these rows at any time.
    """

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="consents", verbose_name=_("customer"))
    channel = models.ForeignKey(
        Channel,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("channel"),
        help_text=_("Empty: every channel."),
    )
    purpose = models.CharField(_("purpose"), max_length=16, choices=[(p.value, p.value) for p in Purpose])
    kind = models.CharField(_("kind of incentive"), max_length=32, blank=True, help_text=_("Empty: every kind."))
    is_given = models.BooleanField(_("given"))
    how = models.CharField(_("how"), max_length=16, choices=[(h.value, h.value.replace("_", " ")) for h in How])
    wording = models.CharField(_("wording"), max_length=100, blank=True, help_text=_("Version of the text that was agreed to."))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    actor = models.CharField(_("recorded by"), max_length=100)
    said_at = models.DateTimeField(_("said"))
    recorded_at = models.DateTimeField(_("recorded"))

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-said_at", "-id"]
        indexes = [models.Index(fields=["customer", "-said_at", "-id"], name="consents_of_a_customer")]

    def __str__(self) -> str:
        return f"{self.purpose} {'given' if self.is_given else 'withdrawn'} {self.said_at:%Y-%m-%d %H:%M}"

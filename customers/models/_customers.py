"""Who: a customer, and the names it has in every channel."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel


class Customer(PublicIdModel):
    """One person or household, whatever channels it comes from.

    ``traits`` are what was said about it (age band, language); ``facts`` are what the timeline shows (orders, spend).
    """

    display_name = models.CharField(_("name"), max_length=200, blank=True)
    traits = models.JSONField(_("traits"), default=dict, blank=True)
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    consent = models.JSONField(
        _("consent"), default=dict, db_default={}, blank=True, editable=False, help_text=_("What holds now; the ledger says why.")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["-id"]
        indexes = [
            GinIndex(
                OpClass(Upper("display_name"), name="gin_trgm_ops"),
                name="customer_name_trigrams",
            ),
            GinIndex(fields=["traits"], opclasses=["jsonb_path_ops"], name="customer_traits"),
        ]

    def __str__(self) -> str:
        return self.display_name or str(self.public_id)


class Identity(models.Model):
    """One name a customer has in some channel: a card, an address, a cookie. Values are normalised per kind."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="identities", verbose_name=_("customer"))
    kind = models.CharField(_("kind"), max_length=64)
    value = models.CharField(_("value"), max_length=320)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        ordering = ["kind", "value"]
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="an_identity_belongs_to_one_customer")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

"""Purchases that were looked at for what they earn, each once."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Outcome(models.TextChoices):
    EARNED = "earned", _("Earned")
    NOTHING = "nothing", _("Nothing to earn")
    REDEEMED = "redeemed", _("Redeemed here: earned there")
    REFUSED = "refused", _("Could not be decided")


class PurchaseEarning(models.Model):
    """Whether a purchase earned. One row a purchase, written in the transaction of what it earned."""

    purchase = models.OneToOneField(
        "customers.Purchase", models.CASCADE, primary_key=True, related_name="+", verbose_name=_("purchase")
    )
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    looked_at = models.DateTimeField(_("looked at"))

    class Meta:
        verbose_name = _("earning of a purchase")
        verbose_name_plural = _("earnings of purchases")

    def __str__(self) -> str:
        return f"{self.purchase_id}: {self.get_outcome_display()}"

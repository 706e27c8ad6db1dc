"""Where customers stand in the loyalty programme."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CustomerTier(models.Model):
    """The tier a customer stands in; empty: none. ``changes`` numbers what happened, so that each is told and rewarded once."""

    customer = models.OneToOneField(
        "customers.Customer", models.CASCADE, primary_key=True, related_name="+", verbose_name=_("customer")
    )
    tier = models.ForeignKey("campaigns.Tier", models.SET_NULL, null=True, related_name="+", verbose_name=_("tier"))
    since_at = models.DateTimeField(_("since"))
    changes = models.PositiveIntegerField(_("changes"), default=0)
    refreshed_on = models.DateField(_("refreshed"))

    class Meta:
        verbose_name = _("tier of a customer")
        verbose_name_plural = _("tiers of customers")

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.tier_id or '-'}"

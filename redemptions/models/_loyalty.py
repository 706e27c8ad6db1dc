"""Where customers stand in the loyalty programme, and who won its contests."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel


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


class ContestDraw(PublicIdModel):
    """One draw of a contest: first announced with a commitment to its seed, then drawn, with all that is needed to repeat it."""

    contest = models.CharField(_("contest"), max_length=200)
    winners_wanted = models.PositiveIntegerField(
        _("winners to be drawn"), validators=[MinValueValidator(1), MaxValueValidator(10_000)]
    )
    commitment = models.CharField(
        _("commitment"), max_length=64, help_text=_("SHA-256 of the seed, to be published before the draw.")
    )
    sealed = models.BinaryField(max_length=400)
    announced_by = models.CharField(_("announced by"), max_length=100)
    announced_at = models.DateTimeField(_("announced"))
    seed = models.CharField(_("seed"), max_length=200, blank=True)
    entries = models.JSONField(_("entries"), default=dict, help_text=_("By the public id of the customer."))
    entries_digest = models.CharField(_("digest of the entries"), max_length=64, blank=True)
    winners = models.JSONField(_("winners"), default=list, help_text=_("Public ids, in the order they were drawn."))
    drawn_by = models.CharField(_("drawn by"), max_length=100, blank=True)
    drawn_at = models.DateTimeField(_("drawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("draw of a contest")
        verbose_name_plural = _("draws of contests")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contest"], condition=models.Q(drawn_at__isnull=True), name="a_contest_has_one_open_draw"
            ),
        ]

    def __str__(self) -> str:
        return self.contest

"""Redemptions with the decision that justified them, and returns. Append-only but for what a return marks."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel


class Redemption(PublicIdModel):
    """One order on which incentives were used, for good. Keeps the basket and the decision: any price can be explained."""

    source = models.CharField(_("source"), max_length=64)
    order_key = models.CharField(_("order"), max_length=100)
    customer = models.ForeignKey(
        "customers.Customer",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    channel = models.ForeignKey("customers.Channel", models.PROTECT, related_name="+", verbose_name=_("channel"))
    store = models.ForeignKey(
        "customers.Store",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("store"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    basket = models.JSONField(_("basket"))
    decision = models.JSONField(_("decision"))
    initial = models.BigIntegerField(_("before discounts"), null=True)
    discount = models.BigIntegerField(_("discount"), null=True)
    payable = models.BigIntegerField(_("paid"), null=True)
    placed_at = models.DateTimeField(_("order placed"))
    redeemed_at = models.DateTimeField(_("redeemed"))
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)
    actor = models.CharField(_("redeemed by"), max_length=100)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        ordering = ["-redeemed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "order_key"], name="an_order_is_redeemed_once"),
            models.CheckConstraint(
                condition=Q(initial__isnull=True) | Q(initial=F("discount") + F("payable")),
                name="discount_and_paid_make_the_whole",
            ),
            models.CheckConstraint(
                condition=Q(discount__isnull=True) | Q(discount__gte=0),
                name="discount_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(payable__isnull=True) | Q(payable__gte=0),
                name="payable_is_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-redeemed_at"], name="redemptions_of_a_customer"),
            models.Index(fields=["-redeemed_at"], name="redemptions_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.order_key}"


class AppliedIncentive(models.Model):
    """One incentive used on one redemption, and what it gave. An empty amount is one the source did not record."""

    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="applied", verbose_name=_("redemption"))
    position = models.PositiveSmallIntegerField(_("position"))
    incentive = models.ForeignKey(
        "campaigns.Incentive",
        models.PROTECT,
        related_name="+",
        verbose_name=_("incentive"),
    )
    campaign = models.ForeignKey(
        "campaigns.Campaign",
        models.PROTECT,
        related_name="+",
        verbose_name=_("campaign"),
    )
    grant = models.ForeignKey(
        "campaigns.Grant",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("grant"),
    )
    amount = models.BigIntegerField(_("discount"), null=True)
    consumed = models.JSONField(_("used of limits"), default=list, help_text=_("[limit, subject, amount], to give back exactly."))
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)

    class Meta:
        verbose_name = _("applied incentive")
        verbose_name_plural = _("applied incentives")
        ordering = ["redemption", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["redemption", "position"],
                name="an_incentive_is_applied_in_one_place",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0),
                name="applied_amount_is_not_negative",
            ),
            models.UniqueConstraint(
                fields=["grant"],
                condition=Q(returned_at__isnull=True, grant__isnull=False),
                name="a_grant_is_used_once",
            ),
        ]
        indexes = [models.Index(fields=["campaign", "incentive"], name="applied_by_campaign")]

    def __str__(self) -> str:
        return f"{self.incentive_id} on {self.redemption_id}"


class Return(PublicIdModel):
    """Goods given back. In this version a return takes everything of a redemption back."""

    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="returns", verbose_name=_("redemption"))
    amount = models.BigIntegerField(_("paid back"))
    everything = models.BooleanField(_("everything"), default=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    actor = models.CharField(_("returned by"), max_length=100)
    returned_at = models.DateTimeField(_("returned"))

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        ordering = ["-returned_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["redemption"],
                condition=Q(everything=True),
                name="everything_is_returned_once",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="paid_back_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"return of {self.redemption_id}"

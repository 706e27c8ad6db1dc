"""What a customer bought, append-only. Amounts are whole minor units, instants UTC."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._channels import Channel, Store
from ._customers import Customer


class Purchase(PublicIdModel):
    """A paid order, from whatever channel; the same order of a source never counts twice."""

    customer = models.ForeignKey(
        Customer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="purchases",
        verbose_name=_("customer"),
    )
    source = models.CharField(_("source"), max_length=64)
    order_key = models.CharField(_("order"), max_length=100)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+", verbose_name=_("channel"))
    store = models.ForeignKey(
        Store,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("store"),
    )
    placed_at = models.DateTimeField(_("placed"))
    currency = models.CharField(_("currency"), max_length=3)
    paid = models.BigIntegerField(_("paid"), help_text=_("Minor units, after discounts."))
    discount = models.BigIntegerField(_("discount"), default=0)
    refunded = models.BigIntegerField(_("paid back"), default=0, db_default=0)

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-placed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "order_key"], name="a_source_says_an_order_once"),
            models.CheckConstraint(condition=Q(paid__gte=0), name="paid_is_not_negative"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0) & Q(refunded__lte=F("paid")), name="no_more_is_paid_back_than_was_paid"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-placed_at"], name="purchases_of_a_customer"),
            models.Index(fields=["placed_at"], name="purchases_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.order_key}"


class PurchaseLine(models.Model):
    """One line of a purchase, with the words under which it was sold."""

    purchase = models.ForeignKey(Purchase, models.CASCADE, related_name="lines", verbose_name=_("purchase"))
    position = models.PositiveIntegerField(_("position"))
    sku = models.CharField(_("SKU"), max_length=64)
    name = models.CharField(_("name"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=100, blank=True)
    brand = models.CharField(_("brand"), max_length=100, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"))
    paid = models.BigIntegerField(_("paid"))
    discount = models.BigIntegerField(_("discount"), default=0)

    class Meta:
        verbose_name = _("purchase line")
        verbose_name_plural = _("purchase lines")
        ordering = ["purchase", "position"]
        constraints = [models.UniqueConstraint(F("purchase"), F("position"), name="a_position_holds_one_line")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name or self.sku}"

"""Who: channels and stores, customers and their identities, the timeline, purchases.

Append-only: ``Event``, ``Purchase``, ``PurchaseLine``. Amounts are whole minor units, instants UTC.
"""

import pghistory
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from .rules.channels import ChannelKind
from .rules.timeline import EventType


@pghistory.track()
class Channel(models.Model):
    """A place where a customer meets the company, and what can be done there."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(
        _("kind"),
        max_length=16,
        choices=[(k.value, k.value.replace("_", " ")) for k in ChannelKind],
    )
    can_grant = models.BooleanField(
        _("gives incentives"),
        default=True,
        help_text=_("Incentives can be put into a wallet here."),
    )
    can_redeem = models.BooleanField(
        _("redeems"),
        default=True,
        help_text=_("Incentives can be used on a purchase here."),
    )
    can_message = models.BooleanField(
        _("carries messages"),
        default=False,
        help_text=_("Customers can be written to here."),
    )
    identity_kind = models.CharField(
        _("knows a customer by"),
        max_length=64,
        blank=True,
        help_text=_("The kind of identity this channel sees first."),
    )
    text_limit = models.PositiveIntegerField(
        _("longest text"),
        null=True,
        blank=True,
        help_text=_("In characters; empty: none."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Store(models.Model):
    """A counter with an address of its own inside a store channel."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="stores", verbose_name=_("channel"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Customer(PublicIdModel):
    """One person or household, whatever channels it comes from.

    ``traits`` are what was said about it (age band, language); ``facts`` are what the timeline shows (orders, spend).
    """

    display_name = models.CharField(_("name"), max_length=200, blank=True)
    traits = models.JSONField(_("traits"), default=dict, blank=True)
    facts = models.JSONField(_("facts"), default=dict, blank=True)
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


class Event(PublicIdModel):
    """One thing that happened to a customer: the timeline, append-only.

    ``(source, message_id)`` is unique, so that writing the same happening twice is harmless.
    """

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

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-occurred_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="a_source_says_a_message_once")]
        indexes = [
            models.Index(
                fields=["customer", "-occurred_at", "-id"],
                name="timeline_of_a_customer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.occurred_at:%Y-%m-%d %H:%M}"


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

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-placed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "order_key"], name="a_source_says_an_order_once"),
            models.CheckConstraint(condition=Q(paid__gte=0), name="paid_is_not_negative"),
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

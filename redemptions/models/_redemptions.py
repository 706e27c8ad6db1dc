"""Redemptions with the decision that justified them, and returns. Append-only but for what a return marks."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel


class Redemption(PublicIdModel):
    """One order on which incentives were used, for good. Keeps the basket and the decision: any price can be explained.

    Secret codes are masked in both: which grant, code of a batch or gift card it was say ``applied`` and ``tenders``.
    """

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
    stored_value = models.BigIntegerField(_("paid with stored value"), default=0, db_default=0)
    payable = models.BigIntegerField(_("paid"), null=True)
    surroundings = models.JSONField(
        _("surroundings"), default=dict, db_default={}, help_text=_("What conditions could ask about beside the basket.")
    )
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
                condition=Q(initial__isnull=True) | Q(initial=F("discount") + F("stored_value") + F("payable")),
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
    code = models.ForeignKey(
        "campaigns.Code",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("code of a batch"),
    )
    amount = models.BigIntegerField(_("discount"), null=True)
    consumed = models.JSONField(_("used of limits"), default=list, help_text=_("[limit, subject, amount], to give back exactly."))
    terms = models.JSONField(
        _("terms"),
        default=dict,
        db_default={},
        help_text=_("What was promised at that instant, so that it can be computed again."),
    )
    broken_at = models.DateTimeField(
        _("conditions broken"), null=True, blank=True, help_text=_("A return left goods that no longer meet its conditions.")
    )
    clawed_back = models.BigIntegerField(_("clawed back"), default=0, db_default=0)
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)
    restored_at = models.DateTimeField(_("uses given back"), null=True, blank=True)

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
        indexes = [
            models.Index(fields=["campaign", "incentive"], name="applied_by_campaign"),
            models.Index(fields=["code"], condition=Q(code__isnull=False), name="applied_by_code"),
        ]

    def __str__(self) -> str:
        return f"{self.incentive_id} on {self.redemption_id}"


class RedemptionLine(models.Model):
    """One line of the order as it was paid, and how many of its units came back. Amounts are of the whole line."""

    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="lines", verbose_name=_("redemption"))
    position = models.PositiveSmallIntegerField(_("position"))
    line = models.CharField(_("line"), max_length=200)
    sku = models.CharField(_("SKU"), max_length=200)
    name = models.CharField(_("name"), max_length=200, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"))
    unit_price = models.BigIntegerField(_("unit price"))
    discount = models.BigIntegerField(_("discount"))
    stored_value = models.BigIntegerField(_("paid with stored value"), default=0)
    payable = models.BigIntegerField(_("paid"))
    returned = models.PositiveIntegerField(_("returned"), default=0)

    class Meta:
        verbose_name = _("line of a redemption")
        verbose_name_plural = _("lines of redemptions")
        ordering = ["redemption", "position"]
        constraints = [
            models.UniqueConstraint(fields=["redemption", "line"], name="a_line_stands_in_a_redemption_once"),
            models.CheckConstraint(condition=Q(returned__lte=F("quantity")), name="no_more_returns_than_were_bought"),
            models.CheckConstraint(
                condition=Q(discount=F("quantity") * F("unit_price") - F("stored_value") - F("payable")),
                name="a_line_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}"


class Tender(models.Model):
    """Stored value that paid a part of a redemption: points, credit or a gift card."""

    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="tenders", verbose_name=_("redemption"))
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=16)
    posting = models.OneToOneField("redemptions.Posting", models.PROTECT, related_name="tender", verbose_name=_("posting"))
    amount = models.BigIntegerField(_("paid"))
    units = models.BigIntegerField(_("taken"), help_text=_("Points, or minor units."))
    shares = models.JSONField(_("of which line"), default=dict, help_text=_("Minor units by line, and by shipping method."))
    returned = models.BigIntegerField(_("given back"), default=0)
    units_returned = models.BigIntegerField(_("put back"), default=0)

    class Meta:
        verbose_name = _("tender")
        verbose_name_plural = _("tenders")
        ordering = ["redemption", "position"]
        constraints = [
            models.UniqueConstraint(fields=["redemption", "position"], name="a_tender_has_one_place"),
            models.CheckConstraint(
                condition=Q(returned__lte=F("amount")) & Q(units_returned__lte=F("units")),
                name="no_more_comes_back_than_was_paid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.amount}"


class Access(models.Model):
    """What an award opened for a customer: content, an event, a product."""

    customer = models.ForeignKey("customers.Customer", models.PROTECT, related_name="+", verbose_name=_("customer"))
    key = models.CharField(_("key"), max_length=200)
    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="accesses", verbose_name=_("redemption"))
    incentive = models.ForeignKey("campaigns.Incentive", models.PROTECT, related_name="+", verbose_name=_("incentive"))
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("access")
        verbose_name_plural = _("accesses")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["redemption", "incentive", "key"], name="a_redemption_opens_a_door_once"),
        ]
        indexes = [models.Index(fields=["customer", "key"], name="accesses_of_a_customer")]

    def __str__(self) -> str:
        return self.key


class Return(PublicIdModel):
    """Goods given back: some units, or everything. Σ of all returns and what is kept is what was paid, to the cent."""

    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="returns", verbose_name=_("redemption"))
    amount = models.BigIntegerField(_("paid back"), help_text=_("Money, without stored value."))
    stored_value = models.BigIntegerField(_("stored value given back"), default=0, db_default=0)
    everything = models.BooleanField(_("everything"), default=True)
    effects = models.JSONField(
        _("what else it changed"),
        default=dict,
        db_default={},
        help_text=_("Stored value and points by posting, incentives whose conditions broke, what was clawed back."),
    )
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


class ReturnLine(models.Model):
    """Units of one line that came back, and their share of what the line cost."""

    goods_return = models.ForeignKey(Return, models.PROTECT, related_name="lines", verbose_name=_("return"))
    line = models.ForeignKey(RedemptionLine, models.PROTECT, related_name="returns", verbose_name=_("line"))
    quantity = models.PositiveIntegerField(_("quantity"))
    discount = models.BigIntegerField(_("discount"))
    stored_value = models.BigIntegerField(_("stored value"))
    payable = models.BigIntegerField(_("paid"))

    class Meta:
        verbose_name = _("line of a return")
        verbose_name_plural = _("lines of returns")
        ordering = ["goods_return", "id"]
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=1), name="a_return_line_has_units")]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.line_id}"


class ReservationState(models.TextChoices):
    ACTIVE = "active", _("Active")
    REDEEMED = "redeemed", _("Redeemed")
    RELEASED = "released", _("Released")
    REPLACED = "replaced", _("Replaced by another")
    EXPIRED = "expired", _("Expired")


class Reservation(PublicIdModel):
    """Holds uses, grants and stored value for an order until an end; nobody else sees what is held as free."""

    source = models.CharField(_("source"), max_length=64)
    order_key = models.CharField(_("order"), max_length=100)
    customer = models.ForeignKey(
        "customers.Customer", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    # Where it was made. Both are empty in rows that are older than these fields.
    channel = models.ForeignKey(
        "customers.Channel", models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("channel")
    )
    store = models.ForeignKey(
        "customers.Store", models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("store")
    )
    state = models.CharField(_("state"), max_length=16, choices=ReservationState.choices, default=ReservationState.ACTIVE)
    decision = models.JSONField(_("decision"))
    demands = models.JSONField(_("held of limits"), default=list, help_text=_("[limit, subject, amount]."))
    grants = models.JSONField(_("held grants"), default=list)
    codes = models.JSONField(_("held codes"), default=list)
    purses = models.JSONField(
        _("held stored value"), default=dict, help_text=_("Tender to the posting that holds it, and units.")
    )
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    actor = models.CharField(_("reserved by"), max_length=100)

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "order_key"], condition=Q(state="active"), name="an_order_has_one_active_reservation"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="a_reservation_ends_after_it_begins"),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="active"), name="reservations_by_end")]

    def __str__(self) -> str:
        return f"{self.source} {self.order_key} ({self.state})"

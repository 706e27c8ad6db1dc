"""Value that somebody holds, in double entry: accounts, postings, entries, lots (``docs/ledger.md``).

Postings and entries are append only and sum to zero for each unit; balances follow the entries. Triggers of the migration see to
all of that, so that it holds for whatever program writes.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel


class AccountKind(models.TextChoices):
    POINTS = "points", _("Points")
    POINTS_PENDING = "points_pending", _("Points, not yet usable")
    CREDIT = "credit", _("Credit")
    GIFT_CARD = "gift_card", _("Gift card")
    ENTRIES = "entries", _("Contest entries")
    COST = "cost", _("Cost of a campaign")
    OUTSIDE = "outside", _("Outside world")


# Whose balance is kept beside the entries; the others are parties to every movement and would be one row that all wait for.
HELD = [AccountKind.POINTS, AccountKind.POINTS_PENDING, AccountKind.CREDIT, AccountKind.GIFT_CARD, AccountKind.ENTRIES]


class GiftCard(PublicIdModel):
    """A card with a balance of its own; whoever knows its code may pay with it. The code is kept as codes are."""

    digest = models.BinaryField(max_length=32, unique=True)
    sealed = models.BinaryField(max_length=400)
    currency = models.CharField(_("currency"), max_length=3)
    last_usable_on = models.DateField(_("last usable day"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    issued_at = models.DateTimeField(_("issued"))

    class Meta:
        verbose_name = _("gift card")
        verbose_name_plural = _("gift cards")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"gift card {self.pk}"


class Account(models.Model):
    """Holds one unit: ``points``, an ISO 4217 currency (minor units), or ``entries``."""

    kind = models.CharField(_("kind"), max_length=16, choices=AccountKind.choices)
    unit = models.CharField(_("unit"), max_length=8)
    customer = models.ForeignKey(
        "customers.Customer", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("campaign")
    )
    gift_card = models.OneToOneField(
        GiftCard, models.PROTECT, null=True, blank=True, related_name="account", verbose_name=_("gift card")
    )
    contest = models.CharField(_("contest"), max_length=200, blank=True)
    balance = models.BigIntegerField(_("balance"), default=0)
    may_be_negative = models.BooleanField(_("may be negative"), default=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "unit", "customer", "campaign", "gift_card", "contest"],
                nulls_distinct=False,
                name="a_holder_has_one_account_of_a_kind",
            ),
            models.CheckConstraint(condition=Q(may_be_negative=True) | Q(balance__gte=0), name="a_balance_is_not_overdrawn"),
        ]
        indexes = [models.Index(fields=["customer", "kind"], name="accounts_of_a_customer")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class PostingKind(models.TextChoices):
    EARN = "earn", _("Earned")
    ACTIVATE = "activate", _("Became usable")
    SPEND = "spend", _("Spent")
    REFUND = "refund", _("Given back")
    TAKE_BACK = "take_back", _("Taken back")
    EXPIRE = "expire", _("Ended")
    ADJUST = "adjust", _("Adjusted")
    ISSUE = "issue", _("Issued")


class Posting(PublicIdModel):
    """One movement of value. ``key`` makes it happen once, whatever repeats it."""

    kind = models.CharField(_("kind"), max_length=16, choices=PostingKind.choices)
    key = models.CharField(_("key"), max_length=200, unique=True)
    redemption = models.ForeignKey(
        "redemptions.Redemption", models.PROTECT, null=True, blank=True, related_name="postings", verbose_name=_("redemption")
    )
    undoes = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="undone_by", verbose_name=_("undoes, in whole or part")
    )
    actor = models.CharField(_("by"), max_length=100)
    reason = models.CharField(_("why"), max_length=200, blank=True)
    posted_at = models.DateTimeField(_("posted"))

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        ordering = ["-id"]
        indexes = [models.Index(fields=["redemption"], name="postings_of_a_redemption")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"


class Entry(models.Model):
    """``amount`` of the account's unit added to it."""

    posting = models.ForeignKey(Posting, models.PROTECT, related_name="entries", verbose_name=_("posting"))
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", verbose_name=_("account"))
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="an_entry_moves_something")]
        indexes = [models.Index(fields=["account", "-id"], name="entries_of_an_account")]

    def __str__(self) -> str:
        return f"{self.amount} to {self.account_id}"


class Lot(models.Model):
    """What was earned at one time, and what of it is left. ``usable_at`` in the future: it is still pending."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="lots", verbose_name=_("account"))
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="lots", verbose_name=_("earned by"))
    amount = models.BigIntegerField(_("amount"))
    remaining = models.BigIntegerField(_("remaining"))
    usable_at = models.DateTimeField(_("usable from"))
    is_pending = models.BooleanField(_("pending"), default=False)
    last_usable_on = models.DateField(_("last usable day"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering = [F("last_usable_on").asc(nulls_last=True), "usable_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(remaining__lte=F("amount")), name="a_lot_has_between_nothing_and_all_left"
            )
        ]
        indexes = [
            models.Index(fields=["account", "last_usable_on"], condition=Q(remaining__gt=0), name="lots_with_something_left"),
            models.Index(fields=["usable_at"], condition=Q(is_pending=True), name="lots_that_wait"),
            models.Index(fields=["last_usable_on"], condition=Q(remaining__gt=0), name="lots_by_their_end"),
        ]

    def __str__(self) -> str:
        return f"{self.remaining} of {self.amount}"


class LotUse(models.Model):
    """How much a posting took from a lot (or put back, negative), so that a return goes to where it came from."""

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="uses", verbose_name=_("lot"))
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="lot_uses", verbose_name=_("posting"))
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("use of a lot")
        verbose_name_plural = _("uses of lots")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.amount} of {self.lot_id}"


class CheckRun(models.Model):
    """One run of the ledger's proof, and what it found."""

    ran_at = models.DateTimeField(_("ran"))
    seconds = models.FloatField(_("seconds"))
    faults = models.JSONField(_("faults"), default=list)

    class Meta:
        verbose_name = _("check of the ledger")
        verbose_name_plural = _("checks of the ledger")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.ran_at:%F %T}: {len(self.faults)}"

"""What was promised: campaigns, incentives, stack groups, limits, codes, grants.

Amounts are whole minor units, instants UTC. What an incentive does is data in the language of ``campaigns.rules.language``.
"""

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.kept_files import KeptPiece
from incentives_site.shared.models import PublicIdModel

from .rules.candidates import OnShort
from .rules.expiry import RoundUp
from .rules.groups import Base, Eligibility, Pick, PickScope
from .rules.loyalty import OnBrokenReturn, TakeBack
from .rules.tiers import StepDown, TiersBy


class Goal(models.TextChoices):
    ACQUISITION = "acquisition", _("Win new customers")
    ACTIVATION = "activation", _("Bring newcomers to a first purchase")
    SALES = "sales", _("Sell more")
    ENGAGEMENT = "engagement", _("Be noticed and talked to")
    REFERRAL = "referral", _("Be recommended")
    RETENTION = "retention", _("Keep customers")
    WIN_BACK = "win_back", _("Win back lost customers")


class Status(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SCHEDULED = "scheduled", _("Scheduled")
    LIVE = "live", _("Live")
    PAUSED = "paused", _("Paused")
    ENDED = "ended", _("Ended")


@pghistory.track()
class Campaign(PublicIdModel):
    """A promise with a goal, a period and an audience."""

    name = models.CharField(_("name"), max_length=200)
    promise = models.TextField(
        _("promise"),
        max_length=2000,
        blank=True,
        help_text=_("What customers are told, in a sentence or two."),
    )
    goal = models.CharField(_("goal"), max_length=16, choices=Goal.choices)
    status = models.CharField(
        _("status"),
        max_length=16,
        choices=Status.choices,
        default=Status.DRAFT,
        editable=False,
    )
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    channels = models.ManyToManyField("customers.Channel", related_name="+", blank=True, verbose_name=_("channels"))
    audience = models.JSONField(
        _("audience"),
        null=True,
        blank=True,
        help_text=_("A condition over what is known of a customer; empty: everybody."),
    )
    restores_on_return = models.BooleanField(
        _("give back on return"),
        default=True,
        help_text=_("A full return gives the use back to limits and wallet."),
    )
    on_broken_return = models.CharField(
        _("when a return breaks its conditions"),
        max_length=16,
        choices=[(p.value, p.value) for p in OnBrokenReturn],
        default=OnBrokenReturn.KEEP.value,
        db_default=OnBrokenReturn.KEEP.value,
        help_text=_("What is kept no longer meets the conditions: keep its discount, or claw it back from what is paid back."),
    )
    grants_are_recorded = models.BooleanField(
        _("grants are recorded"),
        default=True,
        help_text=_("Off when the source does not say who held which incentive."),
    )
    launched_at = models.DateTimeField(_("launched"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    source = models.CharField(_("source"), max_length=64, blank=True, editable=False)
    source_key = models.CharField(_("key in the source"), max_length=100, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="a_campaign_ends_after_it_starts",
            ),
            models.UniqueConstraint(
                fields=["source", "source_key"],
                condition=~Q(source=""),
                name="a_source_names_a_campaign_once",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "ends_at"], name="campaigns_by_status"),
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"),
                name="campaign_name_trigrams",
            ),
        ]

    def __str__(self) -> str:
        return self.name


# The words of the stacking rule as a marketer says them.
ELIGIBILITIES = [
    (Eligibility.COMMON.value, _("Combines with others")),
    (Eligibility.EXCLUSIVE.value, _("Applies alone: those that combine are left out")),
    (Eligibility.ALWAYS.value, _("Always applies, whatever else does")),
]
PICKS = [
    (Pick.ALL.value, _("All that apply")),
    (Pick.FIRST.value, _("Only the first that applies")),
    (Pick.BEST_FOR_CUSTOMER.value, _("Only the largest discount")),
    (Pick.LEAST_COST.value, _("Only the smallest discount")),
]
PICK_SCOPES = [
    (PickScope.BASKET.value, _("Once for the whole basket")),
    (PickScope.LINE.value, _("For each line by itself")),
]
BASES = [
    (Base.RUNNING.value, _("What is left after earlier discounts")),
    (Base.ORIGINAL.value, _("The price before any discount")),
]
WHEN_SHORT = [
    (OnShort.REFUSE.value, _("It gives nothing")),
    (OnShort.CLIP.value, _("It gives what is left")),
]


@pghistory.track()
class StackGroup(models.Model):
    """How the incentives in it go together with others (``docs/stacking.md``)."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    eligibility = models.CharField(
        _("goes together"),
        max_length=16,
        help_text=_("What happens when incentives of other groups apply to the same order."),
        choices=ELIGIBILITIES,
        default=Eligibility.COMMON.value,
    )
    rank = models.IntegerField(_("rank"), default=100, help_text=_("Lower ranks are applied first."))
    limit = models.PositiveIntegerField(
        _("limit"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("At most so many of the group on one order; empty: no limit."),
    )
    pick = models.CharField(
        _("taken of the group"),
        max_length=32,
        help_text=_("Which incentives of this group are taken when several could apply."),
        choices=PICKS,
        default=Pick.ALL.value,
    )
    scope = models.CharField(
        _("picked for"),
        max_length=16,
        choices=PICK_SCOPES,
        default=PickScope.BASKET.value,
        help_text=_("Means something only where one of the group is picked."),
    )
    base = models.CharField(
        _("percentages are taken of"),
        max_length=16,
        choices=BASES,
        blank=True,
        help_text=_("Empty: what the policy of the calculation says, usually what is left."),
    )
    consume_without_effect = models.BooleanField(
        _("uses count without effect"),
        default=False,
        help_text=_("An incentive of the group that takes nothing off still counts as used."),
    )

    class Meta:
        verbose_name = _("stack group")
        verbose_name_plural = _("stack groups")
        ordering = ["rank", "key"]

    def __str__(self) -> str:
        return self.name


class Claim(models.TextChoices):
    """What a customer must show."""

    AUTOMATIC = "automatic", _("Nothing: it applies by itself")
    CODE = "code", _("A code that everybody knows")
    GRANT = "grant", _("A grant in the wallet")


@pghistory.track()
class Incentive(PublicIdModel):
    """What is promised: an effect on a basket, under conditions."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="incentives", verbose_name=_("campaign"))
    key = models.SlugField(_("key"), max_length=64)
    name = models.CharField(_("name"), max_length=200)
    claim = models.CharField(_("claimed by"), max_length=16, choices=Claim.choices, default=Claim.AUTOMATIC)
    effect = models.JSONField(_("effect"), default=dict, blank=True, help_text=_("Empty: it only gives awards."))
    conditions = models.JSONField(_("conditions"), null=True, blank=True)
    awards = models.JSONField(
        _("awards"),
        default=list,
        blank=True,
        help_text=_("What it gives beside the price: points, credit, contest entries, access, another incentive."),
    )
    sentences = models.JSONField(
        _("own sentences"),
        default=dict,
        blank=True,
        help_text=_("What customers are told when it is refused: by reason, then by language."),
    )
    stack_group = models.ForeignKey(StackGroup, models.PROTECT, related_name="+", verbose_name=_("stack group"))
    priority = models.IntegerField(
        _("priority"),
        default=0,
        help_text=_("Higher priorities are applied first within a rank."),
    )
    valid_days = models.PositiveIntegerField(
        _("days valid after the grant"),
        null=True,
        blank=True,
        help_text=_("Empty: to the end of the campaign."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("incentive")
        verbose_name_plural = _("incentives")
        ordering = ["campaign", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "key"],
                name="a_key_names_one_incentive_of_a_campaign",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Measure(models.TextChoices):
    USES = "uses", _("uses")
    DISCOUNT = "discount", _("discount given")
    UNITS = "units", _("units lowered")
    ORDER_VALUE = "order_value", _("value of orders")
    POINTS = "points", _("points awarded")


class Per(models.TextChoices):
    TOTAL = "total", _("in total")
    CUSTOMER = "customer", _("per customer")
    CUSTOMER_DAY = "customer_day", _("per customer and day")
    CUSTOMER_WEEK = "customer_week", _("per customer and week")
    CUSTOMER_MONTH = "customer_month", _("per customer and month")
    STORE = "store", _("per store")


@pghistory.track()
class Limit(models.Model):
    """How much of something there is: uses of an incentive, a campaign's budget. What is left is in its counters."""

    campaign = models.ForeignKey(
        Campaign,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="limits",
        verbose_name=_("campaign"),
    )
    incentive = models.ForeignKey(
        Incentive,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="limits",
        verbose_name=_("incentive"),
    )
    measure = models.CharField(_("of"), max_length=16, choices=Measure.choices)
    per = models.CharField(_("counted"), max_length=16, choices=Per.choices, default=Per.TOTAL)
    maximum = models.BigIntegerField(_("maximum"), help_text=_("Uses, units, points, or minor units of the campaign's currency."))
    on_short = models.CharField(
        _("when less is left than wanted"),
        max_length=8,
        choices=WHEN_SHORT,
        default=OnShort.REFUSE.value,
        help_text=_("Refuse, or clip: give what is left."),
    )

    slots = models.PositiveSmallIntegerField(
        _("slots"),
        default=1,
        db_default=1,
        editable=False,
        help_text=_("In how many rows it is counted, so that a flash sale does not queue for one. Never changed once it counts."),
    )

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            models.CheckConstraint(
                condition=Q(campaign__isnull=False, incentive__isnull=True) | Q(campaign__isnull=True, incentive__isnull=False),
                name="a_limit_guards_a_campaign_or_an_incentive",
            ),
            models.CheckConstraint(condition=Q(maximum__gte=0), name="a_limit_is_not_negative"),
            models.UniqueConstraint(
                fields=["campaign", "incentive", "measure", "per"],
                nulls_distinct=False,
                name="a_limit_is_said_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.maximum} {self.get_measure_display()} {self.get_per_display()}"


class LimitCounter(models.Model):
    """What is used of a limit by one subject (a customer, or empty for all). Changed only by conditional updates."""

    limit = models.ForeignKey(Limit, models.CASCADE, related_name="counters", verbose_name=_("limit"))
    subject = models.CharField(_("subject"), max_length=64, blank=True)
    used = models.BigIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("limit counter")
        verbose_name_plural = _("limit counters")
        constraints = [
            models.UniqueConstraint(fields=["limit", "subject"], name="a_subject_has_one_counter"),
            models.CheckConstraint(condition=Q(used__gte=0), name="used_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.limit_id}/{self.subject}: {self.used}"


class CatalogueVersion(models.Model):
    """One row whose number is new after every change to what is promised; triggers write it (``campaigns.queries.catalogue``)."""

    number = models.BigIntegerField(_("number"))

    class Meta:
        verbose_name = _("catalogue version")
        verbose_name_plural = _("catalogue versions")

    def __str__(self) -> str:
        return str(self.number)


class GrantState(models.TextChoices):
    HELD = "held", _("Held")
    RESERVED = "reserved", _("Reserved")
    USED = "used", _("Used")
    EXPIRED = "expired", _("Expired")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Grant(PublicIdModel):
    """An incentive in one customer's wallet: given in one channel, usable in every channel of its campaign."""

    customer = models.ForeignKey(
        "customers.Customer",
        models.PROTECT,
        related_name="+",
        verbose_name=_("customer"),
    )
    incentive = models.ForeignKey(Incentive, models.PROTECT, related_name="grants", verbose_name=_("incentive"))
    channel = models.ForeignKey(
        "customers.Channel",
        models.PROTECT,
        related_name="+",
        verbose_name=_("given in"),
    )
    occasion = models.CharField(_("occasion"), max_length=100)
    reason = models.CharField(_("why"), max_length=32, default="campaign")
    state = models.CharField(_("state"), max_length=16, choices=GrantState.choices, default=GrantState.HELD)
    starts_at = models.DateTimeField(_("valid from"))
    ends_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    granted_at = models.DateTimeField(_("granted"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        ordering = ["-granted_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "incentive", "occasion"],
                name="an_occasion_grants_an_incentive_once",
            )
        ]
        indexes = [
            models.Index(fields=["customer", "state"], name="wallet_of_a_customer"),
            models.Index(fields=["ends_at"], condition=Q(state="held"), name="held_grants_by_end"),
            models.Index(
                fields=["customer", "incentive", "ends_at", "id"], condition=Q(state="held"), name="held_grants_of_a_customer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incentive_id} for {self.customer_id} ({self.state})"


class BatchState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Being made")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


@pghistory.track(exclude=["made"])
class CodeBatch(PublicIdModel):
    """Codes of one incentive that were made or imported together. They open nothing before the batch is done."""

    incentive = models.ForeignKey(Incentive, models.CASCADE, related_name="batches", verbose_name=_("incentive"))
    name = models.CharField(_("name"), max_length=100)
    is_imported = models.BooleanField(_("imported"), default=False)
    count = models.PositiveIntegerField(_("codes"))
    made = models.PositiveIntegerField(_("made so far"), default=0)
    pattern = models.CharField(_("pattern"), max_length=80, blank=True)
    alphabet = models.CharField(_("alphabet"), max_length=36, blank=True)
    has_check = models.BooleanField(_("with a check character"), default=False)
    uses_per_code = models.PositiveIntegerField(_("uses per code"), default=1)
    expires_at = models.DateTimeField(_("codes expire"), null=True, blank=True)
    forgets_texts = models.BooleanField(
        _("texts are forgotten after the export"),
        default=False,
        help_text=_("A day after the first export only the keyed hashes are left."),
    )
    state = models.CharField(_("state"), max_length=16, choices=BatchState.choices, default=BatchState.WAITING)
    failure = models.CharField(_("why it failed"), max_length=200, blank=True)
    report = models.JSONField(_("refused lines"), null=True, blank=True)
    created_by = models.CharField(_("asked for by"), max_length=100)
    created_at = models.DateTimeField(_("created"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    exported_at = models.DateTimeField(_("first exported"), null=True, blank=True)
    exports = models.PositiveIntegerField(_("exports"), default=0)
    forgotten_at = models.DateTimeField(_("texts forgotten"), null=True, blank=True)

    class Meta:
        verbose_name = _("code batch")
        verbose_name_plural = _("code batches")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(made__lte=F("count")), name="no_more_codes_than_wanted"),
            models.CheckConstraint(condition=Q(uses_per_code__gte=1), name="a_code_of_a_batch_has_a_use"),
        ]
        indexes = [models.Index(fields=["state"], name="code_batches_by_state")]

    def __str__(self) -> str:
        return self.name


class CodeFile(models.Model):
    """The file of an import while a worker takes its codes: deleted with its pieces when that is over.

    ``position`` counts the lines done, in the transaction that wrote their codes; ``report`` is what they have come to so far.
    """

    batch = models.OneToOneField(CodeBatch, models.CASCADE, related_name="file", verbose_name=_("batch"))
    size = models.PositiveBigIntegerField(_("bytes"))
    lines = models.PositiveIntegerField(_("lines"), null=True, blank=True, help_text=_("Known when it was looked through."))
    position = models.PositiveIntegerField(_("lines done"), default=0)
    report = models.JSONField(_("report so far"), default=dict)

    class Meta:
        verbose_name = _("file of codes")
        verbose_name_plural = _("files of codes")

    def __str__(self) -> str:
        return f"file of batch {self.batch_id}"


class CodeFilePiece(KeptPiece):
    file = models.ForeignKey(CodeFile, models.CASCADE, related_name="pieces", verbose_name=_("file"))

    class Meta:
        verbose_name = _("piece of a file of codes")
        verbose_name_plural = _("pieces of files of codes")
        ordering = ["file", "number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="a_piece_of_a_file_of_codes_is_kept_once")]

    def __str__(self) -> str:
        return f"{self.file_id} {self.number}"


class Code(models.Model):
    """A string that proves a grant or opens an incentive. Looked up by keyed hash; the text is kept sealed.

    Those of a batch are used ``uses_per_code`` times; ``sealed`` is empty when their texts were forgotten.
    """

    incentive = models.ForeignKey(Incentive, models.CASCADE, related_name="codes", verbose_name=_("incentive"))
    grant = models.OneToOneField(
        Grant,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="code",
        verbose_name=_("grant"),
    )
    batch = models.ForeignKey(
        CodeBatch, models.CASCADE, null=True, blank=True, related_name="codes", db_index=False, verbose_name=_("batch")
    )
    digest = models.BinaryField(max_length=32, unique=True)
    sealed = models.BinaryField(max_length=400)
    used = models.PositiveIntegerField(_("used"), default=0, db_default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        # In the order of an export. Codes of grants are in no batch.
        indexes = [models.Index(fields=["batch", "id"], condition=Q(batch__isnull=False), name="codes_of_a_batch")]

    def __str__(self) -> str:
        return f"code {self.pk}"


class TargetedCustomer(models.Model):
    """A customer whom a campaign was addressed to: in its audience at launch, or granted one of its incentives later."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="targeted", verbose_name=_("campaign"))
    customer = models.ForeignKey(
        "customers.Customer",
        models.CASCADE,
        related_name="+",
        verbose_name=_("customer"),
    )
    targeted_at = models.DateTimeField(_("targeted"))

    class Meta:
        verbose_name = _("targeted customer")
        verbose_name_plural = _("targeted customers")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "customer"],
                name="a_campaign_targets_a_customer_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.customer_id}"


@pghistory.track()
class LoyaltyProgramme(models.Model):
    """What a point is worth, when it can be used and when it ends. One programme is active at a time."""

    name = models.CharField(_("name"), max_length=200)
    point_values = models.JSONField(
        _("value of a point"),
        default=dict,
        help_text=_("Minor units of each currency in which points may pay, as decimal texts, such as {“USD”: “0.5”}."),
    )
    pending_days = models.PositiveIntegerField(
        _("days pending"), default=14, help_text=_("Earned points can be spent after so many days: the return window.")
    )
    valid_months = models.PositiveIntegerField(_("months valid"), null=True, blank=True, help_text=_("Empty: points do not end."))
    round_up_to_end_of = models.CharField(
        _("rounded up to the end of"), max_length=16, choices=[(p.value, p.value) for p in RoundUp], blank=True
    )
    take_back = models.CharField(
        _("points of returned goods"),
        max_length=16,
        choices=[(p.value, p.value) for p in TakeBack],
        default=TakeBack.UP_TO_BALANCE.value,
    )
    reminder_days = models.PositiveIntegerField(_("days of reminder before points end"), default=14)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    is_active = models.BooleanField(_("active"), default=True)
    tiers_by = models.CharField(
        _("tiers by"),
        max_length=8,
        choices=[(TiersBy.POINTS.value, _("Points earned")), (TiersBy.SPEND.value, _("Money spent"))],
        blank=True,
        default="",
        db_default="",
        help_text=_("What is counted; empty: there are no tiers."),
    )
    tier_currency = models.CharField(
        _("currency of tiers"), max_length=3, default="USD", db_default="USD", help_text=_("Which money spent is counted.")
    )
    tier_months = models.PositiveSmallIntegerField(
        _("months that count"), default=12, db_default=12, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=30,
        db_default=30,
        validators=[MaxValueValidator(730)],
        help_text=_("For so many days a tier is kept after it is no longer reached."),
    )
    step_down = models.CharField(
        _("after the grace"),
        max_length=8,
        choices=[(StepDown.ONE.value, _("Down by one tier at a time")), (StepDown.STRAIGHT.value, _("Down to what is reached"))],
        default=StepDown.ONE.value,
        db_default=StepDown.ONE.value,
    )

    class Meta:
        verbose_name = _("loyalty programme")
        verbose_name_plural = _("loyalty programmes")
        constraints = [
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="one_programme_is_active"),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Tier(models.Model):
    """A standing that customers reach by what the programme counts (``docs/ledger.md``, Tiers)."""

    programme = models.ForeignKey(LoyaltyProgramme, models.CASCADE, related_name="tiers", verbose_name=_("loyalty programme"))
    key = models.SlugField(_("key"), max_length=64)
    name = models.CharField(_("name"), max_length=100)
    threshold = models.BigIntegerField(
        _("reached from"), validators=[MinValueValidator(1)], help_text=_("Points, or minor units of the currency of tiers.")
    )
    multiplier = models.DecimalField(
        _("multiplier"),
        max_digits=6,
        decimal_places=3,
        default=1,
        help_text=_("Of points whose award is multiplied by customer.tier_multiplier."),
    )
    reward = models.ForeignKey(
        Incentive,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"claim": Claim.GRANT},
        verbose_name=_("reward"),
        help_text=_("Put into the wallet of whoever reaches the tier, each time."),
    )

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["programme", "threshold"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "key"], name="a_key_names_one_tier_of_a_programme"),
            models.UniqueConstraint(fields=["programme", "threshold"], name="a_threshold_reaches_one_tier"),
            models.CheckConstraint(condition=Q(threshold__gte=1), name="a_tier_has_to_be_reached"),
            models.CheckConstraint(condition=Q(multiplier__gte=0), name="a_multiplier_is_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

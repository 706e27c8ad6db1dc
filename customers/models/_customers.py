"""Who: a customer, and the names it has in every channel."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now, Upper
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel


class Customer(PublicIdModel):
    """One person or household, whatever channels it comes from.

    ``traits`` are what was said about it (age band, language), ``traits_at`` when each was said (RFC 3339); ``facts`` are what
    the timeline shows (orders, spend). ``claims`` are what sources with a public key said, which may be anyone's words: no
    condition uses them. A customer who became one with another forwards to it for ever (``forwarded_to``, one step, never a
    chain) and holds nothing any more. A link to the wallet or the preferences opens while ``link_version`` is what it was when
    the link was made.
    """

    display_name = models.CharField(_("name"), max_length=200, blank=True)
    traits = models.JSONField(_("traits"), default=dict, blank=True)
    traits_at = models.JSONField(_("traits said at"), default=dict, blank=True, db_default=Value({}, models.JSONField()))
    claims = models.JSONField(
        _("unverified attributes"),
        default=dict,
        blank=True,
        db_default=Value({}, models.JSONField()),
        help_text=_("What sources with a public key said. Nothing is decided by them."),
    )
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    consent = models.JSONField(
        _("consent"), default=dict, db_default={}, blank=True, editable=False, help_text=_("What holds now; the ledger says why.")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now, db_default=Now())
    forwarded_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="forwards", verbose_name=_("became one with")
    )
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)
    merges = models.PositiveIntegerField(_("customers it took in"), default=0, db_default=0)
    links_sent_at = models.DateTimeField(_("new links sent"), null=True, blank=True, editable=False)
    link_version = models.PositiveIntegerField(_("version of its links"), default=0, db_default=0, editable=False)

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
        return self.display_name or gettext("Unnamed %(id)s") % {"id": str(self.public_id)[:8]}


class Identity(models.Model):
    """One name a customer has in some channel: a card, an address, a cookie. Values are normalised per kind."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="identities", verbose_name=_("customer"))
    kind = models.CharField(_("kind"), max_length=64)
    value = models.CharField(_("value"), max_length=320)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now, db_default=Now())
    source = models.CharField(_("said by"), max_length=64, blank=True, db_default="")

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        ordering = ["kind", "value"]
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="an_identity_belongs_to_one_customer")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class IdentityKind(models.Model):
    """How many of a kind a customer may have, and what it says about who somebody is (``rules.identities.IdentityRule``)."""

    key = models.CharField(
        _("kind"), max_length=64, unique=True, help_text=_("Such as email; “external” stands for every external:<source>.")
    )
    limit = models.PositiveIntegerField(_("at most, for each customer"), validators=[MinValueValidator(1)])
    window_days = models.PositiveIntegerField(
        _("within days"), null=True, blank=True, help_text=_("Only those first seen in so many days count; empty: all.")
    )
    rank = models.PositiveIntegerField(
        _("rank"), validators=[MinValueValidator(1)], help_text=_("1 says most about who somebody is.")
    )
    junk = models.JSONField(
        _("identify nobody"),
        default=list,
        blank=True,
        help_text=_("A list of further values that are refused; * stands for anything."),
    )

    class Meta:
        verbose_name = _("identity kind")
        verbose_name_plural = _("identity kinds")
        ordering = ["rank", "key"]
        constraints = [models.CheckConstraint(condition=Q(limit__gte=1) & Q(rank__gte=1), name="a_kind_has_a_limit_and_a_rank")]

    def __str__(self) -> str:
        return self.key


class Merge(PublicIdModel):
    """Two customers became one: who, why, what moved, and what they looked like, so that it can be undone.

    ``before`` holds both profiles as they were, ``moved`` what each app moved, by its name.
    """

    survivor = models.ForeignKey(Customer, models.PROTECT, related_name="taken_in", verbose_name=_("survivor"))
    merged = models.ForeignKey(Customer, models.PROTECT, related_name="given_up", verbose_name=_("became part of it"))
    merged_at = models.DateTimeField(_("merged"))
    by = models.CharField(_("by"), max_length=100)
    reason = models.CharField(_("why"), max_length=300, blank=True)
    before = models.JSONField(_("before"), default=dict)
    moved = models.JSONField(_("moved"), default=dict)
    split_at = models.DateTimeField(_("split"), null=True, blank=True)
    split_by = models.CharField(_("split by"), max_length=100, blank=True)
    split_reason = models.CharField(_("why split"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["merged"], condition=Q(split_at=None), name="a_customer_is_merged_once"),
            models.CheckConstraint(condition=~Q(survivor=F("merged")), name="a_customer_is_not_merged_with_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} → {self.survivor_id}"


class KeptApart(models.Model):
    """Two customers whom somebody took apart: no event joins them again. The smaller id comes first."""

    one = models.ForeignKey(Customer, models.CASCADE, related_name="+", verbose_name=_("one"))
    other = models.ForeignKey(Customer, models.CASCADE, related_name="+", verbose_name=_("other"))
    since = models.DateTimeField(_("since"))
    by = models.CharField(_("by"), max_length=100)

    class Meta:
        verbose_name = _("kept apart")
        verbose_name_plural = _("kept apart")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="two_are_kept_apart_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="the_smaller_of_two_comes_first"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} | {self.other_id}"

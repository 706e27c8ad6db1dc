"""Segments and who is in them (``docs/segments.md``). Instants are UTC."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._customers import Customer


class SegmentKind(models.TextChoices):
    RULE = "rule", _("by a rule")
    LIST = "list", _("a list")


class SegmentState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("being counted")
    GOOD = "good", _("up to date")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("stopped")


class Segment(PublicIdModel):
    """Customers who fit a rule, or stand on a list. Who is in it is stored: ``SegmentMember``.

    ``version`` grows with every edit of the rule; a count that began with an older one writes nothing. ``good_at``,
    ``good_version``, ``seconds``, ``rows`` and ``cost`` are of the last count that succeeded; ``reason`` says why the latest one
    did not.
    """

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=SegmentKind.choices, default=SegmentKind.RULE)
    rule = models.JSONField(_("rule"), default=dict, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    changes_with_time = models.BooleanField(_("changes as time passes"), default=False)
    state = models.CharField(_("state"), max_length=16, choices=SegmentState.choices, default=SegmentState.WAITING)
    reason = models.CharField(_("why not"), max_length=300, blank=True)
    running_since = models.DateTimeField(_("running since"), null=True, blank=True)
    good_at = models.DateTimeField(_("last counted"), null=True, blank=True)
    good_version = models.PositiveIntegerField(_("version counted"), null=True, blank=True)
    seconds = models.FloatField(_("seconds it took"), null=True, blank=True)
    rows = models.BigIntegerField(_("members counted"), null=True, blank=True)
    cost = models.FloatField(_("cost as the database estimates it"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    created_by = models.CharField(_("created by"), max_length=100)
    changed_at = models.DateTimeField(_("changed"))
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class SegmentMember(models.Model):
    """A customer is in a segment. Without a foreign key in the database to the customer: a count must not lock customers."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="members", verbose_name=_("segment"))
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="memberships", verbose_name=_("customer"), db_constraint=False, db_index=False
    )
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("segment member")
        verbose_name_plural = _("segment members")
        ordering = ["segment", "customer"]
        constraints = [models.UniqueConstraint(fields=["segment", "customer"], name="a_customer_is_in_a_segment_once")]
        indexes = [models.Index(fields=["customer", "segment"], name="segments_of_a_customer")]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"


class SegmentChange(models.Model):
    """Somebody entered or left by a count, and neither its timeline nor its facts say so yet."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="+", verbose_name=_("segment"))
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="+", verbose_name=_("customer"), db_constraint=False, db_index=False
    )
    has_entered = models.BooleanField(_("entered"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("segment change")
        verbose_name_plural = _("segment changes")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.customer_id} {'entered' if self.has_entered else 'left'} {self.segment_id}"


class Unjudged(models.Model):
    """Something changed about a customer, and neither its facts nor its segments know yet (``operations.judge_changed``).

    A row for each change: writers never wait for each other.
    """

    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="+", verbose_name=_("customer"), db_constraint=False, db_index=False
    )
    noted_at = models.DateTimeField(_("noted"))

    class Meta:
        verbose_name = _("customer to be judged")
        verbose_name_plural = _("customers to be judged")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.noted_at:%F %T}"


class SegmentTouch(models.Model):
    """Who was judged for itself while a segment is being counted: the count leaves them as they are, since that is newer."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="+", verbose_name=_("segment"), db_index=False)
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="+", verbose_name=_("customer"), db_constraint=False, db_index=False
    )

    class Meta:
        verbose_name = _("segment touch")
        verbose_name_plural = _("segment touches")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["segment", "customer"], name="a_customer_is_touched_once")]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"

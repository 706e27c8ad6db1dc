"""One-on-ones: what two people talk about, readable by the two alone. Every text is sealed (``sealing.seal_note``)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._directory import Employee


class Rhythm(models.TextChoices):
    WEEKLY = "weekly", _("Every week")
    FORTNIGHTLY = "fortnightly", _("Every two weeks")
    MONTHLY = "monthly", _("Every month")


class Side(models.TextChoices):
    MANAGER = "manager", _("Manager")
    MEMBER = "member", _("Team member")


class OneOnOne(PublicIdModel):
    """A series of two people, by the wall clock of a place. A new manager begins a series of their own and inherits nothing.

    ``sequence`` rises with each change, as calendars want it.
    """

    manager = models.ForeignKey(Employee, models.PROTECT, related_name="leads", verbose_name=_("manager"))
    member = models.ForeignKey(Employee, models.PROTECT, related_name="meets", verbose_name=_("team member"))
    rhythm = models.CharField(_("how often"), max_length=16, choices=Rhythm.choices, default=Rhythm.FORTNIGHTLY)
    first_on = models.DateField(_("first date"))
    starts_at = models.TimeField(_("time"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), default=60, validators=[MinValueValidator(10), MaxValueValidator(240)]
    )
    cancelled = models.JSONField(_("cancelled dates"), default=list, blank=True)
    held = models.JSONField(_("held on"), default=list, blank=True)
    sequence = models.PositiveIntegerField(_("sequence"), default=0)
    ended_on = models.DateField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("one-on-one")
        verbose_name_plural = _("one-on-ones")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(manager=F("member")), name="nobody_meets_themselves"),
            models.UniqueConstraint(fields=["manager", "member"], condition=Q(ended_on=None), name="two_have_one_series"),
        ]

    def __str__(self) -> str:
        return f"{self.manager_id} & {self.member_id}"


class MeetingNote(PublicIdModel):
    """One text of a series: a point of the shared agenda, an action with owner and date, or a private note of one side."""

    class Kind(models.TextChoices):
        AGENDA = "agenda", _("Agenda")
        ACTION = "action", _("Action")
        PRIVATE = "private", _("Private note")

    series = models.ForeignKey(OneOnOne, models.CASCADE, related_name="notes", verbose_name=_("one-on-one"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    side = models.CharField(_("by"), max_length=8, choices=Side.choices)
    sealed = models.BinaryField()
    owner = models.CharField(_("owner"), max_length=8, choices=Side.choices, blank=True)
    due_on = models.DateField(_("due"), null=True, blank=True)
    done_on = models.DateField(_("done"), null=True, blank=True)
    written_on = models.DateField(_("written"))

    class Meta:
        verbose_name = _("note of a one-on-one")
        verbose_name_plural = _("notes of one-on-ones")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

"""One round of a survey: who was invited, what was answered, what may be shown.

In anonymous mode nothing here joins a person and an answer (``docs/anonymity.md``): an invitation knows that it was used, not
when and for what; a ballot is sealed until the wave closes; then answers are counted out of it, and every row of the wave is
written anew in one transaction and in an order that chance made.
"""

import datetime
import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ..rules import schedules
from ._directory import Employee
from ._surveys import Mode, Survey


class WaveState(models.TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed, being counted")
    PUBLISHED = "published", _("Published")


class Reward(models.TextChoices):
    """What became of what was promised for answering."""

    NONE = "", _("None yet")
    GIVEN = "given", _("Given")
    REFUSED = "refused", _("Could not be given")


class Wave(PublicIdModel):
    """``questions`` and ``incentive`` (what everybody gets who answers) are those of the survey as they were at the opening.
    ``sealed_key`` is the public key its ballots are sealed with (``ballot_keys``), and is gone once they are counted.
    ``results`` are decided once, at the close: what stands there may be shown, and nothing else (``rules.publishing``).
    ``live`` is what was shown before that, where those who answer are told so: figures by question, and how many steps they took.
    """

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="waves", verbose_name=_("survey"))
    number = models.PositiveIntegerField(_("number"))
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("closes"))
    state = models.CharField(_("state"), max_length=16, choices=WaveState.choices, default=WaveState.OPEN)
    mode = models.CharField(_("mode"), max_length=16, choices=Mode.choices)
    k = models.PositiveSmallIntegerField(_("smallest group shown"))
    questions = models.JSONField(_("questions"), default=list)
    invited = models.PositiveIntegerField(_("invited"), default=0)
    mails_from = models.DateTimeField(_("messages from"), null=True, blank=True)
    is_live = models.BooleanField(_("score while it is open"), default=False)
    hides_uniform = models.BooleanField(_("hide what a whole group has in common"), default=True)
    hides_few_changes = models.BooleanField(_("hide what a few joiners or leavers changed"), default=True)
    live = models.JSONField(_("score so far"), default=dict, blank=True)
    incentive = models.ForeignKey(
        "campaigns.Incentive", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("incentive for answering")
    )
    told_at = models.DateTimeField(_("told"), null=True, blank=True, help_text=_("When HR was sent the results."))
    rewarded_at = models.DateTimeField(_("rewarded"), null=True, blank=True, help_text=_("The one time of all its rewards."))
    sealed_key = models.BinaryField(max_length=400, null=True, blank=True)
    results = models.JSONField(_("results"), default=dict, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)

    class Meta:
        verbose_name = _("wave")
        verbose_name_plural = _("waves")
        ordering = ["-opens_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="a_wave_has_its_number"),
            models.UniqueConstraint(fields=["survey", "opens_at"], name="a_survey_opens_once_at_a_time"),
            models.CheckConstraint(condition=Q(closes_at__gt=F("opens_at")), name="a_wave_closes_after_it_opens"),
        ]
        indexes = [models.Index(fields=["closes_at"], condition=Q(state="open"), name="open_waves_by_end")]

    def __str__(self) -> str:
        return f"{self.survey} {self.number}"

    @property
    def last_day(self) -> datetime.date:
        """There, where the survey is at home."""
        return schedules.last_day(self.closes_at, self.survey.time_zone)


class Invitation(models.Model):
    """Somebody may answer a wave once. ``groups`` is what results may be divided by, as it was at the opening: dimension → key.

    Knows that it was used; no time, no order, nothing that the answer has too. ``reward`` is written after the close only.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="invitations", verbose_name=_("wave"))
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="invitations", verbose_name=_("employee"))
    digest = models.BinaryField(max_length=32, unique=True)
    groups = models.JSONField(_("groups"), default=dict)
    is_used = models.BooleanField(_("used"), default=False)
    is_sent = models.BooleanField(_("sent"), default=False)
    reminders = models.PositiveSmallIntegerField(_("reminders sent"), default=0)
    reward = models.CharField(_("reward"), max_length=16, choices=Reward.choices, default=Reward.NONE, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["wave", "employee"], name="nobody_is_invited_twice")]

    def __str__(self) -> str:
        return f"{self.wave_id}: {self.employee_id}"


class Ballot(models.Model):
    """What somebody sent, sealed until the wave is counted: all are as long as one another, give or take a step.

    ``step`` is with which renewal of a score that is shown before the close it was counted; nothing in other waves.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="ballots", verbose_name=_("wave"))
    sealed = models.BinaryField()
    step = models.PositiveSmallIntegerField(_("step"), null=True, blank=True)

    class Meta:
        verbose_name = _("ballot")
        verbose_name_plural = _("ballots")
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.pk)


class AnswerSet(models.Model):
    """What one person answered, without anything about the person. ``invitation`` is set in confidential and named mode only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="answer_sets", verbose_name=_("wave"))
    values = models.JSONField(_("answers"), default=dict)
    invitation = models.OneToOneField(
        Invitation, models.SET_NULL, null=True, blank=True, related_name="answer_set", verbose_name=_("invitation")
    )

    class Meta:
        verbose_name = _("answer set")
        verbose_name_plural = _("answer sets")
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.pk)


class Comment(models.Model):
    """What somebody wrote, apart from what they answered. ``department`` is set only where ten people of it answered.

    ``thread_digest`` is of a key that only the author holds, to read a reply and answer it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="comments", verbose_name=_("wave"))
    question = models.CharField(_("question"), max_length=40)
    text = models.TextField(_("text"))
    department = models.CharField(_("department"), max_length=64, blank=True)
    thread_digest = models.BinaryField(max_length=32, null=True, blank=True)
    is_closed = models.BooleanField(_("closed by its author"), default=False)

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text[:40]


class Reply(models.Model):
    """One message under a comment: from HR, or from its author, whom nobody knows. Without a date."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    comment = models.ForeignKey(Comment, models.CASCADE, related_name="replies", verbose_name=_("comment"))
    is_author = models.BooleanField(_("from the author"))
    by = models.CharField(_("by"), max_length=100, blank=True)
    text = models.TextField(_("text"))
    position = models.PositiveSmallIntegerField(_("position"))

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        ordering = ["comment", "position"]
        constraints = [models.UniqueConstraint(fields=["comment", "position"], name="a_reply_has_its_place")]

    def __str__(self) -> str:
        return self.text[:40]

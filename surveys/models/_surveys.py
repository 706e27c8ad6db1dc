"""What is asked of whom, and when: surveys, their questions, the bank they may be drawn from."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ..rules.questions import Kind
from ..rules.schedules import Every
from ..rules.visibility import DEFAULT_K, LARGEST_K, SMALLEST_K

QUESTION_KINDS = [
    (Kind.ENPS.value, _("eNPS: would you recommend us")),
    (Kind.NPS.value, _("NPS: would you recommend us")),
    (Kind.AGREEMENT.value, _("Agreement, 1 to 5")),
    (Kind.RATING.value, _("Stars, 1 to 5")),
    (Kind.CSAT.value, _("Satisfaction, 1 to 5")),
    (Kind.SINGLE.value, _("One of several")),
    (Kind.MULTIPLE.value, _("Some of several")),
    (Kind.YES_NO.value, _("Yes or no")),
    (Kind.TEXT.value, _("Free text")),
]


class SurveyKind(models.TextChoices):
    ENPS = "enps", _("eNPS")
    PULSE = "pulse", _("Pulse survey")
    FEEDBACK = "feedback", _("Customer feedback")


class Mode(models.TextChoices):
    ANONYMOUS = "anonymous", _("Anonymous")
    CONFIDENTIAL = "confidential", _("Confidential")
    NAMED = "named", _("With name")


class SurveyStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Running")
    ENDED = "ended", _("Ended")


class Survey(PublicIdModel):
    """``title`` and ``introduction`` by language. ``audience`` are keys of departments (with all inside them); empty: everybody.

    ``mode`` and ``k`` are fixed by the first answer (``rules.visibility.may_become``). ``hides_uniform`` and
    ``hides_few_changes`` are protections that HR may switch off knowingly (``docs/anonymity.md``, Theorems 2 and 4).
    """

    kind = models.CharField(_("kind"), max_length=16, choices=SurveyKind.choices)
    title = models.JSONField(_("title"), default=dict)
    introduction = models.JSONField(_("introduction"), default=dict, blank=True)
    languages = models.JSONField(_("languages"), default=list)
    mode = models.CharField(_("mode"), max_length=16, choices=Mode.choices, default=Mode.ANONYMOUS)
    k = models.PositiveSmallIntegerField(
        _("smallest group shown"), default=DEFAULT_K, validators=[MinValueValidator(SMALLEST_K), MaxValueValidator(LARGEST_K)]
    )
    is_live = models.BooleanField(_("results while it is open"), default=False)
    hides_uniform = models.BooleanField(_("hide what a whole group has in common"), default=True)
    hides_few_changes = models.BooleanField(_("hide what a few joiners or leavers changed"), default=True)
    is_one_page = models.BooleanField(_("all questions on one page"), default=False)
    audience = models.JSONField(_("departments"), default=list, blank=True)
    every = models.CharField(_("how often"), max_length=16, choices=[(e.value, e.value) for e in Every], blank=True)
    anchor_on = models.DateField(_("first date"), null=True, blank=True)
    opens_at = models.TimeField(_("opens at"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    open_days = models.PositiveSmallIntegerField(
        _("open for days"), default=7, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    reminds = models.BooleanField(_("reminders"), default=True)
    rotates = models.PositiveSmallIntegerField(
        _("questions from the bank"),
        default=0,
        validators=[MaxValueValidator(10)],
        help_text=_("In each wave, beside its own."),
    )
    status = models.CharField(_("status"), max_length=16, choices=SurveyStatus.choices, default=SurveyStatus.DRAFT)
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("campaign")
    )
    incentive = models.ForeignKey(
        "campaigns.Incentive", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("incentive for answering")
    )
    created_by = models.CharField(_("made by"), max_length=100)
    created_at = models.DateTimeField(_("made"))
    looked_at = models.DateTimeField(_("schedule looked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(k__gte=SMALLEST_K) & Q(k__lte=LARGEST_K), name="a_floor_is_from_3_to_10"),
            models.CheckConstraint(
                condition=Q(every="") | Q(anchor_on__isnull=False, opens_at__isnull=False), name="a_schedule_begins_somewhere"
            ),
        ]

    @property
    def has_open_wave(self) -> bool:
        """Then what is changed applies from the next wave: an open one keeps what it was opened with."""
        return self.waves.filter(state="open").exists()

    def __str__(self) -> str:
        """In the language that is spoken, else in the first it is written in."""
        spoken = (get_language() or "en").partition("-")[0]
        found = (self.title.get(code) for code in (spoken, *self.languages, *self.title))
        return str(next((title for title in found if title), self.public_id))


class SurveyQuestion(models.Model):
    """``texts`` and words of ``options`` (``[{"key", "texts"}]``) by language; ``branch`` is ``{"key", "values"}`` or empty."""

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="questions", verbose_name=_("survey"))
    position = models.PositiveSmallIntegerField(_("position"))
    key = models.SlugField(_("key"), max_length=40)
    kind = models.CharField(_("kind"), max_length=16, choices=QUESTION_KINDS)
    texts = models.JSONField(_("texts"), default=dict)
    options = models.JSONField(_("options"), default=list, blank=True)
    scale = models.CharField(_("scale"), max_length=8, default="0-10", choices=[("0-10", "0–10"), ("1-10", "1–10")])
    is_required = models.BooleanField(_("required"), default=False)
    has_comment = models.BooleanField(_("with comment"), default=False)
    branch = models.JSONField(_("asked only after"), default=dict, blank=True)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["survey", "position"]
        constraints = [models.UniqueConstraint(fields=["survey", "key"], name="a_key_names_one_question_of_a_survey")]

    def __str__(self) -> str:
        return self.key


class BankQuestion(models.Model):
    """A question that pulse surveys draw from, so that everybody sees each once before any comes again."""

    key = models.SlugField(_("key"), max_length=40, unique=True)
    theme = models.CharField(_("theme"), max_length=64)
    kind = models.CharField(_("kind"), max_length=16, choices=QUESTION_KINDS, default=Kind.AGREEMENT.value)
    texts = models.JSONField(_("texts"), default=dict)
    options = models.JSONField(_("options"), default=list, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("question of the bank")
        verbose_name_plural = _("question bank")
        ordering = ["theme", "key"]

    def __str__(self) -> str:
        return self.key

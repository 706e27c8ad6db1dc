"""What HR means to do about results."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._surveys import Survey


class ActionState(models.TextChoices):
    OPEN = "open", _("To do")
    DOING = "doing", _("Being done")
    DONE = "done", _("Done")


class ActionPlan(PublicIdModel):
    """One thing to be done. ``question`` and ``dimension`` with ``group`` say what it is about, as far as that was shown."""

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="actions", verbose_name=_("survey"))
    title = models.CharField(_("title"), max_length=200)
    owner = models.CharField(_("owner"), max_length=200)
    due_on = models.DateField(_("due"))
    state = models.CharField(_("state"), max_length=16, choices=ActionState.choices, default=ActionState.OPEN)
    notes = models.TextField(_("notes"), blank=True)
    question = models.CharField(_("question"), max_length=40, blank=True)
    dimension = models.CharField(_("dimension"), max_length=16, blank=True)
    group = models.CharField(_("group"), max_length=120, blank=True)
    created_by = models.CharField(_("made by"), max_length=100)
    created_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        ordering = ["due_on", "id"]

    def __str__(self) -> str:
        return self.title

"""What remains of customers who were erased, and who was told what is held: receipts that name nobody."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.models import PublicIdModel

from ._customers import Customer


class Erasure(PublicIdModel):
    """A customer was erased. ``digest`` stands for its former public id, to answer whether that one was."""

    digest = models.BinaryField(max_length=32, unique=True)
    erased_at = models.DateTimeField(_("erased"))
    by = models.CharField(_("by"), max_length=100)
    counts = models.JSONField(_("what was erased"), default=dict, help_text=_("How many of each."))

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.public_id)


class DataRequestKind(models.TextChoices):
    EXPORT = "export", _("a copy of the data")
    ERASURE = "erasure", _("erasure")


class DataRequestState(models.TextChoices):
    OPEN = "open", _("open")
    DONE = "done", _("carried out")
    WITHDRAWN = "withdrawn", _("withdrawn")
    REFUSED = "refused", _("refused")


class DataRequest(PublicIdModel):
    """A customer asked, on the preference page, for what is held or to be forgotten. ``due_on`` is the last day to answer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", verbose_name=_("customer"))
    kind = models.CharField(_("what for"), max_length=8, choices=DataRequestKind.choices)
    state = models.CharField(_("state"), max_length=16, choices=DataRequestState.choices, default=DataRequestState.OPEN)
    asked_at = models.DateTimeField(_("asked"))
    due_on = models.DateField(_("answer by"))
    language = models.CharField(_("language"), max_length=10, blank=True)
    was_named = models.BooleanField(
        _("named an identifier"),
        default=False,
        help_text=_("Typed an address or number by which we know them."),
    )
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("by"), max_length=100, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("request about data")
        verbose_name_plural = _("requests about data")
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer"], name="data_requests_of_a_customer")]

    def __str__(self) -> str:
        return str(self.public_id)


class Suppression(models.Model):
    """An identifier of somebody who was erased: who comes with it again is not let in. Kept as a keyed hash."""

    digest = models.BinaryField(max_length=32, unique=True)
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{bytes(self.digest).hex()[:12]}…"


class Export(PublicIdModel):
    """Everything held of a customer was handed out. The file itself is not kept: ``sha256`` says which it was."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", verbose_name=_("customer"))
    exported_at = models.DateTimeField(_("exported"))
    by = models.CharField(_("by"), max_length=100)
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    size = models.PositiveIntegerField(_("bytes"))

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.public_id)

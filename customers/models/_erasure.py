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

"""Customers brought in from a file, and lists of customers taken out."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.kept_files import KeptPiece
from incentives_site.shared.models import PublicIdModel


class ImportState(models.TextChoices):
    READING = "reading", _("being read")
    MAPPING = "mapping", _("columns to be named")
    CHECKING = "checking", _("being checked")
    CHECKED = "checked", _("checked")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("given up")


class CustomerImport(PublicIdModel):
    """A file of customers. ``position`` counts the lines worked through, in the transaction that wrote what they say.

    ``head`` is what the file is (``rules.tables.Head``), ``meanings`` what its columns mean (``rules.importing``).
    """

    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveBigIntegerField(_("bytes"))
    state = models.CharField(_("state"), max_length=16, choices=ImportState.choices, default=ImportState.MAPPING)
    head = models.JSONField(_("head"), default=dict)
    meanings = models.JSONField(_("columns"), default=list)
    wording = models.CharField(_("what was agreed to"), max_length=100, blank=True)
    position = models.PositiveIntegerField(_("lines done"), default=0)
    lines = models.PositiveIntegerField(_("lines"), null=True, blank=True, help_text=_("Known after the check."))
    counts = models.JSONField(_("results"), default=dict, help_text=_("How many lines of each."))
    failure = models.CharField(_("failure"), max_length=64, blank=True)
    created_by = models.CharField(_("by"), max_length=100)
    created_at = models.DateTimeField(_("created"))
    changed_at = models.DateTimeField(_("changed"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("import of customers")
        verbose_name_plural = _("imports of customers")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class CustomerImportPart(KeptPiece):
    """A piece of the file, sealed, or of the report. Those of the file go when it is not needed any more."""

    customer_import = models.ForeignKey(CustomerImport, models.CASCADE, related_name="parts", verbose_name=_("import"))
    is_report = models.BooleanField(_("of the report"), default=False)

    class Meta:
        verbose_name = _("piece of an import")
        verbose_name_plural = _("pieces of imports")
        ordering = ["customer_import", "is_report", "number"]
        constraints = [
            models.UniqueConstraint(fields=["customer_import", "is_report", "number"], name="a_piece_of_an_import_is_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.customer_import_id} {self.number}"


class ListExport(PublicIdModel):
    """Somebody took out a list of customers: who, when, which, and how many there were."""

    exported_at = models.DateTimeField(_("exported"))
    by = models.CharField(_("by"), max_length=100)
    about = models.CharField(_("which customers"), max_length=300)
    count = models.PositiveIntegerField(_("customers"))

    class Meta:
        verbose_name = _("list of customers taken out")
        verbose_name_plural = _("lists of customers taken out")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.about

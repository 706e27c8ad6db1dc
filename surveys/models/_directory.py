"""Who works here: departments as a tree, employees with what results may be divided by."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.kept_files import KeptPiece
from incentives_site.shared.models import PublicIdModel


class Department(models.Model):
    """One node of the tree; ``path`` holds the keys from the top to itself, so that its inside is found at once."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of"))
    path = models.JSONField(_("path"), default=list)

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=~Q(parent=F("id")), name="a_department_is_not_part_of_itself")]

    def __str__(self) -> str:
        return self.name


class Employee(PublicIdModel):
    """Somebody who is asked. ``key`` is the company's own, by which the directory is brought up to date."""

    key = models.CharField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    department = models.ForeignKey(Department, models.PROTECT, related_name="employees", verbose_name=_("department"))
    manager = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="team", verbose_name=_("manager"))
    location = models.CharField(_("location"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    started_on = models.DateField(_("started"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=~Q(manager=F("id")), name="nobody_manages_themselves")]

    def __str__(self) -> str:
        return self.name


class EmployeeImportState(models.TextChoices):
    CHECKING = "checking", _("Validating")
    CHECKED = "checked", _("Validated")
    RUNNING = "running", _("Importing")
    DONE = "done", _("Imported")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class EmployeeImport(PublicIdModel):
    """A file of employees, from its arrival to what came of it: all of its rows are imported, or none.

    ``outcome`` counts what was changed, or would be; ``faults`` are the rows that cannot be: ``{line, column, code, sentence}``.
    """

    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveBigIntegerField(_("bytes"))
    state = models.CharField(_("state"), max_length=16, choices=EmployeeImportState.choices)
    deactivates_missing = models.BooleanField(_("deactivates those who are not in the file"), default=False)
    position = models.PositiveIntegerField(_("rows read"), default=0)
    outcome = models.JSONField(_("outcome"), default=dict)
    faults = models.JSONField(_("faults"), default=list)
    failure = models.CharField(_("failure"), max_length=64, blank=True)
    created_by = models.CharField(_("by"), max_length=100)
    created_at = models.DateTimeField(_("created"))
    changed_at = models.DateTimeField(_("changed"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("import of employees")
        verbose_name_plural = _("imports of employees")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class EmployeeImportPiece(KeptPiece):
    employee_import = models.ForeignKey(
        EmployeeImport, models.CASCADE, related_name="pieces", verbose_name=_("import of employees")
    )

    class Meta:
        verbose_name = _("piece of a file of employees")
        verbose_name_plural = _("pieces of files of employees")
        ordering = ["employee_import", "number"]
        constraints = [
            models.UniqueConstraint(fields=["employee_import", "number"], name="a_piece_of_a_file_of_employees_is_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.employee_import_id} {self.number}"

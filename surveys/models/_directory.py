"""Who works here: departments as a tree, employees with what results may be divided by."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

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

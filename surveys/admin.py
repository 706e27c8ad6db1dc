"""Surveys in the back office: the directory and the bank are edited here; surveys and waves are only read.

Invitations, ballots, answers and comments are not here: nobody may see who took part, nor a figure that is not
published. Neither are seats at one-on-ones and notices about them: who meets whom is between the two.
"""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

from .models import (
    ActionPlan,
    BankQuestion,
    Binding,
    BindingEvent,
    BindingRequest,
    Department,
    Employee,
    EmployeeImport,
    EmployeeImportPiece,
    Feedback,
    Survey,
    SurveyQuestion,
    Wave,
)
from .rules.addresses import looks_alike, normalised


@admin.register(Department)
class DepartmentAdmin(BackOfficeAdmin):
    list_display = ["name", "key", "parent"]
    search_fields = ["name", "key"]
    readonly_fields = ["path"]


class EmployeeForm(forms.ModelForm):
    """As in an import, an address belongs to one employee, however it is written."""

    class Meta:
        model = Employee
        fields = ["key", "name", "email", "department", "manager", "location", "language", "started_on", "is_active"]

    def clean_email(self) -> str:
        address = normalised(self.cleaned_data["email"])
        if looks_alike(address):
            raise forms.ValidationError(_("This address mixes letters of different alphabets."), code="look-alike-address")
        if Employee.objects.filter(email__iexact=address).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another employee has this address."), code="address-taken")
        return address


@admin.register(Employee)
class EmployeeAdmin(BackOfficeAdmin):
    form = EmployeeForm
    list_display = ["name", "key", "email", "department", "manager", "is_active"]
    list_filter = ["department", "is_active"]
    list_select_related = ["department", "manager"]
    search_fields = ["name", "key", "email"]


@admin.register(EmployeeImport)
class EmployeeImportAdmin(ReadOnlyAdmin):
    list_display = ["name", "state", "position", "created_by", "created_at", "finished_at"]
    list_filter = ["state"]


@admin.register(EmployeeImportPiece)
class EmployeeImportPieceAdmin(ReadOnlyAdmin):
    list_display = ["employee_import", "number"]
    list_select_related = ["employee_import"]
    exclude = ["body"]


@admin.register(BankQuestion)
class BankQuestionAdmin(BackOfficeAdmin):
    list_display = ["key", "theme", "kind", "is_active"]
    list_filter = ["theme", "kind", "is_active"]
    search_fields = ["key", "theme"]


@admin.register(Survey)
class SurveyAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "kind", "mode", "k", "status", "created_at"]
    list_filter = ["kind", "mode", "status"]


@admin.register(Wave)
class WaveAdmin(ReadOnlyAdmin):
    list_display = ["survey", "number", "opens_at", "closes_at", "state"]
    list_filter = ["state"]
    list_select_related = ["survey"]
    fields = ["survey", "number", "opens_at", "closes_at", "state", "mode", "k"]


@admin.register(SurveyQuestion)
class SurveyQuestionAdmin(ReadOnlyAdmin):
    list_display = ["survey", "position", "key", "kind"]
    list_select_related = ["survey"]


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    list_display = ["answered_at", "survey", "customer", "score", "review_state"]
    list_filter = ["survey", "review_state"]
    list_select_related = ["survey", "customer"]


@admin.register(ActionPlan)
class ActionPlanAdmin(ReadOnlyAdmin):
    list_display = ["title", "survey", "owner", "due_on", "state"]
    list_filter = ["state"]
    list_select_related = ["survey"]


@admin.register(Binding)
class BindingAdmin(ReadOnlyAdmin):
    """Which account belongs to whom. Only the owner of an account can change that."""

    list_display = ["employee", "account_address", "address", "how", "confirmed_at", "held_at", "ended_at"]
    list_filter = ["how"]
    list_select_related = ["employee"]
    search_fields = ["employee__name", "employee__key", "account_address", "address"]
    fields = ["employee", "account", "account_address", "address", "how", "confirmed_at", "held_at", "ended_at"]


@admin.register(BindingRequest)
class BindingRequestAdmin(ReadOnlyAdmin):
    list_display = ["employee", "account", "address", "asked_at", "sent_at", "used_at"]
    list_select_related = ["employee", "account"]
    fields = ["employee", "account", "address", "asked_at", "expires_at", "sent_at", "used_at"]


@admin.register(BindingEvent)
class BindingEventAdmin(ReadOnlyAdmin):
    """The audit log, as the page for HR shows it."""

    list_display = ["at", "kind", "employee", "account_address", "old", "new", "by"]
    list_filter = ["kind"]
    list_select_related = ["employee"]
    search_fields = ["employee__name", "employee__key", "account_address", "old", "new"]
    fields = ["at", "kind", "employee", "account_address", "old", "new", "by"]

"""Surveys in the back office: the directory and the bank are edited here; surveys and waves are only read.

Invitations, ballots, answers and comments are not here: nobody may see who took part, nor a figure that is not
published.
"""

from django.contrib import admin

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

from .models import (
    ActionPlan,
    BankQuestion,
    Department,
    Employee,
    EmployeeImport,
    EmployeeImportPiece,
    Feedback,
    Survey,
    SurveyQuestion,
    Wave,
)


@admin.register(Department)
class DepartmentAdmin(BackOfficeAdmin):
    list_display = ["name", "key", "parent"]
    search_fields = ["name", "key"]
    readonly_fields = ["path"]


@admin.register(Employee)
class EmployeeAdmin(BackOfficeAdmin):
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

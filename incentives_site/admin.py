"""The back office of things that are nobody's own: schedules and the audit trail. Composition: it may know all apps."""

from typing import Any

import pghistory.models
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib import admin
from django_celery_beat import admin as beat_admin
from django_celery_beat import models as beat
from rest_framework_api_key.models import APIKey
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

# Third-party pages are registered anew in the back office's look: in their own, forms have invisible inputs.
THIRD_PARTY = (
    beat.PeriodicTask,
    beat.IntervalSchedule,
    beat.CrontabSchedule,
    beat.SolarSchedule,
    beat.ClockedSchedule,
    EmailAddress,
    Authenticator,
    AccessAttempt,
    AccessFailureLog,
    AccessLog,
    APIKey,
)
for model in THIRD_PARTY:
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class TaskSelect(UnfoldAdminSelectWidget, beat_admin.TaskSelectWidget):
    """The registered tasks, in the back office's look."""


class PeriodicTaskForm(beat_admin.PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


@admin.register(beat.PeriodicTask)
class PeriodicTaskAdmin(beat_admin.PeriodicTaskAdmin, BackOfficeAdmin):
    form = PeriodicTaskForm


@admin.register(beat.CrontabSchedule)
class CrontabScheduleAdmin(beat_admin.CrontabScheduleAdmin, BackOfficeAdmin):
    pass


@admin.register(beat.IntervalSchedule, beat.SolarSchedule)
class ScheduleAdmin(BackOfficeAdmin):
    pass


@admin.register(beat.ClockedSchedule)
class ClockedScheduleAdmin(beat_admin.ClockedScheduleAdmin, BackOfficeAdmin):
    pass


@admin.register(EmailAddress)
class EmailAddressAdmin(BackOfficeAdmin):
    list_display = ["email", "user", "primary", "verified"]
    search_fields = ["email"]
    autocomplete_fields = ["user"]


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Second factors: an operator may take one away from somebody who lost it, never look inside."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    fields = ["user", "type", "created_at", "last_used_at"]

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return True


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Failed sign-ins in a row; deleting one lifts the lock."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time"]
    search_fields = ["username", "ip_address"]
    exclude = ["get_data", "post_data"]

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return True


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyAdmin):
    list_display = ["username", "ip_address", "attempt_time", "logout_time"]
    search_fields = ["username", "ip_address"]


class AuditAdmin(ReadOnlyAdmin):
    """Every change of a tracked row, as the database's own triggers wrote it down."""

    list_display = ["pgh_created_at", "pgh_label", "pgh_obj", "who", "why"]
    list_filter = ["pgh_label"]
    list_select_related = ["pgh_context", "pgh_obj"]
    ordering = ["-pgh_id"]

    @admin.display(description="who")
    def who(self, event: Any) -> str:
        return str(self._context(event).get("by") or self._context(event).get("user") or "")

    @admin.display(description="why")
    def why(self, event: Any) -> str:
        return str(self._context(event).get("why") or self._context(event).get("url") or "")

    def _context(self, event: Any) -> dict[str, Any]:
        return event.pgh_context.metadata if event.pgh_context else {}


for model in apps.get_models():
    if issubclass(model, pghistory.models.Event) and not model._meta.abstract and model._meta.managed:
        admin.site.register(model, AuditAdmin)

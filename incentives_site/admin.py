"""The back office of things that are nobody's own: schedules and the audit trail. Composition: it may know all apps."""

from typing import Any

import pghistory.models
from allauth.account.models import EmailAddress
from allauth.account.views import logout
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_celery_beat import admin as beat_admin
from django_celery_beat import models as beat
from rest_framework_api_key.models import APIKey
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from incentives_site.accounts.roles import WrongRole
from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

# --- One sign-in: the back office has no password form of its own -------------------------------------------------------


def sign_in(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """``/admin/login/``: strangers go to the one sign-in and come back; whoever is signed in is let in or refused."""
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        wanted = reverse("admin:index")
    if not request.user.is_authenticated:
        return redirect_to_login(wanted)
    if not admin.site.has_permission(request):
        raise WrongRole(_("Ask an operator if you should have access to it."))
    return redirect(wanted)


def change_password(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    return redirect("account_change_password")


def sign_out(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    return logout(request)


admin.site.login = sign_in  # type: ignore[method-assign]
admin.site.logout = sign_out  # type: ignore[method-assign,assignment]
admin.site.password_change = change_password  # type: ignore[method-assign,assignment]
admin.site.password_change_done = change_password  # type: ignore[method-assign,assignment]

# Third-party pages are registered anew in the back office's look: in their own, forms have invisible inputs.
THIRD_PARTY = (
    beat.PeriodicTask,
    beat.IntervalSchedule,
    beat.CrontabSchedule,
    beat.SolarSchedule,
    beat.ClockedSchedule,
    EmailAddress,
    Authenticator,
    UserSession,
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


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    """Who is signed in where; deleting a row signs that browser out."""

    list_display = ["user", "ip", "user_agent", "created_at"]
    search_fields = ["user__email", "ip"]
    list_select_related = ["user"]
    fields = ["user", "ip", "user_agent", "created_at"]

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return True

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        obj.end()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for session in queryset:
            session.end()


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

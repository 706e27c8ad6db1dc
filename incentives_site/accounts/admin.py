"""People and their roles in the back office."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

from . import operations
from .models import KnownDevice, RoleRequirement, SignInTally, UsedTotpStep, User


class NewPersonForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, BackOfficeAdmin):  # type: ignore[misc]
    form = UserChangeForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "first_name", "last_name", "is_active", "is_staff", "last_login"]
    list_filter = ["groups", "is_active", "is_staff"]
    search_fields = ["email", "first_name", "last_name"]
    ordering = ["email"]
    fieldsets = [
        (None, {"fields": ["email", "password", "first_name", "last_name"]}),
        (_("Roles"), {"fields": ["groups", "store_keys", "may_serve_all_stores", "is_active", "is_staff", "is_superuser"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]})]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["groups"]

    # What is changed here is logged, and told to whose account it is.

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        request.account_before = operations.account_of(obj) if change else None  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        before = request.account_before  # type: ignore[attr-defined]
        if before is None:
            operations.account_created(user=form.instance, by=_operator(request))
        else:
            operations.account_changed(user=form.instance, before=before, by=_operator(request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        before = User.objects.filter(pk=id).values_list("password", flat=True).first() if id.isdigit() else None
        response = super().user_change_password(request, id, form_url)
        user = User.objects.filter(pk=id).first() if before is not None else None
        if user is not None and user.password != before:
            operations.password_replaced(user=user, by=_operator(request))
        return response

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        operations.account_deleted(user=obj, by=_operator(request))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            operations.account_deleted(user=user, by=_operator(request))
        super().delete_queryset(request, queryset)


def _operator(request: HttpRequest) -> User:
    return cast("User", request.user)


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(BackOfficeAdmin):
    """Roles are fixed by the product; who has one is said on the person."""

    list_display = ["name"]
    fields = ["name"]

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(RoleRequirement)
class RoleRequirementAdmin(BackOfficeAdmin):
    """What everyone in a role has to have set up. One row for each role, which the migrations make."""

    list_display = ["role", "second_factor"]
    list_editable = ["second_factor"]
    fields = ["role", "second_factor"]
    readonly_fields = ["role"]

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(SignInTally)
class SignInTallyAdmin(ReadOnlyAdmin):
    """Wrong sign-ins that count at present; deleting a row lifts its lock."""

    list_display = ["kind", "user", "address", "tries", "until"]
    list_filter = ["kind"]
    search_fields = ["user__email", "address"]
    list_select_related = ["user"]
    fields = ["kind", "user", "address", "tries", "until"]

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return True


@admin.register(UsedTotpStep)
class UsedTotpStepAdmin(ReadOnlyAdmin):
    """When somebody last used a code of an authenticator app, as a half minute since 1970."""

    list_display = ["user", "step"]
    search_fields = ["user__email"]
    list_select_related = ["user"]


@admin.register(KnownDevice)
class KnownDeviceAdmin(ReadOnlyAdmin):
    """Browsers in which people have signed in; deleting one makes it a stranger again, and signs nobody out."""

    list_display = ["user", "created_at", "last_used_at"]
    search_fields = ["user__email"]
    list_select_related = ["user"]
    fields = ["user", "created_at", "last_used_at"]

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return True

"""People and their roles in the back office."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

from .models import KnownDevice, RoleRequirement, SignInTally, User


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


@admin.register(KnownDevice)
class KnownDeviceAdmin(ReadOnlyAdmin):
    """Browsers in which people have signed in; deleting one makes it a stranger again, and signs nobody out."""

    list_display = ["user", "created_at", "last_used_at"]
    search_fields = ["user__email"]
    list_select_related = ["user"]
    fields = ["user", "created_at", "last_used_at"]

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return True

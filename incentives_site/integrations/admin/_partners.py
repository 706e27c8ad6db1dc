"""Partners and their keys in the back office. A key is shown once, when it is made."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

from ..models import ApiKey, IdempotentReply, Partner, Scope


@admin.register(Partner)
class PartnerAdmin(BackOfficeAdmin):
    list_display = ["name", "key", "is_active", "created_at"]
    search_fields = ["name", "key"]
    prepopulated_fields = {"key": ["name"]}


@admin.register(ApiKey)
class ApiKeyAdmin(BackOfficeAdmin):
    list_display = ["prefix", "partner", "name", "channel_keys", "scopes", "created", "expiry_date", "revoked"]
    list_filter = ["partner", "revoked"]
    search_fields = ["name", "prefix", "partner__name"]
    autocomplete_fields = ["partner"]
    readonly_fields = ["prefix", "created"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [
            "partner",
            "name",
            "channel_keys",
            "store_keys",
            "scopes",
            "expiry_date",
            *(["revoked", "prefix", "created"] if obj else []),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "scopes" in form.base_fields:
            form.base_fields["scopes"].help_text = _("Separated by commas: %(all)s.") % {"all": ", ".join(Scope.values)}
        return form

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        text = ApiKey.objects.assign_key(obj)
        obj.save()
        messages.warning(request, _("The key is %(key)s — copy it now, it is never shown again.") % {"key": text})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # keys are revoked, so that the audit trail keeps its names


@admin.register(IdempotentReply)
class IdempotentReplyAdmin(ReadOnlyAdmin):
    list_display = ["key", "partner", "status", "created_at"]
    search_fields = ["key"]
    list_filter = ["partner"]
    exclude = ["fingerprint", "sealed"]

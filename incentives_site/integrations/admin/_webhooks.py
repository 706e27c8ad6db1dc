"""Webhooks in the back office: all but the secrets can be read; sent again and switched by the verbs of all doors."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import action, display

from incentives_site.shared.admin import ReadOnlyAdmin
from incentives_site.shared.problems import Problem

from .. import operations
from ..models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage, WebhookSecret


class WebhookAdmin(ReadOnlyAdmin):
    """Rows are read; what is done to them needs the right to change endpoints."""

    ordering = ["-id"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrations.change_webhookendpoint")

    def each(self, request: HttpRequest, rows: QuerySet[Any], verb: Callable[[Any], object]) -> None:
        """Do it to each row, and say how often it was done and why not otherwise."""
        done = 0
        for row in rows:
            try:
                verb(row)
                done += 1
            except Problem as problem:
                messages.error(request, f"{row}: {problem.detail}")
        if done:
            messages.success(request, ngettext("Done for %(number)s row.", "Done for %(number)s rows.", done) % {"number": done})


class Inline(TabularInline):
    extra = 0
    max_num = 0
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SecretInline(Inline):
    """When secrets were made and when they end; what they are, nobody can see."""

    model = WebhookSecret
    fields = readonly_fields = ["created_at", "expires_at"]


class DeliveryInline(Inline):
    model = WebhookDelivery
    fields = readonly_fields = ["endpoint", "state", "attempts", "next_attempt_at"]
    show_change_link = True


class AttemptInline(Inline):
    model = WebhookAttempt
    fields = readonly_fields = ["at", "status", "error", "duration_ms", "excerpt"]


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(WebhookAdmin):
    list_display = ["url", "partner", "types", "is_active", "disabled_at", "disabled_why", "removed_at"]
    list_filter = ["is_active", "partner", "disabled_why"]
    list_select_related = ["partner"]
    search_fields = ["url", "partner__name", "public_id"]
    inlines = [SecretInline]
    actions = ["switch_on", "switch_off"]

    @action(description=_("Switch on again"), permissions=["operate"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        self._switch(request, queryset, is_active=True)

    @action(description=_("Switch off, and cancel what is on its way"), permissions=["operate"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        self._switch(request, queryset, is_active=False)

    def _switch(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint], *, is_active: bool) -> None:
        by, now = f"user:{request.user.pk}", timezone.now()
        self.each(request, rows, lambda row: operations.set_active(endpoint=row, is_active=is_active, by=by, now=now))


@admin.register(WebhookSecret)
class WebhookSecretAdmin(WebhookAdmin):
    list_display = ["endpoint", "created_at", "expires_at"]
    fields = ["endpoint", "created_at", "expires_at"]
    list_select_related = ["endpoint__partner"]


@admin.register(WebhookMessage)
class WebhookMessageAdmin(WebhookAdmin):
    list_display = ["webhook_id", "type", "partner", "created_at"]
    fields = ["webhook_id", "type", "partner", "data", "created_at", "key"]
    readonly_fields = ["webhook_id"]
    list_filter = ["type", "partner"]
    list_select_related = ["partner"]
    search_fields = ["public_id", "key"]
    inlines = [DeliveryInline]

    @display(description=_("id"))
    def webhook_id(self, message: WebhookMessage) -> str:
        return message.webhook_id


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(WebhookAdmin):
    list_display = ["created_at", "kind", "endpoint", "state_label", "attempts", "next_attempt_at"]
    list_filter = ["state", "endpoint__partner", "message__type"]
    list_select_related = ["message", "endpoint__partner"]
    search_fields = ["public_id", "message__public_id", "endpoint__url"]
    inlines = [AttemptInline]
    actions = ["replay"]

    @display(description=_("type"))
    def kind(self, delivery: WebhookDelivery) -> str:
        return delivery.message.type

    @display(
        description=_("state"),
        ordering="state",
        label={"pending": "info", "failed": "warning", "delivered": "success", "gave_up": "danger", "cancelled": "danger"},
    )
    def state_label(self, delivery: WebhookDelivery) -> tuple[str, str]:
        return delivery.state, str(delivery.get_state_display())

    @action(description=_("Send again now"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        rows = queryset.select_related("endpoint", "message")
        self.each(request, rows, lambda row: operations.replay(delivery=row, now=timezone.now()))


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(WebhookAdmin):
    list_display = ["at", "delivery", "status", "error", "duration_ms"]
    list_select_related = ["delivery"]
    list_filter = ["error"]

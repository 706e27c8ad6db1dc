"""The ledger: read only. Balances change through the product's own verbs; an adjustment needs a reason and stays."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import action

from incentives_site.shared.admin import ReadOnlyAdmin

from ..models import Account, CheckRun, Entry, GiftCard, Lot, LotUse, Posting
from . import _verbs


class _Rows(TabularInline):
    extra = 0
    max_num = 0
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EntryRows(_Rows):
    model = Entry
    fields = readonly_fields = ["account", "amount"]


class LotRows(_Rows):
    model = Lot
    fields = readonly_fields = ["amount", "remaining", "usable_at", "is_pending", "last_usable_on"]


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "unit", "customer", "campaign", "gift_card", "contest", "balance"]
    list_filter = ["kind", "unit"]
    list_select_related = ["customer", "campaign", "gift_card"]
    search_fields = ["customer__display_name", "contest"]
    ordering = ["-id"]
    inlines = [LotRows]
    actions_detail = ["adjust"]

    def has_adjust_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("redemptions.change_account")

    @action(description=gettext_lazy("Adjust"), url_path="adjust", permissions=["adjust"])
    def adjust(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return _verbs.adjust(self, request, get_object_or_404(Account, pk=object_id))


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    list_display = ["posted_at", "kind", "key", "redemption", "actor", "reason"]
    list_filter = ["kind"]
    list_select_related = ["redemption"]
    search_fields = ["key", "public_id"]
    ordering = ["-id"]
    inlines = [EntryRows]


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ["posting", "account", "amount"]
    list_select_related = ["posting", "account"]
    ordering = ["-id"]


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = ["account", "amount", "remaining", "usable_at", "is_pending", "last_usable_on"]
    list_filter = ["is_pending"]
    list_select_related = ["account"]
    ordering = ["-id"]


@admin.register(LotUse)
class LotUseAdmin(ReadOnlyAdmin):
    list_display = ["lot", "posting", "amount"]
    list_select_related = ["lot", "posting"]
    ordering = ["-id"]


@admin.register(GiftCard)
class GiftCardAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "currency", "last_usable_on", "is_active", "issued_at"]
    list_filter = ["is_active", "currency"]
    exclude = ["digest", "sealed"]
    ordering = ["-id"]
    actions_list = ["issue"]

    def has_issue_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("redemptions.add_giftcard")

    @action(description=gettext_lazy("Issue a gift card"), url_path="issue", permissions=["issue"])
    def issue(self, request: HttpRequest) -> HttpResponse:
        return _verbs.issue_gift_card(self, request)


@admin.register(CheckRun)
class CheckRunAdmin(ReadOnlyAdmin):
    """The proofs of the ledger; a failed one is told on top of the list."""

    list_display = ["ran_at", "seconds", "outcome"]
    ordering = ["-id"]

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, run: CheckRun) -> str:
        return _("in order") if not run.faults else ", ".join(f"{fault['code']} ({fault['count']})" for fault in run.faults)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        newest = CheckRun.objects.first()
        if newest is not None and newest.faults:
            messages.error(request, _("The last proof of the ledger found faults. Look at the newest run."))
        return super().changelist_view(request, extra_context)

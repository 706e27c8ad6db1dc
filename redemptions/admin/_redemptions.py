"""Redemptions and returns in the back office: read, never edited."""

from django.contrib import admin
from unfold.admin import TabularInline

from incentives_site.shared.admin import ReadOnlyAdmin

from ..models import Access, AppliedIncentive, Redemption, RedemptionLine, Reservation, Return, ReturnLine, Tender


class AppliedIncentiveInline(TabularInline):
    model = AppliedIncentive
    extra = 0
    max_num = 0
    can_delete = False
    fields = readonly_fields = ["position", "incentive", "campaign", "grant", "amount", "returned_at"]


class _LineRows(TabularInline):
    model = RedemptionLine
    extra = 0
    max_num = 0
    can_delete = False
    fields = readonly_fields = [
        "position", "line", "sku", "quantity", "unit_price", "discount", "stored_value", "payable", "returned",
    ]  # fmt: skip


class _ReturnRows(TabularInline):
    model = ReturnLine
    extra = 0
    max_num = 0
    can_delete = False
    fields = readonly_fields = ["line", "quantity", "discount", "stored_value", "payable"]


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    list_display = [
        "redeemed_at",
        "order_key",
        "source",
        "customer",
        "channel",
        "store",
        "discount",
        "payable",
        "currency",
        "returned_at",
    ]
    list_filter = ["source", "channel"]
    list_select_related = ["customer", "channel", "store"]
    search_fields = ["order_key", "public_id"]
    ordering = ["-id"]
    inlines = [_LineRows, AppliedIncentiveInline]


@admin.register(AppliedIncentive)
class AppliedIncentiveAdmin(ReadOnlyAdmin):
    list_display = ["redemption", "incentive", "campaign", "amount", "returned_at"]
    list_select_related = ["redemption", "incentive", "campaign"]
    ordering = ["-id"]


@admin.register(Return)
class ReturnAdmin(ReadOnlyAdmin):
    list_display = ["returned_at", "redemption", "amount", "stored_value", "everything", "reason", "actor"]
    list_select_related = ["redemption"]
    ordering = ["-id"]
    inlines = [_ReturnRows]


@admin.register(RedemptionLine)
class RedemptionLineAdmin(ReadOnlyAdmin):
    list_display = ["redemption", "sku", "quantity", "unit_price", "discount", "stored_value", "payable", "returned"]
    list_select_related = ["redemption"]
    search_fields = ["sku"]
    ordering = ["-id"]


@admin.register(ReturnLine)
class ReturnLineAdmin(ReadOnlyAdmin):
    list_display = ["goods_return", "line", "quantity", "discount", "stored_value", "payable"]
    list_select_related = ["goods_return", "line"]
    ordering = ["-id"]


@admin.register(Tender)
class TenderAdmin(ReadOnlyAdmin):
    list_display = ["redemption", "kind", "amount", "units", "returned", "units_returned"]
    list_filter = ["kind"]
    list_select_related = ["redemption"]
    ordering = ["-id"]


@admin.register(Access)
class AccessAdmin(ReadOnlyAdmin):
    list_display = ["opened_at", "customer", "key", "incentive", "closed_at"]
    list_select_related = ["customer", "incentive"]
    search_fields = ["key"]
    ordering = ["-id"]


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "source", "order_key", "customer", "channel", "store", "state", "expires_at", "actor"]
    list_filter = ["state", "source", "channel"]
    list_select_related = ["customer", "channel", "store"]
    search_fields = ["order_key", "public_id"]
    ordering = ["-id"]

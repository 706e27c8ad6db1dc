"""Redemptions and returns in the back office: read, never edited."""

from django.contrib import admin
from unfold.admin import TabularInline

from incentives_site.shared.admin import ReadOnlyAdmin

from ..models import AppliedIncentive, Redemption, Return


class AppliedIncentiveInline(TabularInline):
    model = AppliedIncentive
    extra = 0
    max_num = 0
    can_delete = False
    fields = readonly_fields = ["position", "incentive", "campaign", "grant", "amount", "returned_at"]


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
    inlines = [AppliedIncentiveInline]


@admin.register(AppliedIncentive)
class AppliedIncentiveAdmin(ReadOnlyAdmin):
    list_display = ["redemption", "incentive", "campaign", "amount", "returned_at"]
    list_select_related = ["redemption", "incentive", "campaign"]
    ordering = ["-id"]


@admin.register(Return)
class ReturnAdmin(ReadOnlyAdmin):
    list_display = ["returned_at", "redemption", "amount", "reason", "actor"]
    list_select_related = ["redemption"]
    ordering = ["-id"]

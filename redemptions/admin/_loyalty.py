"""What the loyalty programme did by itself: read only."""

from django.contrib import admin

from incentives_site.shared.admin import ReadOnlyAdmin

from ..models import CustomerTier, PurchaseEarning


@admin.register(PurchaseEarning)
class PurchaseEarningAdmin(ReadOnlyAdmin):
    list_display = ["purchase", "outcome", "looked_at"]
    list_filter = ["outcome"]
    list_select_related = ["purchase"]
    ordering = ["-purchase_id"]


@admin.register(CustomerTier)
class CustomerTierAdmin(ReadOnlyAdmin):
    list_display = ["customer", "tier", "since_at", "refreshed_on"]
    list_filter = ["tier"]
    list_select_related = ["customer", "tier"]
    search_fields = ["customer__display_name"]
    ordering = ["-customer_id"]

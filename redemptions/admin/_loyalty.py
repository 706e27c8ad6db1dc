"""What the loyalty programme did by itself: read only."""

from django.contrib import admin

from incentives_site.shared.admin import ReadOnlyAdmin

from ..models import PurchaseEarning


@admin.register(PurchaseEarning)
class PurchaseEarningAdmin(ReadOnlyAdmin):
    list_display = ["purchase", "outcome", "looked_at"]
    list_filter = ["outcome"]
    list_select_related = ["purchase"]
    ordering = ["-purchase_id"]

"""Campaigns in the back office. What is promised is changed in the editor, where the rules are; here it is read.

Stack groups are configuration and may be edited.
"""

from django.contrib import admin
from unfold.admin import TabularInline
from unfold.decorators import display

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin

from .models import Campaign, CatalogueVersion, Code, Grant, Incentive, Limit, LimitCounter, StackGroup, TargetedCustomer


class IncentiveInline(TabularInline):
    model = Incentive
    extra = 0
    max_num = 0
    can_delete = False
    fields = readonly_fields = ["key", "name", "claim", "stack_group", "priority"]
    show_change_link = True
    tab = True


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ["name", "status_label", "goal", "starts_at", "ends_at", "currency"]
    list_filter = ["status", "goal", "channels"]
    search_fields = ["name", "promise", "public_id"]
    inlines = [IncentiveInline]

    @display(
        description="status",
        ordering="status",
        label={"Draft": "info", "Scheduled": "info", "Live": "success", "Paused": "warning", "Ended": "danger"},
    )
    def status_label(self, campaign: Campaign) -> str:
        return str(campaign.get_status_display())


@admin.register(CatalogueVersion)
class CatalogueVersionAdmin(ReadOnlyAdmin):
    list_display = ["number"]


@admin.register(StackGroup)
class StackGroupAdmin(BackOfficeAdmin):
    list_display = ["name", "key", "eligibility", "rank", "limit", "pick"]
    search_fields = ["name", "key"]
    prepopulated_fields = {"key": ["name"]}


@admin.register(Incentive)
class IncentiveAdmin(ReadOnlyAdmin):
    list_display = ["name", "campaign", "claim", "stack_group", "priority"]
    list_filter = ["claim", "stack_group"]
    list_select_related = ["campaign", "stack_group"]
    search_fields = ["name", "key", "public_id"]


@admin.register(Limit)
class LimitAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "campaign", "incentive", "maximum"]
    list_select_related = ["campaign", "incentive"]
    list_filter = ["measure", "per"]


@admin.register(LimitCounter)
class LimitCounterAdmin(ReadOnlyAdmin):
    list_display = ["limit", "subject", "used"]
    list_select_related = ["limit"]
    search_fields = ["subject"]


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    list_display = ["granted_at", "customer", "incentive", "state", "channel", "ends_at", "used_at"]
    list_filter = ["state", "channel", "reason"]
    list_select_related = ["customer", "incentive", "channel"]
    search_fields = ["public_id", "customer__display_name"]
    ordering = ["-id"]


@admin.register(Code)
class CodeAdmin(ReadOnlyAdmin):
    """Neither the code nor its hash is shown: whoever may see a code sees it where it is used."""

    list_display = ["id", "incentive", "grant", "created_at"]
    list_select_related = ["incentive", "grant"]
    fields = ["incentive", "grant", "created_at"]
    ordering = ["-id"]


@admin.register(TargetedCustomer)
class TargetedCustomerAdmin(ReadOnlyAdmin):
    list_display = ["campaign", "customer", "targeted_at"]
    list_filter = ["campaign"]
    list_select_related = ["campaign", "customer"]
    ordering = ["-id"]

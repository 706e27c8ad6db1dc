"""Campaigns in the back office. What is promised is changed in the editor, where the rules are; here it is read.

Stack groups are configuration and may be edited, by the same verbs as elsewhere.
"""

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin
from incentives_site.shared.money import CURRENCIES
from incentives_site.shared.problems import Invalid

from . import operations, queries
from .models import (
    Campaign,
    CatalogueVersion,
    Code,
    CodeBatch,
    CodeFile,
    CodeFilePiece,
    Grant,
    Incentive,
    Limit,
    LimitCounter,
    LoyaltyProgramme,
    StackGroup,
    TargetedCustomer,
    Tier,
)
from .rules import loyalty
from .wording import group_in_words, incentive_in_words


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


class StackGroupForm(forms.ModelForm):
    """Judged by the rule that every door follows."""

    class Meta:
        model = StackGroup
        fields = ["name", "key", "eligibility", "rank", "pick", "scope", "limit", "base", "consume_without_effect"]

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            operations.check_group(self.instance)
        except Invalid as problem:
            for error in problem.errors:
                field = error.pointer.removeprefix("/")
                self.add_error(field if field in self.fields else None, str(error.detail))


@admin.register(StackGroup)
class StackGroupAdmin(BackOfficeAdmin):
    form = StackGroupForm
    list_display = ["name", "key", "eligibility", "rank", "pick", "scope", "limit", "base", "consume_without_effect"]
    search_fields = ["name", "key"]
    fieldsets = [
        (None, {"fields": ["name", "key", "in_words"]}),
        (_("Beside other groups"), {"fields": ["eligibility", "rank"]}),
        (_("Within the group"), {"fields": ["pick", "scope", "limit"]}),
        (_("Counting"), {"fields": ["base", "consume_without_effect"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: StackGroup | None = None) -> list[str]:
        return ["in_words", "key"] if obj else ["in_words"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: StackGroup | None = None) -> dict[str, list[str]]:
        return {} if obj else {"key": ["name"]}

    @display(description=_("in words"))
    def in_words(self, group: StackGroup) -> str:
        return " ".join(group_in_words(group)) if group.pk else ""

    def save_model(self, request: HttpRequest, obj: StackGroup, form: Any, change: bool) -> None:
        """Through the verb, so that the audit trail says who and why."""
        by = f"user:{request.user.pk}"
        terms = {name: getattr(obj, name) for name in form.cleaned_data if name != "key"}
        if change:
            operations.revise_group(group=obj, by=by, **terms)
        else:
            obj.pk = operations.define_group(by=by, key=obj.key, **terms).pk


@admin.register(Incentive)
class IncentiveAdmin(ReadOnlyAdmin):
    list_display = ["name", "campaign", "claim", "stack_group", "priority"]
    readonly_fields = ["in_words", "own_sentences"]
    fields = [
        "campaign",
        "key",
        "name",
        "in_words",
        "claim",
        "stack_group",
        "priority",
        "valid_days",
        "effect",
        "awards",
        "conditions",
        "own_sentences",
    ]
    list_filter = ["claim", "stack_group"]
    list_select_related = ["campaign", "stack_group"]
    search_fields = ["name", "key", "public_id"]

    @display(description=_("in words"))
    def in_words(self, incentive: Incentive) -> str:
        given = queries.names_of_given([incentive])
        return format_html_join("", "{}<br>", ((sentence,) for sentence in incentive_in_words(incentive, given)))

    @display(description=_("own sentences"))
    def own_sentences(self, incentive: Incentive) -> str:
        said = [
            (reason, language, text) for reason, texts in sorted(incentive.sentences.items()) for language, text in texts.items()
        ]
        return format_html_join("", "{} ({}): {}<br>", said) or "-"


@admin.register(Limit)
class LimitAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "campaign", "incentive", "maximum", "on_short"]
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


@admin.register(CodeBatch)
class CodeBatchAdmin(ReadOnlyAdmin):
    """What was asked for and by whom; codes are exported on the campaign's page, where it is written down."""

    list_display = ["name", "incentive", "state", "made", "count", "created_by", "created_at", "expires_at", "exports"]
    list_filter = ["state", "is_imported"]
    list_select_related = ["incentive"]
    search_fields = ["name", "public_id", "incentive__name"]
    ordering = ["-id"]


@admin.register(CodeFile)
class CodeFileAdmin(ReadOnlyAdmin):
    """Imports under way; what the file says is not shown."""

    list_display = ["batch", "size", "position", "lines"]
    list_select_related = ["batch"]
    exclude = ["report"]


@admin.register(CodeFilePiece)
class CodeFilePieceAdmin(ReadOnlyAdmin):
    list_display = ["file", "number"]
    list_select_related = ["file"]
    exclude = ["body"]


@admin.register(Code)
class CodeAdmin(ReadOnlyAdmin):
    """Neither the code nor its hash is shown: whoever may see a code sees it where it is used."""

    list_display = ["id", "incentive", "grant", "batch", "used", "created_at"]
    list_select_related = ["incentive", "grant", "batch"]
    fields = ["incentive", "grant", "batch", "used", "created_at"]
    ordering = ["-id"]


@admin.register(TargetedCustomer)
class TargetedCustomerAdmin(ReadOnlyAdmin):
    list_display = ["campaign", "customer", "targeted_at"]
    list_filter = ["campaign"]
    list_select_related = ["campaign", "customer"]
    ordering = ["-id"]


class PointValuesField(forms.CharField):
    """Typed as a line for each currency (``USD 0.5``), kept as a mapping, judged by ``rules.loyalty``."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{currency} {worth}" for currency, worth in sorted(value.items())) if isinstance(value, dict) else value

    def clean(self, value: Any) -> dict[str, str]:
        text = super().clean(value)
        values: dict[str, str] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            currency, _space, worth = line.partition(" ")
            if currency.upper() in values:
                raise forms.ValidationError(_("%(currency)s stands here twice.") % {"currency": currency.upper()})
            values[currency.upper()] = worth.strip()
        sentences = {
            "unknown-currency": _("%(currency)s is no currency of ISO 4217."),
            "not-a-value": _(
                "Say what a point is worth in %(currency)s: a number above 0 such as 0.5, with at most six decimals."
            ),
        }
        faults = loyalty.faults_of_point_values(values)
        if faults:
            raise forms.ValidationError([sentences[fault.code] % {"currency": fault.pointer[1:]} for fault in faults])
        return values


class LoyaltyProgrammeForm(forms.ModelForm):
    point_values = PointValuesField(
        label=_("value of a point"),
        required=False,
        help_text=_("Minor units, one currency a line: “USD 0.5” makes a point worth half a cent. Empty: points do not pay."),
    )

    class Meta:
        model = LoyaltyProgramme
        fields = [
            "name", "is_active", "point_values", "pending_days", "valid_months", "round_up_to_end_of", "reminder_days",
            "take_back", "time_zone", "tiers_by", "tier_currency", "tier_months", "grace_days", "step_down",
        ]  # fmt: skip

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"])
        if zone not in zoneinfo.available_timezones():
            raise forms.ValidationError(_("This time zone is not known; write it as in “Europe/Rome”."))
        return zone

    def clean_tier_currency(self) -> str:
        currency = str(self.cleaned_data["tier_currency"]).upper()
        if currency not in CURRENCIES:
            raise forms.ValidationError(_("Write the three letters of its ISO 4217 code, such as USD."))
        return currency

    def clean_valid_months(self) -> int | None:
        months: int | None = self.cleaned_data["valid_months"]
        if months == 0:
            raise forms.ValidationError(_("At least one month, or nothing: points then do not end."))
        return months


@admin.register(LoyaltyProgramme)
class LoyaltyProgrammeAdmin(BackOfficeAdmin):
    form = LoyaltyProgrammeForm
    list_display = ["name", "pending_days", "valid_months", "take_back", "is_active"]
    fieldsets = [
        (None, {"fields": ["name", "is_active", "point_values"]}),
        (
            _("Waiting and ending"),
            {"fields": ["pending_days", "valid_months", "round_up_to_end_of", "reminder_days", "time_zone"]},
        ),
        (_("Returns"), {"fields": ["take_back"]}),
        (_("Tiers"), {"fields": ["tiers_by", "tier_currency", "tier_months", "grace_days", "step_down"]}),
    ]


@admin.register(Tier)
class TierAdmin(BackOfficeAdmin):
    list_display = ["name", "key", "programme", "threshold", "multiplier", "reward"]
    list_select_related = ["programme", "reward"]
    search_fields = ["name", "key"]
    autocomplete_fields = ["reward"]

"""Customers in the back office: channels and stores are edited here, what happened is only read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from incentives_site.shared.admin import BackOfficeAdmin, ReadOnlyAdmin
from incentives_site.shared.jobs import enqueue

from . import operations
from .models import (
    Channel,
    Consent,
    Customer,
    CustomerImport,
    CustomerImportPart,
    CustomerScale,
    DataRequest,
    Erasure,
    Event,
    Export,
    Identity,
    IdentityKind,
    Intake,
    JourneyStages,
    KeptApart,
    ListExport,
    Merge,
    Purchase,
    PurchaseLine,
    Rejection,
    SeenMessage,
    Segment,
    SegmentChange,
    SegmentMember,
    SegmentTouch,
    Source,
    Store,
    Suppression,
    Unjudged,
)
from .rules.trust import MOST_ORIGINS, Trust, origin_of


@admin.register(Channel)
class ChannelAdmin(BackOfficeAdmin):
    list_display = ["name", "key", "kind", "can_grant", "can_redeem", "can_message", "asks_first", "is_active"]
    list_filter = ["kind", "is_active"]
    search_fields = ["name", "key"]
    prepopulated_fields = {"key": ["name"]}


@admin.register(Store)
class StoreAdmin(BackOfficeAdmin):
    list_display = ["name", "key", "channel", "time_zone", "is_active"]
    list_filter = ["channel", "is_active"]
    search_fields = ["name", "key"]
    prepopulated_fields = {"key": ["name"]}


class IdentityInline(TabularInline):
    model = Identity
    extra = 0
    fields = ["kind", "value", "created_at"]
    readonly_fields = ["kind", "value", "created_at"]
    can_delete = False
    max_num = 0


@admin.register(Customer)
class CustomerAdmin(BackOfficeAdmin):
    list_display = ["display_name", "public_id", "language", "created_at"]
    search_fields = ["display_name", "public_id", "identities__value"]
    readonly_fields = ["public_id", "claims", "facts", "traits_at", "first_seen_at", "forwarded_to", "merges", "created_at"]
    inlines = [IdentityInline]

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False  # erasure is a verb of its own: it must reach everything that is held

    def save_model(self, request: HttpRequest, obj: Customer, form: object, change: bool) -> None:
        super().save_model(request, obj, form, change)
        operations.note_changed(customers=[obj.pk], now=timezone.now())


@admin.register(Identity)
class IdentityAdmin(ReadOnlyAdmin):
    list_display = ["kind", "value", "customer", "created_at"]
    list_filter = ["kind"]
    search_fields = ["value"]
    list_select_related = ["customer"]


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ["said_at", "customer", "purpose", "channel", "kind", "is_given", "how", "actor"]
    list_filter = ["purpose", "is_given", "how", "channel"]
    list_select_related = ["customer", "channel"]
    search_fields = ["customer__public_id"]
    ordering = ["-id"]


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "erased_at", "by"]
    search_fields = ["public_id"]
    ordering = ["-id"]


@admin.register(DataRequest)
class DataRequestAdmin(ReadOnlyAdmin):
    """Settled on the page of requests in the workspace."""

    list_display = ["asked_at", "kind", "state", "due_on", "customer", "settled_by"]
    list_filter = ["state", "kind"]
    list_select_related = ["customer"]
    search_fields = ["public_id"]
    ordering = ["-id"]


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "since"]
    ordering = ["-id"]


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "exported_at", "by", "customer", "size"]
    list_select_related = ["customer"]
    search_fields = ["public_id", "sha256"]
    ordering = ["-id"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "type", "name", "customer", "channel", "source"]
    list_filter = ["type", "channel", "source"]
    list_select_related = ["customer", "channel"]
    search_fields = ["message_id"]
    search_help_text = "message id"
    ordering = ["-id"]


class PurchaseLineInline(TabularInline):
    model = PurchaseLine
    extra = 0
    max_num = 0
    can_delete = False
    fields = readonly_fields = ["position", "sku", "name", "category", "brand", "quantity", "paid", "discount"]


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    list_display = ["order_key", "source", "customer", "channel", "store", "placed_at", "paid", "discount", "currency"]
    list_filter = ["source", "channel"]
    list_select_related = ["customer", "channel", "store"]
    search_fields = ["order_key"]
    ordering = ["-id"]
    inlines = [PurchaseLineInline]


@admin.register(PurchaseLine)
class PurchaseLineAdmin(ReadOnlyAdmin):
    list_display = ["purchase", "position", "sku", "name", "quantity", "paid"]
    list_select_related = ["purchase"]
    search_fields = ["sku"]
    ordering = ["-id"]


@admin.register(IdentityKind)
class IdentityKindAdmin(BackOfficeAdmin):
    list_display = ["key", "limit", "window_days", "rank"]
    ordering = ["rank", "key"]


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    list_display = ["merged_at", "survivor", "merged", "by", "reason", "split_at"]
    list_select_related = ["survivor", "merged"]
    ordering = ["-id"]


@admin.register(KeptApart)
class KeptApartAdmin(ReadOnlyAdmin):
    list_display = ["one", "other", "since", "by"]
    list_select_related = ["one", "other"]
    ordering = ["-id"]


@admin.register(SeenMessage)
class SeenMessageAdmin(ReadOnlyAdmin):
    list_display = ["digest", "seen_at"]
    ordering = ["-seen_at"]


class SourceForm(forms.ModelForm):
    """``trust`` has to be chosen, also where something has been assumed until now."""

    renew_key = forms.BooleanField(
        label=_("Make a new write key"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_(
            "The present key stops working when you save. A public key that becomes secret is always replaced. If you choose"
            " for the"
            " first time, and the key has never been in a page or an app, you can keep it."
        ),
    )

    class Meta:
        model = Source
        fields = ["name", "key", "channel", "trust", "origins", "currency", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "trust" not in self.fields:
            return
        self.fields["trust"] = forms.ChoiceField(
            label=_("Where the key is kept"),
            choices=[("", _("Choose where the key is kept")), *Source._meta.get_field("trust").flatchoices],
            widget=UnfoldAdminSelectWidget,
            help_text=Source._meta.get_field("trust").help_text,
        )
        if "origins" in self.fields:
            self.fields["origins"].widget = UnfoldAdminTextInputWidget()
        if self.instance.pk is None or not self.instance.is_trust_chosen:
            self.initial["trust"] = ""

    def clean_origins(self) -> list[str]:
        found = [origin_of(text) for text in self.cleaned_data["origins"]]
        if None in found or len(found) > MOST_ORIGINS:
            raise ValidationError(_("Enter origins such as https://shop.example, without a path, separated by commas."))
        return [origin for origin in found if origin is not None]


@admin.register(Source)
class SourceAdmin(BackOfficeAdmin):
    form = SourceForm
    list_display = ["name", "key", "channel", "kept", "currency", "is_active", "created_at"]
    list_filter = ["trust", "is_trust_chosen", "channel", "is_active"]
    search_fields = ["name", "key"]
    prepopulated_fields = {"key": ["name"]}
    readonly_fields = ["shown_key", "shown_secret", "created_at"]
    fields = [
        "name",
        "key",
        "channel",
        "trust",
        "shown_key",
        "renew_key",
        "origins",
        "shown_secret",
        "currency",
        "is_active",
        "created_at",
    ]

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> list[Any]:
        return [name for name in self.fields or [] if obj is not None or name != "renew_key"]

    @admin.display(description=_("key is kept"), ordering="trust")
    def kept(self, source: Source) -> str:
        return source.get_trust_display() if source.is_trust_chosen else _("Not chosen: treated as public")

    @admin.display(description=_("write key"))
    def shown_key(self, source: Source) -> str:
        return source.write_key if source.pk else _("Made when you save")

    @admin.display(description=_("secret for customer tokens"))
    def shown_secret(self, source: Source) -> str:
        """Browsers and devices never see it: the shop's server signs with it."""
        return source.token_secret if source.pk and source.trust != Trust.SERVER else "–"

    def save_model(self, request: HttpRequest, obj: Source, form: SourceForm, change: bool) -> None:
        trust = Trust(form.cleaned_data["trust"])
        if change:
            obj.trust = Source.objects.values_list("trust", flat=True).get(pk=obj.pk)  # the operation decides what follows
        super().save_model(request, obj, form, change)
        is_renewed = operations.choose_trust(
            source=obj, trust=trust, renew_key=change and form.cleaned_data.get("renew_key", False)
        )
        if change and is_renewed:
            self.message_user(request, _("The source has a new write key. Give it to what sends events."), messages.WARNING)


@admin.register(Intake)
class IntakeAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "source", "kind", "attempts"]
    list_select_related = ["source"]
    fields = ["source", "kind", "received_at", "attempts"]
    ordering = ["-id"]


@admin.register(Rejection)
class RejectionAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "source", "reason", "message_id", "replayed_at"]
    list_filter = ["source", "reason"]
    list_select_related = ["source"]
    search_fields = ["message_id"]
    ordering = ["-id"]
    actions = ["send_again"]

    @admin.action(description=_("Send again"))
    def send_again(self, request: HttpRequest, queryset: QuerySet[Rejection]) -> None:
        sent = sum(operations.replay(rejection=rejection, now=timezone.now()) for rejection in queryset[:1_000])
        self.message_user(request, _("%(count)s events were sent again.") % {"count": sent})


@admin.register(JourneyStages)
class JourneyStagesAdmin(BackOfficeAdmin):
    list_display = ["new_days", "at_risk_days", "lapsed_days", "at_risk_gaps", "lapsed_gaps", "growing_percent"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not JourneyStages.objects.exists()

    def save_model(self, request: HttpRequest, obj: JourneyStages, form: object, change: bool) -> None:
        """Everybody's stage follows from it."""
        super().save_model(request, obj, form, change)
        enqueue("customers.tasks.refresh_insight")


@admin.register(CustomerScale)
class CustomerScaleAdmin(ReadOnlyAdmin):
    list_display = ["counted_at", "recency", "frequency", "value"]


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin):
    """Defined on the pages of the workspace."""

    list_display = ["name", "key", "kind", "state", "version", "good_at", "rows", "seconds", "cost", "archived_at"]
    list_filter = ["state", "kind"]
    search_fields = ["name", "key"]


@admin.register(SegmentMember)
class SegmentMemberAdmin(ReadOnlyAdmin):
    list_display = ["segment", "customer", "since"]
    list_select_related = ["segment", "customer"]
    show_full_result_count = False


@admin.register(SegmentChange)
class SegmentChangeAdmin(ReadOnlyAdmin):
    list_display = ["segment", "customer", "has_entered", "at"]
    list_select_related = ["segment", "customer"]


@admin.register(SegmentTouch)
class SegmentTouchAdmin(ReadOnlyAdmin):
    list_display = ["segment", "customer"]
    list_select_related = ["segment", "customer"]


@admin.register(Unjudged)
class UnjudgedAdmin(ReadOnlyAdmin):
    list_display = ["customer", "noted_at"]
    list_select_related = ["customer"]


@admin.register(CustomerImport)
class CustomerImportAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "position", "lines", "created_by", "created_at", "finished_at")
    list_filter = ("state",)


@admin.register(CustomerImportPart)
class CustomerImportPartAdmin(ReadOnlyAdmin):
    list_display = ("customer_import", "is_report", "number")
    exclude = ("body",)


@admin.register(ListExport)
class ListExportAdmin(ReadOnlyAdmin):
    list_display = ("exported_at", "by", "about", "count")
    date_hierarchy = "exported_at"

"""What the loyalty programme did by itself, read only; draws of contests are announced and drawn here, never edited."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.admin import ReadOnlyAdmin
from incentives_site.shared.problems import Problem

from .. import operations
from ..models import ContestDraw, CustomerTier, PurchaseEarning


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


class ContestDrawForm(forms.ModelForm):
    def clean_contest(self) -> str:
        contest = str(self.cleaned_data["contest"])
        if ContestDraw.objects.filter(contest=contest, drawn_at__isnull=True).exists():
            raise forms.ValidationError(operations.DrawAnnounced.title)
        return contest


@admin.register(ContestDraw)
class ContestDrawAdmin(ReadOnlyAdmin):
    form = ContestDrawForm
    list_display = ["contest", "winners_wanted", "commitment", "announced_at", "drawn_at"]
    search_fields = ["contest", "public_id"]
    exclude = ["sealed"]
    ordering = ["-id"]
    actions = ["draw"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def get_fields(self, request: HttpRequest, obj: ContestDraw | None = None) -> Any:
        return super().get_fields(request, obj) if obj else ["contest", "winners_wanted"]

    def save_model(self, request: HttpRequest, obj: ContestDraw, form: Any, change: bool) -> None:
        """Through the verb, which commits to a seed."""
        made = operations.announce_draw(
            contest=obj.contest, winners=obj.winners_wanted, by=f"user:{request.user.pk}", now=timezone.now()
        )
        obj.pk = made.pk

    @admin.action(description=_("Draw the winners now"), permissions=["add"])
    def draw(self, request: HttpRequest, rows: QuerySet[ContestDraw]) -> None:
        for row in rows:
            try:
                operations.draw_contest(contest=row.contest, by=f"user:{request.user.pk}", now=timezone.now())
            except Problem as problem:
                messages.error(request, f"{row.contest}: {problem.title}")

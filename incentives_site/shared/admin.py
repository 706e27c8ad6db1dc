"""What the back office of every app shares: rows that may be read but never edited."""

from typing import Any

from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]
    """Counts a large table by PostgreSQL's estimate: an exact count would be the slowest query of the page."""

    EXACT_BELOW = 50_000

    @cached_property
    def count(self) -> int:
        query = getattr(self.object_list, "query", None)
        if query is not None and not query.where:
            with connection.cursor() as cursor:
                cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [query.model._meta.db_table])
                estimate: int = cursor.fetchone()[0]
            if estimate > self.EXACT_BELOW:
                return estimate
        return int(super().count)


class BackOfficeAdmin(ModelAdmin):
    """The common look; links instead of drop-downs for rows there are many of."""

    show_full_result_count = False
    paginator = EstimatingPaginator
    list_per_page = 50
    compressed_fields = True
    warn_unsaved_form = True


class ReadOnlyAdmin(BackOfficeAdmin):
    """Ledger-like rows: what happened is not edited, only read. Changes go through the product's own verbs."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

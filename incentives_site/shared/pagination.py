"""Lists of the API: by cursor, ``{"results", "next", "previous"}``."""

from rest_framework import pagination


class CursorPagination(pagination.CursorPagination):
    """Newest first by id, stable while rows are added; ``limit`` chooses the size (at most 200)."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = "-id"
